"""``elements: {directions: k}`` end to end: right claims pass with a bound, planted faults are found and named."""

import numpy as np
import pytest

import gradaudit as ga
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.verdict import Catch, Status
from gradaudit.plan.case import Settings, Tolerance
from gradaudit.power.faults import FAULTS


def chain(x):
    """Each element meets its neighbour."""
    return float(np.sin(x).sum() + (x[1:] * x[:-1] ** 2).sum())


def chain_gradient(x):
    g = np.cos(x)
    g[1:] += x[:-1] ** 2
    g[:-1] += 2 * x[:-1] * x[1:]
    return g


def audited(n, spoil=None, *, seed=0, directions=6, function=chain, gradient=chain_gradient, **more):
    x = np.random.default_rng(n).normal(size=n)

    def claim(x):
        g = gradient(x)
        return g if spoil is None else spoil(g)

    return ga.audit(function, x, gradient=claim, settings=Settings(directions=directions, **more), seed=seed)


def factor(where, by):
    def spoil(g):
        g[where] *= by
        return g

    return spoil


def failing(verdict):
    return {element.input for element in verdict.elements if element.status is Status.FAIL}


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("n", [40, 1000, 10_000])
def test_a_right_gradient_passes_whatever_the_directions(n, seed):
    verdict = audited(n, seed=seed)
    assert verdict.status is Status.PASS
    assert verdict.measures.bound <= 1e-3
    assert verdict.counts.checked == verdict.counts.passed == n
    assert verdict.measures.evaluations < 250


ON_A_SMALL_SCALE = {
    "tanh": (lambda t: np.tanh(t).sum(), lambda t: 1 / np.cosh(t) ** 2),
    "square": (lambda t: (t * t).sum(), lambda t: 2 * t),
    "well": (lambda t: np.log1p(t * t).sum(), lambda t: 2 * t / (1 + t * t)),
    "exp": (lambda t: np.exp(t).sum(), np.exp),
    "logarithm": (lambda t: np.log(np.abs(t)).sum(), lambda t: 1 / t),
}


@pytest.mark.parametrize("scale", [1e-5, 1e-8, 1e-12, 1e-15])
@pytest.mark.parametrize("name", ON_A_SMALL_SCALE)
def test_elements_far_smaller_than_one_are_decided_on_their_own_scale(name, scale):
    f, slope = ON_A_SMALL_SCALE[name]
    x = scale * np.random.default_rng(5).normal(size=300)
    for by, status in ((1.0, Status.PASS), (1.5, Status.FAIL)):
        verdict = ga.audit(
            lambda x: float(f(x / scale)),
            x,
            gradient=lambda x, by=by: factor([7], by)(slope(x / scale) / scale),
            settings=Settings(directions=8),
        )
        assert verdict.status is status


