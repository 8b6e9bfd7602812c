"""Elements measured together: the numbers of one by one from few evaluations, and no structure that f does not have."""

import numpy as np
import pytest
import scipy.sparse as sparse

import gradaudit as ga
from gradaudit.checks import _matrix, _structure
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.verdict import Status

X = np.random.default_rng(20261123).normal(size=400)
WEIGHTS = np.random.default_rng(4).normal(size=(10, 5))


def vjp_of(slope):
    return lambda x, u: u * slope(x)


def bands(x):
    return 2 * np.append(0.0, x[:-1]) + x**3 - np.append(x[1:], 0.0)


def bands_jacobian(x):
    n = x.size
    return sparse.diags([np.full(n - 1, 2.0), 3 * x**2, np.full(n - 1, -1.0)], [-1, 0, 1]).tocsr()


def bands_vjp(x, u):
    return bands_jacobian(x).T @ u


def batch(x):
    return np.tanh(x.reshape(40, 10) @ WEIGHTS)


def batch_vjp(x, u):
    return (((1 - batch(x) ** 2) * u) @ WEIGHTS.T).ravel()


def spoiled(jacobian, change):
    """The Jacobian with a change in it, its storage as it falls out."""

    def claim(x):
        matrix = jacobian(x).tolil()
        change(matrix)
        return matrix.tocsr()

    return claim


@pytest.fixture
def alone(monkeypatch):
    """Everything is measured one by one, whatever its structure."""

    def switch():
        monkeypatch.setattr(_structure, "FEWEST", 10**9)
        monkeypatch.setattr(_matrix, "FEWEST", 10**9)

    return switch


EQUAL = {
    "sine": (np.sin, X, {"vjp": vjp_of(np.cos)}),
    "gradient of the sum": (np.sin, X, {"gradient": np.cos}),
    "relu": (lambda x: np.maximum(x, 0), X, {"vjp": vjp_of(lambda x: 1.0 * (x > 0))}),
    "kink": (np.abs, np.append(X, 0.0), {"vjp": vjp_of(np.sign)}),
    "steep": (lambda x: np.exp(5 * x), X, {"vjp": vjp_of(lambda x: 5 * np.exp(5 * x))}),
    "edge of the domain": (np.log, np.abs(X) / 10, {"vjp": vjp_of(lambda x: 1 / x)}),
    "large offset": (lambda x: 1e12 + np.sin(x), X[:80], {"vjp": vjp_of(np.cos)}),
    "wrong sign": (np.sin, X, {"vjp": vjp_of(lambda x: -np.cos(x))}),
    "one percent": (np.sin, X, {"vjp": vjp_of(lambda x: 1.01 * np.cos(x))}),
    "bands": (bands, X, {"vjp": bands_vjp}),
    "batch": (batch, X, {"vjp": batch_vjp}),
    "sparse": (bands, X[:100], {"jacobian": bands_jacobian}),
    "sparse, transposed": (bands, X[:100], {"jacobian": lambda x: bands_jacobian(x).T}),
    "sparse, wrong sign": (bands, X[:100], {"jacobian": lambda x: -bands_jacobian(x)}),
    "sparse, all zero": (bands, X[:100], {"jacobian": lambda x: 0 * bands_jacobian(x)}),
    "dense": (np.sin, X[:80], {"jacobian": lambda x: np.diag(np.cos(x))}),
}


@pytest.mark.parametrize("name", EQUAL)
def test_together_and_one_by_one_say_the_same_in_different_numbers_of_evaluations(name, alone):
    function, x, claim = EQUAL[name]
    together = ga.audit(function, x, **claim)
    alone()
    single = ga.audit(function, x, **claim)
    assert (together.status, together.diagnosis, together.counts) == (single.status, single.diagnosis, single.counts)
    if together.status is not Status.INCONCLUSIVE:  # which stops early
        for name in ("error_over_tolerance", "max_abs_error", "max_rel_error", "bound"):
            assert getattr(together.measures, name) == pytest.approx(getattr(single.measures, name), nan_ok=True)
    assert together.measures.saved > 0
    assert single.measures.saved == 0
    assert together.measures.evaluations < single.measures.evaluations


def test_a_hundred_thousand_elements_take_two_hundred_evaluations():
    x = np.random.default_rng(1).normal(size=100_000)
    verdict = ga.audit(np.sin, x, jacobian=lambda x: sparse.diags(np.cos(x)))
    assert verdict.status is Status.PASS
    assert verdict.counts.checked == verdict.counts.passed == 10**10
    assert verdict.measures.evaluations < 200
    assert verdict.measures.saved > 199_000
    assert "each output depends on one element" in " ".join(verdict.notes)


def test_the_evaluations_that_are_told_are_those_that_were_made():
    calls = 0

    def counted(x):
        nonlocal calls
        calls += 1
        return np.sin(x)

    for claim in ({"vjp": vjp_of(np.cos)}, {"jacobian": lambda x: sparse.diags(np.cos(x))}):
        calls = 0
        assert ga.audit(counted, X, **claim).measures.evaluations == calls


