"""Structured inputs, from the draw to the verdict: nothing leaves its structure, and claims are held along it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradaudit import engines
from gradaudit.api import assert_gradient, audit
from gradaudit.auditor import audit_function
from gradaudit.engines._arguments import Arguments
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.verdict import Status, Verdict
from gradaudit.perturb.axis import Axis
from gradaudit.perturb.sampling import Probe
from gradaudit.perturb.steps import Coordinates, Moves, Point, octaves
from gradaudit.perturb.structure import directions_on
from gradaudit.plan.case import Case, Drawn, Given, Input, Settings, Target
from gradaudit.plan.draw import DrawError, draw_inputs
from gradaudit.plan.structure import arranged, breach

SYMMETRIC, DEFINITE, SIMPLEX = "symmetric", "positive_definite", "simplex"


def tuples(values):
    return tuple(map(tuples, values)) if isinstance(values, list) else values


def an_input(structure, source, name="x", **more) -> Input:
    if isinstance(source, list):
        return Input(name, Given(tuples(source)), structure=structure, **more)
    gamma = ("gamma", (("k", 2.0), ("scale", 1.0))) if structure == SIMPLEX else ("normal",)
    return Input(name, Drawn(source, *gamma), structure=structure, **more)


def audited(f, structure, source, *, settings=None, more=(), bounds=(None, None), **claims) -> Verdict:
    """The verdict on ``f`` at a drawn or given point of ``structure``."""
    inputs = (an_input(structure, source, bounds=bounds), *more)
    target = Target("f", tuple((kind, kind) for kind in claims))
    case = Case("case", "case", target, inputs, tuple(claims), settings or Settings())
    arguments = Arguments.of(draw_inputs(case), names=[i.name for i in inputs])
    return audit_function(case, engines.adapt(target, f, claims), arguments)


def drawn(structure, source, **more):
    return np.asarray(draw_inputs(Case("c", "c", Target("m:f"), (an_input(structure, source, **more),), ()))[0])


# draws


@given(n=st.integers(1, 12), scale=st.sampled_from([1e-6, 1.0, 1e5]), seed=st.integers(0, 99))
def test_a_drawn_positive_definite_matrix_is_well_conditioned_at_any_scale(n, scale, seed):
    matrix = arranged(DEFINITE, scale * np.random.default_rng(seed).normal(1.0, 1.0, (2, n, n)))
    assert (matrix == matrix.swapaxes(-1, -2)).all()
    assert (np.linalg.cond(matrix) <= (n + 1) * (1 + 1e-9)).all()


def test_a_drawn_point_of_a_simplex_is_positive_and_sums_to_one_along_the_last_axis():
    points = drawn(SIMPLEX, (50, 4))
    assert (points > 0).all()
    np.testing.assert_allclose(points.sum(axis=-1), 1.0, rtol=1e-15)
    # Dirichlet(2, 2, 2, 2): mean 1/4, variance (1/4 · 3/4) / 9
    assert points.var() == pytest.approx(3 / 16 / 9, rel=0.3)


@pytest.mark.parametrize("structure", [SYMMETRIC, DEFINITE, SIMPLEX])
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_drawn_values_keep_their_structure_in_every_precision(structure, dtype):
    values = drawn(structure, (3, 5, 5), dtype=dtype)
    assert values.dtype == dtype
    assert breach(structure, values) is None


@pytest.mark.parametrize(
    ("structure", "values", "message"),
    [
        (SYMMETRIC, [[1.0, 2.0], [2.5, 1.0]], r"element \[0, 1\] = 2 and element \[1, 0\] = 2.5 must be equal"),
        (SYMMETRIC, [[1.0, 2.0]], r"two last axes of the same length, such as \[n, n\], got shape \[1, 2\]"),
        (SYMMETRIC, [[float("nan")]], r"element \[0, 0\] = nan"),
        (DEFINITE, [[1.0, 2.0], [2.0, 1.0]], "the smallest eigenvalue is -1; structure 'positive_definite' needs it"),
        (DEFINITE, [[0.0]], "the smallest eigenvalue is 0"),
        (SIMPLEX, [[0.5, 0.5], [1.25, -0.25]], r"element \[1, 1\] = -0.25; structure 'simplex' needs 0 or more"),
        (SIMPLEX, [[0.5, 0.5], [0.5, 0.25]], r"row \[1\] sum to 0.75; structure 'simplex' needs a sum of 1"),
        (SIMPLEX, [0.5, 0.25], "the elements sum to 0.75"),
        (SIMPLEX, [1.0], r"needs a last axis of at least 2 elements, got shape \[1\]"),
    ],
)
def test_given_values_without_the_structure_are_refused_with_place_and_fix(structure, values, message):
    with pytest.raises(
        DrawError, match=f"input 'x': .*{message}.*; mend the values, or remove 'structure: {structure}'"
    ):
        drawn(structure, values)


def test_given_values_may_be_off_by_their_rounding():
    a = np.random.default_rng(0).normal(size=(6, 6))
    computed = np.linalg.inv(a @ a.T)
    assert breach(DEFINITE, computed) is None
    assert breach(SIMPLEX, np.full(7, 1 / 7)) is None


def test_bounds_hold_for_structured_draws_too():
    with pytest.raises(DrawError, match=r"is outside bounds \[0.9, inf\]"):
        drawn(SIMPLEX, (3,), bounds=(0.9, None))


# directions


def moves(values, structure, lower=-np.inf):
    values = np.asarray(values, dtype=float)
    x = values.ravel()
    point = Point(x, np.full(x.size, 2.0**-52), np.full(x.size, lower), np.full(x.size, np.inf))
    return directions_on(point, Axis((("x", values.shape),)), [structure])


def test_symmetric_elements_move_with_their_mirror_image_and_are_named_so():
    directions, names = moves(np.eye(2), SYMMETRIC)
    assert [names.label(d) for d in range(names.size)] == ["x[0, 0]", "x[0, 1]=x[1, 0]", "x[1, 1]"]
    assert directions.spread(np.eye(3)).tolist() == [[1, 0, 0, 0], [0, 1, 1, 0], [0, 0, 0, 1]]
    assert names.prefixed("gradient ").label(1) == "gradient x[0, 1]=x[1, 0]"
    assert names.prefixed("gradient ").parts == (("gradient x", (3,)),)


def test_mass_of_a_simplex_moves_between_an_element_and_the_largest_of_its_row():
    directions, names = moves([[0.1, 0.7, 0.2], [0.5, 0.3, 0.2]], SIMPLEX)
    labels = [names.label(d) for d in range(names.size)]
    assert labels == ["x[0, 0]−x[0, 1]", "x[0, 2]−x[0, 1]", "x[1, 1]−x[1, 0]", "x[1, 2]−x[1, 0]"]
    assert directions.along(np.arange(6.0)).tolist() == [-1.0, 1.0, 1.0, 2.0]


def test_without_a_structure_directions_are_the_coordinates():
    assert isinstance(moves([1.0, 2.0], None)[0], Coordinates)


def test_a_structured_input_leaves_the_one_beside_it_free():
    point = Point.of(np.array([1.0, 2.0, 2.0, 3.0, 7.0]), np.full(5, 2.0**-52))
    directions, names = directions_on(point, Axis((("a", (2, 2)), ("b", (1,)))), [SYMMETRIC, None])
    assert names.label(3) == "b[0]"
    assert names.locate(3) == (1, 0)
    assert directions.spread(np.array([[0.0, 0, 0, 1]])).tolist() == [[0, 0, 0, 0, 1]]


@given(st.integers(0, 1000))
def test_the_derivative_along_a_move_is_the_gradient_times_its_dense_direction(seed):
    rng = np.random.default_rng(seed)
    for structure, values in ((SYMMETRIC, arranged(SYMMETRIC, rng.normal(size=(2, 3, 3)))), (SIMPLEX, [0.1, 0.6, 0.3])):
        directions, _ = moves(values, structure)
        gradient = rng.normal(size=(directions.point.x.size, 2))
        dense = directions.spread(np.eye(len(directions)))
        np.testing.assert_allclose(directions.along(gradient), dense @ gradient)


def test_every_point_that_is_evaluated_has_the_structure():
    for structure, shape in ((SYMMETRIC, (2, 3, 3)), (DEFINITE, (3, 3)), (SIMPLEX, (2, 4))):
        seen = []

        def f(x, seen=seen):
            seen.append(x.copy())
            return float((x**3).sum() + x.ravel()[0])

        verdict = audited(f, structure, shape, gradient=lambda x: -(3 * x**2))
        assert verdict.status is Status.FAIL
        assert len(seen) > 50
        tolerance = {SYMMETRIC: 0.0, DEFINITE: 0.0, SIMPLEX: 1e-14}[structure]
        for x in seen:
            apart = x.sum(axis=-1) - 1 if structure == SIMPLEX else x - x.swapaxes(-1, -2)
            assert np.abs(apart).max() <= tolerance
            assert structure != SIMPLEX or (x >= 0).all()


def test_a_large_matrix_needs_no_dense_tangents():
    directions, _ = moves(np.eye(400), SYMMETRIC)
    assert isinstance(directions, Moves)
    assert directions.index.nbytes + directions.weight.nbytes < 4 * 8 * directions.point.x.size
    few = directions.take(np.array([5, 70_000]))
    f = Probe(lambda x: np.array([(x**2).sum()]), np.array([400.0]), np.array([1e-13]), None)
    samples = f.sample(few, octaves(few, np.array([10.0])))
    i, j = few.index[:, 0], few.index[:, 1]
    expected = np.where(i == j, 2.0, 4.0) * directions.point.x[i]
    np.testing.assert_allclose(samples.central[0, :, 0], expected, atol=1e-9)


def test_a_move_stops_where_one_of_its_elements_meets_its_bound():
    directions, _ = moves([0.75, 0.25, 0.0], SIMPLEX, lower=0.0)
    above, below = directions.land(np.full((1, 2), 0.5))
    assert above[0].tolist() == [[0.75, 0.25], [0.5, 0.25]]
    assert np.isnan(below).all()


# right claims


def log_determinant(x):
    return np.linalg.slogdet(x)[1].sum()


def by_cholesky(x):
    return 2 * np.log(np.linalg.cholesky(x).diagonal(axis1=-2, axis2=-1)).sum()


def root_trace(x):
    return np.sqrt(np.linalg.eigvalsh(x)).sum()


def root_trace_gradient(x):
    w, v = np.linalg.eigh(x)
    return 0.5 * (v / np.sqrt(w)) @ v.T


def entropy(p):
    return -(p * np.log(p)).sum()


A = np.random.default_rng(3).normal(size=(4, 4))
inverse = np.linalg.inv

RIGHT = {
    "log det": (log_determinant, DEFINITE, (4, 4), {"gradient": lambda x: inverse(x).T}),
    "log det of a batch": (log_determinant, DEFINITE, (3, 2, 2), {"gradient": lambda x: inverse(x).swapaxes(-1, -2)}),
    "one triangle read": (by_cholesky, DEFINITE, (4, 4), {"gradient": inverse}),
    "trace of the root": (root_trace, DEFINITE, (5, 5), {"gradient": root_trace_gradient}),
    "trace": (lambda x: np.trace(A @ x), SYMMETRIC, (4, 4), {"gradient": lambda x: A.T}),
    "trace, symmetrised": (lambda x: np.trace(A @ x), SYMMETRIC, (4, 4), {"gradient": lambda x: (A + A.T) / 2}),
    "entropy": (entropy, SIMPLEX, (6,), {"gradient": lambda p: -np.log(p) - 1}),
    "entropy, any constant": (entropy, SIMPLEX, (2, 6), {"gradient": lambda p: 5 - np.log(p)}),
    "second order on a simplex": (
        entropy,
        SIMPLEX,
        (5,),
        {"gradient": lambda p: -np.log(p), "hessian": lambda p: np.diag(-1 / p), "hvp": lambda p, v: -v / p},
    ),
    "second order of log det": (
        log_determinant,
        DEFINITE,
        (3, 3),
        {
            "gradient": lambda x: inverse(x).T,
            "hessian": lambda x: -np.einsum("ik,lj->ijkl", inverse(x), inverse(x)),
            "hvp": lambda x, v: -inverse(x) @ v @ inverse(x),
        },
    ),
    "vector function of a simplex": (
        lambda p: -np.log(p),
        SIMPLEX,
        (4,),
        {"jacobian": lambda p: np.diag(-1 / p), "jvp": lambda p, t: -t / p, "vjp": lambda p, c: -c / p},
    ),
    "inverse": (
        inverse,
        DEFINITE,
        (3, 3),
        {
            "jvp": lambda x, t: -inverse(x) @ t @ inverse(x),
            "vjp": lambda x, c: -(inverse(x).T @ c @ inverse(x).T),
            "jacobian": lambda x: -np.einsum("ik,lj->ijkl", inverse(x), inverse(x)),
        },
    ),
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_claim_on_a_structured_input_passes(name):
    f, structure, shape, claims = RIGHT[name]
    verdict = audited(f, structure, shape, **claims)
    assert verdict.status is Status.PASS, verdict.message
    assert verdict.measures.bound <= 1e-3


def test_cross_entropy_of_a_drawn_distribution_and_free_logits_passes():
    def loss(p, z):
        return np.log(np.exp(z).sum()) - p @ z

    def gradient(p, z):
        return -z, np.exp(z) / np.exp(z).sum() - p

    verdict = audited(loss, SIMPLEX, (5,), more=(Input("z", Drawn((5,))),), gradient=gradient)
    assert verdict.status is Status.PASS
    assert verdict.counts.checked == 4 + 5


def test_elements_on_very_different_scales_and_at_the_edge_of_a_simplex_are_decided():
    small = [0.9, 0.1 - 1e-6, 1e-6]
    assert audited(entropy, SIMPLEX, small, gradient=lambda p: -np.log(p)).status is Status.PASS
    at_the_vertex = audited(lambda p: (p**2).sum(), SIMPLEX, [1.0, 0.0, 0.0], gradient=lambda p: 2 * p)
    assert at_the_vertex.status is Status.PASS


def test_single_precision_matrices_are_judged_with_their_own_precision():
    x = drawn(DEFINITE, (4, 4)).astype(np.float32).tolist()
    given_input = Input("x", Given(tuples(x)), "float32", structure=DEFINITE)
    case = Case("c", "c", Target("f", (("gradient", "g"),)), (given_input,), ("gradient",))
    for factor, status in ((1.0, Status.PASS), (-1.0, Status.FAIL)):
        loaded = engines.adapt(case.target, log_determinant, {"gradient": lambda x, s=factor: s * inverse(x)})
        assert audit_function(case, loaded, Arguments.of(draw_inputs(case))).status is status


def test_given_steps_are_taken_along_the_structure():
    settings = Settings(h=(1e-3, 1e-4))
    verdict = audited(log_determinant, DEFINITE, (3, 3), settings=settings, gradient=inverse)
    assert verdict.status is Status.PASS
    assert [point.h for point in verdict.curves] == pytest.approx([1e-3, 1e-4])


# planted faults


def changed_at(place, change):
    def gradient(x):
        g = inverse(x).T
        g[place] = change(g[place])
        return g

    return gradient


A_SKEW = np.triu(A, 1) - np.triu(A, 1).T

FAULTS = {
    "sign": (log_determinant, DEFINITE, (4, 4), lambda x: -inverse(x).T, Diagnosis.WRONG_SIGN),
    "one percent": (log_determinant, DEFINITE, (4, 4), lambda x: 1.01 * inverse(x), Diagnosis.CONSTANT_FACTOR),
    "not inverted": (log_determinant, DEFINITE, (4, 4), lambda x: x, None),
    "diagonal element": (
        log_determinant,
        DEFINITE,
        (4, 4),
        changed_at((2, 2), lambda g: 1.01 * g),
        Diagnosis.ONE_ELEMENT,
    ),
    "one triangle only": (log_determinant, DEFINITE, (4, 4), lambda x: np.tril(inverse(x)), None),
    "half of the root": (root_trace, DEFINITE, (4, 4), lambda x: 2 * root_trace_gradient(x), Diagnosis.CONSTANT_FACTOR),
    "mirror image counted twice": (
        lambda x: np.trace(A @ x),
        SYMMETRIC,
        (4, 4),
        lambda x: A + A.T - np.diag(A.diagonal()),
        Diagnosis.CONSTANT_FACTOR,
    ),
    "zero": (lambda x: np.trace(A @ x), SYMMETRIC, (4, 4), lambda x: A_SKEW, Diagnosis.ZERO),
    "log forgotten": (entropy, SIMPLEX, (6,), lambda p: -p, None),
    "sign on the simplex": (entropy, SIMPLEX, (6,), np.log, Diagnosis.WRONG_SIGN),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_planted_on_a_structured_input_fails(name):
    f, structure, shape, gradient, diagnosis = FAULTS[name]
    verdict = audited(f, structure, shape, gradient=gradient)
    assert verdict.status is Status.FAIL
    assert diagnosis is None or verdict.diagnosis is diagnosis


def test_the_pair_that_is_wrong_is_named():
    verdict = audited(log_determinant, DEFINITE, (4, 4), gradient=changed_at((1, 3), lambda g: g + 0.1))
    assert verdict.diagnosis is Diagnosis.ONE_ELEMENT
    assert verdict.elements[0].input == "x[1, 3]=x[3, 1]"
    assert "d out/d x[1, 3]=x[3, 1]: analytic" in verdict.message


def test_the_element_of_a_simplex_that_is_wrong_is_named_against_its_reference():
    def gradient(p):
        g = -np.log(p)
        g[2] *= 1.01
        return g

    verdict = audited(entropy, SIMPLEX, [0.5, 0.125, 0.125, 0.25], gradient=gradient)
    assert verdict.elements[0].input == "x[2]−x[0]"
    assert verdict.diagnosis is Diagnosis.ONE_ELEMENT


def test_a_jvp_that_is_wrong_off_the_diagonal_fails():
    verdict = audited(inverse, DEFINITE, (3, 3), jvp=lambda x, t: -inverse(x) @ np.diag(t.diagonal()) @ inverse(x))
    assert verdict.status is Status.FAIL


def test_a_hessian_that_is_wrong_in_one_pair_fails_there():
    def hessian(p):
        h = np.diag(-1 / p)
        h[1, 2] = h[2, 1] = 0.01
        return h

    verdict = audited(entropy, SIMPLEX, [0.5, 0.25, 0.25], gradient=lambda p: -np.log(p), hessian=hessian)
    assert verdict.status is Status.FAIL
    assert (verdict.elements[0].output, verdict.elements[0].input) in {
        ("gradient x[1]−x[0]", "x[2]−x[0]"),
        ("gradient x[2]−x[0]", "x[1]−x[0]"),
    }


def test_a_matrix_of_no_elements_leaves_nothing_to_check():
    verdict = audited(lambda x: 0.0, SYMMETRIC, (0, 0), gradient=lambda x: x)
    assert (verdict.status, verdict.diagnosis) == (Status.FAIL, Diagnosis.SHAPE)


# from Python


def test_a_structure_is_named_from_python_too():
    x = drawn(DEFINITE, (3, 3))
    assert_gradient(by_cholesky, inverse, x, structure=DEFINITE)
    with pytest.raises(AssertionError, match="wrong sign"):
        assert_gradient(by_cholesky, lambda x: -inverse(x), x, structure=DEFINITE)
    both = audit(lambda p, z: p @ z, np.array([0.5, 0.5]), np.ones(2), structure=[SIMPLEX, None], gradient=swapped)
    assert (both.status, both.counts.checked) == (Status.PASS, 3)


def swapped(p, z):
    return z, p


@pytest.mark.parametrize(
    ("inputs", "structure", "message"),
    [
        ([np.eye(2), np.eye(2)], SYMMETRIC, "structure has 1 entries for 2 inputs; allowed: one for each"),
        ([np.eye(2)], "diagonal", "structure 'diagonal' of x; allowed: symmetric, positive_definite, simplex"),
        ([[0.5, 0.25]], SIMPLEX, "x: the elements sum to 0.75; structure 'simplex' needs a sum of 1"),
    ],
)
def test_a_structure_that_does_not_fit_is_refused(inputs, structure, message):
    with pytest.raises(ValueError, match=message):
        audit(lambda *x: 0.0, *inputs, gradient=swapped, structure=structure)