@pytest.mark.parametrize("n", [1000, 100_000])
@pytest.mark.parametrize("by", [0.0, -1.0, 2.0, 1.01])
def test_one_wrong_element_is_found_and_named(n, by):
    verdict = audited(n, factor([n // 3], by))
    assert verdict.status is Status.FAIL
    assert verdict.diagnosis is Diagnosis.ONE_ELEMENT
    assert failing(verdict) == {f"x[{n // 3}]"}
    assert f"the other {n - 1} agree" in verdict.message
    (certificate,) = verdict.certificates
    assert (certificate.elements, certificate.excluded) == (n - 1, 1)
    assert verdict.measures.evaluations < 450


@pytest.mark.parametrize("seed", range(3))
def test_several_wrong_elements_are_found_exactly(seed):
    where = np.random.default_rng(seed).choice(20_000, 5, replace=False)
    verdict = audited(20_000, factor(where, 0.9), seed=seed)
    assert verdict.status is Status.FAIL
    assert failing(verdict) == {f"x[{i}]" for i in where}
    assert verdict.counts.failed == 5
    assert verdict.counts.passed == 19_995


@pytest.mark.parametrize("seed", range(3))
def test_ten_wrong_elements_of_a_thousand_are_found_exactly(seed):
    where = np.random.default_rng(seed).choice(1000, 10, replace=False)
    verdict = audited(1000, factor(where, 0.0), seed=seed)
    assert failing(verdict) == {f"x[{i}]" for i in where}
    assert verdict.counts.failed == verdict.certificates[0].excluded == 10


def test_more_wrong_elements_than_can_be_singled_out_are_said_to_be_there():
    where = np.random.default_rng(0).choice(20_000, 200, replace=False)
    verdict = audited(20_000, factor(where, 0.0))
    assert verdict.status is Status.FAIL
    assert any(note.startswith("not every wrong element was singled out") for note in verdict.notes)
    assert not verdict.certificates
    assert verdict.measures.evaluations < 2500


def test_two_swapped_elements_cannot_cancel_each_other():
    def swapped(g):
        g[[7, 900]] = g[[900, 7]]
        return g

    verdict = audited(1000, swapped)
    assert verdict.diagnosis is Diagnosis.SWAPPED
    assert failing(verdict) == {"x[7]", "x[900]"}


@pytest.mark.parametrize(
    ("n", "spoil", "diagnosis"),
    [
        (1_000_000, lambda g: 0 * g, Diagnosis.ZERO),
        (1_000_000, lambda g: -g, Diagnosis.WRONG_SIGN),
        (50_000, lambda g: 2 * g, Diagnosis.CONSTANT_FACTOR),
        (50_000, lambda g: g / len(g), Diagnosis.CONSTANT_FACTOR),
    ],
)
def test_what_is_wrong_everywhere_is_told_from_the_directions(n, spoil, diagnosis):
    verdict = audited(n, spoil, directions=3, function=lambda x: float(np.sin(x).sum()), gradient=lambda x: np.cos(x))
    assert verdict.status is Status.FAIL
    assert verdict.diagnosis is diagnosis
    assert verdict.measures.evaluations < 330


def test_half_of_an_input_that_is_wrong_is_said_as_a_range():
    verdict = audited(10_000, factor(slice(5000, None), 1.5))
    assert verdict.status is Status.FAIL
    assert any("x[5000] … x[9999]" in note for note in verdict.notes)
    assert not verdict.certificates
    assert verdict.counts.checked < 100


def test_one_wrong_input_of_several_is_named():
    rng = np.random.default_rng(0)
    a, b, c = rng.normal(size=(3, 50, 40))
    verdict = ga.audit(
        lambda a, b, c: float((np.sin(a) * b + c**3).sum()),
        a,
        b,
        c,
        gradient=lambda a, b, c: (np.cos(a) * b, np.cos(a), 3 * c**2),
        settings=Settings(directions=6),
    )
    assert verdict.status is Status.FAIL
    assert verdict.diagnosis is Diagnosis.ONE_INPUT
    assert "all failures are in x1" in verdict.message


def test_a_nan_is_a_failure_of_its_element():
    def hollow(g):
        g[77] = np.nan
        return g

    verdict = audited(1000, hollow)
    assert verdict.diagnosis is Diagnosis.NOT_FINITE
    assert "x[77]" in failing(verdict)


def test_tiny_elements_below_large_ones_are_counted_apart_and_never_silently():
    n = 2000
    size = np.where(np.arange(n) < 1900, 1.0, 1e-12)

    def function(x):
        return float((size * np.sin(x)).sum())

    verdict = audited(n, function=function, gradient=lambda x: size * np.cos(x))
    assert verdict.status is Status.PASS
    assert verdict.counts.bounded_by_largest >= 100
    assert verdict.counts.resolved + verdict.counts.bounded_by_largest == n
    (certificate,) = verdict.certificates
    assert certificate.decades[-1].limit > 1
    assert certificate.decades[0].limit < 1e-3


def test_balanced_weights_find_a_small_element_that_plain_ones_cannot_see():
    n = 2000
    size = np.where(np.arange(n) < 20, 1e8, 1.0)

    def gradient(x):
        g = size * np.cos(x)
        g[1500] = 0.0
        return g

    verdict = audited(n, function=lambda x: float((size * np.sin(x)).sum()), gradient=gradient)
    assert verdict.status is Status.FAIL
    assert failing(verdict) == {"x[1500]"}


def test_float32_is_certified_at_its_own_resolution():
    x = np.random.default_rng(0).normal(size=500).astype(np.float32)

    def audited32(spoil):
        return ga.audit(
            lambda x: np.sin(x).sum(dtype=np.float32),
            x,
            gradient=lambda x: spoil(np.cos(x)),
            settings=Settings(directions=24, tolerance=Tolerance(resolution=0.2)),
        )

    assert audited32(lambda g: g).status is Status.PASS
    wrong = audited32(lambda g: np.where(np.arange(500) == 123, -g, g))
    assert wrong.status is Status.FAIL
    assert failing(wrong) == {"x[123]"}


def test_too_few_directions_are_undecided_and_say_how_many_would_do():
    few = audited(1000, directions=1)
    assert few.status is Status.INCONCLUSIVE
    assert few.diagnosis is Diagnosis.PRECISION
    more = few.certificates[0].more
    assert more is not None
    assert f"{{directions: {more}}}" in few.message
    assert audited(1000, directions=more + 1).status is Status.PASS


def test_errors_within_rtol_of_each_element_are_no_failure():
    rng = np.random.default_rng(5)
    verdict = audited(1000, lambda g: g * (1 + 1e-6 * rng.uniform(-1, 1, g.shape)), directions=32)
    assert verdict.status is Status.PASS
    assert verdict.measures.bound > 1e-6


def test_fewer_elements_than_directions_are_measured_one_by_one():
    verdict = audited(5, directions=6)
    assert verdict.status is Status.PASS
    assert not verdict.certificates
    assert verdict.counts.checked == 5


def test_a_constant_function_with_a_zero_claim_passes():
    verdict = audited(100, function=lambda x: 3.0, gradient=np.zeros_like)
    assert verdict.status is Status.PASS


def test_another_seed_draws_other_directions_and_the_verdict_names_it():
    first, second, again = (audited(1000, seed=seed) for seed in (0, 1, 0))
    assert first.certificates[0].bound != second.certificates[0].bound
    assert first.certificates == again.certificates
    assert any("6 random directions (seed 1" in note for note in second.notes)


@pytest.mark.parametrize("spoil", [None, 3])
def test_a_vjp_is_certified_for_each_cotangent(spoil):
    rng = np.random.default_rng(0)
    x, weight = rng.normal(size=600), rng.normal(size=(4, 600))

    def vjp(x, cotangent):
        back = (cotangent @ weight) * np.cos(x)
        if spoil is not None:
            back[spoil] *= 1.1
        return back

    verdict = ga.audit(lambda x: weight @ np.sin(x), x, vjp=vjp, settings=Settings(directions=6))
    if spoil is None:
        assert verdict.status is Status.PASS
        assert verdict.counts.passed == 1200
    else:
        assert verdict.status is Status.FAIL
        assert failing(verdict) == {"x[3]"}
        assert verdict.diagnosis is Diagnosis.ONE_ELEMENT


def test_a_jacobian_with_one_wrong_entry_names_it():
    rng = np.random.default_rng(0)
    x, weight = rng.normal(size=300), rng.normal(size=(3, 300))

    def jacobian(x):
        J = weight * np.cos(x)
        J[1, 200] += 0.5
        return J

    verdict = ga.audit(lambda x: weight @ np.sin(x), x, jacobian=jacobian, settings=Settings(directions=6))
    assert verdict.status is Status.FAIL
    assert {(element.output, element.input) for element in verdict.elements if element.status is Status.FAIL} == {
        ("out[1]", "x[200]")
    }


def test_symmetric_matrices_are_certified_along_moves_that_keep_them_symmetric():
    a = np.random.default_rng(0).normal(size=(30, 30))
    a = a + a.T

    def logged(a):
        assert (a == a.T).all()
        return float((a**2).sum())

    verdict = ga.audit(logged, a, gradient=lambda a: 2 * a, structure="symmetric", settings=Settings(directions=6))
    assert verdict.status is Status.PASS
    assert verdict.counts.checked == 30 * 31 // 2


def test_noise_that_hides_single_elements_is_undecided_and_not_a_pass():
    def noisy(x):
        value = float(np.sin(x).sum())
        return value + 1e-3 * np.sin(1e11 * value)

    verdict = audited(5000, function=noisy, gradient=np.cos)
    assert verdict.status is Status.INCONCLUSIVE


@pytest.mark.parametrize("n", [100, 10_000])
def test_faults_planted_into_what_is_certified_are_caught_as_promised(n):
    x = np.random.default_rng(n).normal(size=n)
    verdict = ga.audit(chain, x, gradient=chain_gradient, settings=Settings(directions=12), power=True)
    assert verdict.status is Status.PASS
    assert {planted.fault: planted.outcome for planted in verdict.power} == dict.fromkeys(FAULTS, Catch.CAUGHT)
    assert all(planted.located and planted.error_over_bound > 1 for planted in verdict.power)


def test_a_fault_in_an_element_too_small_to_be_seen_is_missed_and_contradicts_nothing():
    """Elements of 1e-12 beside those of 1: the certificate says that it sees nothing of them."""
    size = np.where(np.arange(2000) < 500, 1.0, 1e-12)
    x = np.random.default_rng(0).normal(size=2000)
    verdict = ga.audit(
        lambda x: float((size * np.sin(x)).sum()),
        x,
        gradient=lambda x: size * np.cos(x),
        settings=Settings(directions=6),
        power=True,
    )
    assert verdict.status is Status.PASS
    missed = [planted for planted in verdict.power if planted.outcome is Catch.MISSED]
    assert missed
    assert all(planted.error_over_bound < 1 for planted in missed)


def test_faults_are_planted_into_certified_products_with_cotangents():
    mixing = np.random.default_rng(1).normal(size=(3, 400))
    x = np.random.default_rng(2).normal(size=400)
    verdict = ga.audit(
        lambda x: mixing @ np.sin(x),
        x,
        vjp=lambda x, u: np.cos(x) * (mixing.T @ u),
        settings=Settings(directions=12),
        power=True,
    )
    assert verdict.certificates
    assert {planted.outcome for planted in verdict.power} == {Catch.CAUGHT}


@pytest.mark.parametrize("elements", ["some", {"directions": 0}, {"directions": True}, {"sample": 1.5}, {}, 3])
def test_what_is_no_choice_of_elements_is_refused(elements):
    with pytest.raises(ValueError, match="is not a choice of elements; allowed: 'all', 'auto'"):
        ga.audit(chain, np.ones(3), gradient=chain_gradient, elements=elements)


def test_an_assertion_can_be_certified():
    x = np.random.default_rng(0).normal(size=2000)
    ga.assert_gradient(chain, chain_gradient, x, elements={"directions": 12})
    with pytest.raises(AssertionError, match=r"only x\[5\] is off; the other 1999 agree"):
        ga.assert_gradient(chain, lambda x: factor([5], 1.5)(chain_gradient(x)), x, elements={"directions": 12})


def test_auto_takes_elements_one_by_one_where_that_is_cheap():
    verdict = ga.audit(chain, np.random.default_rng(0).normal(size=100), gradient=chain_gradient, elements="auto")
    assert verdict.status is Status.PASS
    assert not verdict.certificates
    assert any(
        note.startswith("elements: auto took all 100 one by one: about 300 evaluations") for note in verdict.notes
    )


def test_auto_takes_directions_where_elements_would_take_too_long():
    x = np.random.default_rng(0).normal(size=3000)
    settings = Settings(auto=True, timeout=1e-3)
    verdict = ga.audit(chain, x, gradient=chain_gradient, settings=settings)
    assert verdict.status is Status.PASS
    assert verdict.certificates[0].directions == 12
    (note,) = (note for note in verdict.notes if note.startswith("elements: auto"))
    assert "certified directions: one by one would be about 9,000 evaluations" in note


@pytest.mark.parametrize("signs", [1.0, np.where(np.arange(2000) % 2, 1.0, -1.0)])
def test_every_evaluation_is_counted_where_directions_fail_and_no_element_does(signs):
    calls = []

    def f(x):
        calls.append(1)
        return float(np.sin(x).sum())

    verdict = audited(2000, lambda g: g * (1 + 3e-6 * signs), directions=12, function=f, gradient=np.cos)
    assert verdict.status is not Status.FAIL
    assert verdict.measures.evaluations == len(calls)


def test_decades_of_a_certificate_are_in_units_of_f_whatever_its_size():
    plain = audited(1000).certificates[0].decades
    huge = audited(
        1000, function=lambda x: 1e200 * chain(x), gradient=lambda x: 1e200 * chain_gradient(x)
    ).certificates[0].decades  # fmt: skip
    assert [decade.exponent for decade in huge] == [200 + decade.exponent for decade in plain]
    assert [decade.elements for decade in huge] == [decade.elements for decade in plain]


@pytest.mark.parametrize("value", [np.inf, np.nan])
@pytest.mark.parametrize("wrong_by", [1.0, 1.3])
def test_where_a_combination_of_outputs_has_no_value_nothing_is_certified(value, wrong_by):
    x = np.linspace(0.5, 1.5, 70)
    verdict = ga.audit(
        lambda x: np.append(np.sin(x), value),
        x,
        vjp=lambda x, cotangent: wrong_by * np.cos(x) * cotangent[:-1],
        elements={"directions": 6},
    )
    assert verdict.status is Status.INCONCLUSIVE
    assert np.isnan(verdict.certificates[0].bound)
    assert "no element is off by more than an unknown part" in " ".join(verdict.notes)


def test_a_nan_in_one_of_several_outputs_is_a_failure_of_its_element():
    mixing = np.random.default_rng(2).normal(size=(3, 400))

    def hollow(x):
        jacobian = mixing * np.cos(x)
        jacobian[1, 7] = np.nan
        return jacobian

    x = np.linspace(0.1, 1.0, 400)
    verdict = ga.audit(lambda x: mixing @ np.sin(x), x, jacobian=hollow, settings=Settings(directions=8))
    assert (verdict.status, verdict.diagnosis) == (Status.FAIL, Diagnosis.NOT_FINITE)
    assert verdict.message.startswith("d out[1]/d x[7]: ")