@pytest.mark.parametrize("fault", [lambda g: 1.01 * g, lambda g: 2 * g, lambda g: 0 * g])
@pytest.mark.parametrize(("function", "vjp"), [(np.sin, vjp_of(np.cos)), (bands, bands_vjp), (batch, batch_vjp)])
def test_one_wrong_element_of_a_product_is_named(function, vjp, fault):
    def claim(x, u):
        g = vjp(x, u)
        g[123] = fault(g[123])
        return g

    verdict = ga.audit(function, X, vjp=claim)
    assert verdict.status is Status.FAIL
    assert verdict.diagnosis is Diagnosis.ONE_ELEMENT
    assert {element.input for element in verdict.elements if element.status is Status.FAIL} == {"x[123]"}


def set_to(value, *place):
    def change(matrix):
        matrix[place] = value

    return change


def times(factor, *place):
    def change(matrix):
        matrix[place] = factor * matrix[place]

    return change


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (times(1.01, 50, 51), ("out[50]", "x[51]")),
        (times(2.0, 50, 50), ("out[50]", "x[50]")),
        (times(-1.0, 50, 49), ("out[50]", "x[49]")),
        (set_to(0.0, 50, 51), ("out[50]", "x[51]")),
        (set_to(1e-3, 50, 300), ("out[50]", "x[300]")),
    ],
    ids=["one percent", "twice", "sign", "dropped", "outside"],
)
def test_one_wrong_entry_of_a_sparse_jacobian_is_named(change, place):
    verdict = ga.audit(bands, X, jacobian=spoiled(bands_jacobian, change))
    assert verdict.status is Status.FAIL
    assert verdict.diagnosis is Diagnosis.ONE_ELEMENT
    (wrong,) = (element for element in verdict.elements if element.status is Status.FAIL)
    assert (wrong.output, wrong.input) == place
    assert f"d {wrong.output}/d {wrong.input}" in verdict.evidence


def test_a_stored_zero_in_place_of_an_entry_is_named():
    def claim(x):
        matrix = bands_jacobian(x)
        matrix[50, 51] = 0.0  # which stays stored
        return matrix

    verdict = ga.audit(bands, X, jacobian=claim)
    assert verdict.diagnosis is Diagnosis.ONE_ELEMENT
    assert "d out[50]/d x[51]" in verdict.message


def test_an_entry_of_f_outside_the_claimed_pattern_is_named():
    def far(x):
        y = bands(x)
        y[7] += 1e-6 * x[300]
        return y

    verdict = ga.audit(far, X, jacobian=bands_jacobian)
    assert verdict.status is Status.FAIL
    assert "d out[7]/d x[300]" in verdict.message
    assert "1 are missing" in " ".join(verdict.notes)


def test_a_wrong_row_of_a_sparse_jacobian_is_named():
    def change(matrix):
        matrix[50] = matrix[50].multiply([1.1, 1.2, 1.3, 1.4] * 100)

    verdict = ga.audit(bands, X, jacobian=spoiled(bands_jacobian, change))
    assert verdict.diagnosis is Diagnosis.ONE_ROW
    assert "out[50]" in verdict.evidence


def test_a_claim_that_stores_more_than_f_has_passes_and_is_told():
    def claim(x):
        n = x.size
        places = np.concatenate([np.arange(n), np.arange(n)]), np.concatenate([np.arange(n), np.roll(np.arange(n), 1)])
        return sparse.csr_array((np.append(np.cos(x), np.zeros(n)), places), shape=(n, n))

    verdict = ga.audit(np.sin, X, jacobian=claim)
    assert verdict.status is Status.PASS
    told = "the claim stores 800 entries, at most 2 an output; f has 400, at most 1: 400 are stored for nothing"
    assert told in " ".join(verdict.notes)


def pair(x, strength):
    y = np.sin(x)
    y[10] += strength * x[200]
    return y


def test_a_claim_that_is_blind_for_one_coupled_pair_fails_there():
    verdict = ga.audit(lambda x: pair(x, 1e-3), X, vjp=vjp_of(np.cos))
    assert verdict.status is Status.FAIL
    assert verdict.diagnosis is Diagnosis.ONE_ELEMENT
    assert "x[200]" in verdict.message


def test_a_coupling_beyond_the_looks_of_the_search_ends_in_one_by_one(monkeypatch):
    """Only when exactly all elements stand at a step that differences take does this function couple its ends."""

    def hidden(x):
        y = np.sin(x)
        steps = np.abs(x - X)
        moved = steps > 0
        if moved.sum() > 1 and np.allclose(np.log2(steps[moved] / steps[moved][0]) % 1, 0):
            y[0] += 1e-3 * (x - X).sum()
        return y

    verdict = ga.audit(hidden, X, vjp=vjp_of(np.cos))
    assert verdict.status is Status.PASS
    assert verdict.measures.saved == 0
    assert "every element was moved by itself" in " ".join(verdict.notes)


def test_a_function_that_raises_for_a_few_elements_is_measured_around_them():
    def raising(x):
        if (x < 0).any():
            raise ValueError
        return np.sqrt(x)

    x = np.append(np.full(200, 2.0), 1e-6)
    verdict = ga.audit(raising, x, vjp=vjp_of(lambda x: 0.5 / np.sqrt(x)))
    assert verdict.status is Status.PASS
    assert verdict.measures.saved > 0


def test_bounds_hold_when_many_elements_move_at_once():
    low, high = np.inf, -np.inf

    def watched(x):
        nonlocal low, high
        low, high = min(low, x.min()), max(high, x.max())
        return x**2

    from gradaudit.perturb.noise import measure_noise
    from gradaudit.perturb.pattern import Pattern
    from gradaudit.perturb.sampling import Probe
    from gradaudit.perturb.steps import Coordinates, Point, octaves
    from gradaudit.perturb.together import Together

    n = 100
    point = Point(np.linspace(0, 1, n), np.full(n, 2.0**-52), np.zeros(n), np.ones(n))
    base = watched(point.x)
    sigma = measure_noise(watched, point, base=base, rng=np.random.default_rng(0)).sigma
    together = Together(watched, point.x, base, Pattern.diagonal(n), np.random.default_rng(1))
    directions = Coordinates(point, np.arange(n))
    steps = octaves(directions, np.array([1.0, 4.0]))
    found = Probe(watched, base, sigma, np.ones((1, n)), together=together).sample(directions, steps)
    assert 0 <= low <= high <= 1
    single = Probe(watched, base, sigma, np.ones((1, n))).sample(directions, steps)
    for name in ("ahead", "behind", "rise", "fall", "noise"):
        np.testing.assert_array_equal(getattr(found, name), getattr(single, name))


def test_a_large_sparse_claim_without_structure_is_never_written_out(monkeypatch):
    def arrow(x):
        y = x**2 + x[0]
        y[0] = (x**2).sum()
        return y

    def claim(x):
        matrix = sparse.diags(2 * x).tolil()
        matrix[:, 0] = 1.0
        matrix[0, :] = 2 * x
        return matrix.tocsr()

    class Refused(sparse.csr_array):
        def toarray(self, *_, **__):
            raise AssertionError("written out")

    monkeypatch.setattr(_matrix, "DENSE", 1000)
    assert ga.audit(arrow, X[:60], jacobian=lambda x: Refused(claim(x))).status is Status.PASS
    verdict = ga.audit(arrow, X[:60], jacobian=spoiled(claim, times(1.01, 0, 33)))
    assert "d out[0]/d x[33]" in verdict.message


def test_few_elements_are_measured_as_ever():
    verdict = ga.audit(np.sin, X[:20], vjp=vjp_of(np.cos))
    assert verdict.measures.saved == 0
    assert not verdict.notes


def test_auto_takes_what_has_a_structure_together_and_certifies_what_has_none():
    import time

    mixing = np.random.default_rng(0).normal(size=(3, 4000))
    x = np.random.default_rng(2).normal(size=4000)

    def slow(function):
        def slowed(x):
            time.sleep(0.002)
            return function(x)

        return slowed

    verdict = ga.audit(slow(np.sin), x, vjp=vjp_of(np.cos), elements="auto")
    assert verdict.status is Status.PASS
    assert not verdict.certificates
    assert "auto took all 4,000 together" in " ".join(verdict.notes)
    verdict = ga.audit(slow(lambda x: mixing @ x), x, vjp=lambda x, u: mixing.T @ u, elements="auto")
    assert verdict.status is Status.PASS
    assert verdict.certificates


@pytest.mark.parametrize("zero", [np.zeros, sparse.csr_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("outputs", [64, 100, 5])
def test_a_claim_without_any_entry_is_audited_where_f_has_none_and_fails_where_it_has(zero, outputs):
    x = np.linspace(0.5, 2.0, 64)
    none, some = np.arange(float(outputs)), np.zeros(outputs)

    def jacobian(x):
        return zero((outputs, 64))

    constant = ga.audit(lambda x: none.copy(), x, jacobian=jacobian)
    assert constant.status is Status.PASS
    assert constant.counts.checked == constant.counts.passed == 64 * outputs
    assert "no output depends on any element" in " ".join(constant.notes)
    some[0] = 1.0
    assert ga.audit(lambda x: some * x[7], x, jacobian=jacobian).status is Status.FAIL


def test_the_hessian_of_a_linear_function_is_zero():
    x = np.linspace(0.5, 2.0, 64)
    verdict = ga.audit(np.sum, x, gradient=np.ones_like, hessian=lambda x: np.zeros((x.size, x.size)))
    assert verdict.status is Status.PASS


def test_what_finding_a_structure_took_is_counted_once_where_hidden_noise_calls_for_another_measurement():
    calls = []

    def f(x):
        calls.append(1)
        return np.exp(-x).astype(np.float32) * np.sin(3 * x) + x

    def jacobian(x):
        return np.diag(np.exp(-x) * (3 * np.cos(3 * x) - np.sin(3 * x)) + 1)

    verdict = ga.audit(f, np.linspace(0.5, 1.5, 64), jacobian=jacobian)
    assert verdict.status is Status.PASS
    assert verdict.measures.evaluations == len(calls)
