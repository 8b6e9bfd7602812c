"""The noise of f is measured from its values; curvature and jumps at larger scales are not taken for it."""

import numpy as np
import pytest

import gradaudit as ga
from gradaudit.perturb.noise import measure_hidden_noise, measure_noise, quantum
from gradaudit.perturb.steps import Point


def sigma(f, x, seed=0):
    x = np.atleast_1d(np.asarray(x, dtype=float))

    def flat(v):
        return np.atleast_1d(np.asarray(f(v), dtype=float))

    point = Point.of(x, np.full(x.shape, 2.0**-52))
    return measure_noise(flat, point, base=flat(x), rng=np.random.default_rng(seed))


def test_rounding_of_a_smooth_function_is_about_half_an_ulp():
    found = sigma(lambda v: np.sin(v).sum(), [0.3, 1.1])
    assert 1e-17 < found.sigma[0] < 1e-15
    assert found.evaluations == 9


def test_noise_that_is_added_is_found_within_a_factor_of_three():
    rng = np.random.default_rng(1)
    found = sigma(lambda v: np.sin(v[0]) + 1e-6 * rng.normal(), [0.3])
    assert 3e-7 < found.sigma[0] < 3e-6


def test_a_large_offset_is_noise_of_its_own_rounding():
    found = sigma(lambda v: 1e12 + np.sin(v[0]), [0.3])
    assert found.sigma[0] >= 5e-5


@pytest.mark.parametrize(("dtype", "unit"), [(np.float32, 2.0**-24), (np.float16, 2.0**-11)])
def test_low_precision_inside_is_recognised(dtype, unit):
    found = sigma(lambda v: float(dtype(np.sin(dtype(v[0])))), [1.0])
    assert unit / 10 < found.sigma[0] < unit * 2


def test_rounded_outputs_carry_their_quantum():
    found = sigma(lambda v: round(float(np.sin(v[0])), 4), [1.0])
    assert found.sigma[0] >= 1e-4 / np.sqrt(12) * 0.99


@pytest.mark.parametrize("hollow", [np.nan, np.inf])
@pytest.mark.parametrize("measure", [measure_noise, measure_hidden_noise])
def test_an_output_without_a_finite_value_does_not_hide_the_noise_of_the_others(measure, hollow):
    def noisy(v):
        own = np.random.default_rng(v.view(np.uint64)).normal()  # the same at the same point
        return float(np.sin(v[0])) + 1e-6 * own

    point = Point.of(np.array([0.3]), np.array([2.0**-52]))
    alone, beside = (
        measure(f, point, base=f(point.x), rng=np.random.default_rng(0)).sigma
        for f in (lambda v: np.array([noisy(v)]), lambda v: np.array([hollow, noisy(v)]))
    )
    assert beside[1] == alone[0] > 1e-7


def test_strong_curvature_is_not_noise():
    assert sigma(lambda v: np.sin(1e4 * v[0]), [0.3]).sigma[0] < 1e-12
    assert sigma(lambda v: abs(v[0] - 1e-3), [0.0]).sigma[0] < 1e-15


def test_outputs_that_are_masked_to_zero_do_not_cost_a_ladder():
    found = sigma(lambda v: np.array([np.sin(v[0]), 0.0]), [0.3])
    assert found.evaluations == 9
    assert found.sigma[1] == 0.0


def test_bounds_are_kept():
    seen = []

    def f(v):
        seen.append(v.copy())
        return np.sqrt(v)

    point = Point(np.array([1e-300]), np.array([2.0**-52]), np.array([0.0]), np.array([1.0]))
    measure_noise(f, point, base=f(point.x), rng=np.random.default_rng(0))
    assert all((v >= 0).all() and (v <= 1).all() for v in seen)


def test_a_function_without_values_next_to_x_counts_as_exact_to_rounding():
    point = Point.of(np.array([1.0]), np.array([2.0**-52]))
    found = measure_noise(lambda v: None, point, base=np.array([2.1]), rng=np.random.default_rng(0))
    assert found.sigma[0] == 2.1 * 2.0**-54


@pytest.mark.parametrize("step", [1e-3, 0.25, 7e-8])
def test_the_common_divisor_of_quantised_values_is_found(step):
    values = step * np.array([3, 4, 7, 11, 12, 20])
    assert quantum(values) == pytest.approx(step, rel=1e-6)


def test_smooth_values_have_no_quantum():
    assert quantum(np.sin(np.linspace(0, 1, 50))) == 0.0


@pytest.mark.parametrize("x", [[0.9999857, 1.00001341], [0.99998802, 1.00001987], [0.9999812, 0.99998094]])
def test_the_end_of_a_flat_stretch_is_no_noise(x):
    assert sigma(lambda v: max(abs(v[0]) - 1.0, 0.0) * np.sin(v[1]), x).sigma[0] < 1e-12


def test_float32_outputs_too_steep_or_saturated_to_show_their_noise_round_as_those_that_show_it():
    weight = np.array([[2.0, 0.1], [0.01, 3.0], [4.0, 4.0]], dtype=np.float32)
    for seed in range(8):
        found = sigma(lambda v: np.tanh(weight @ v.astype(np.float32)), [1.3, 0.9], seed=seed)
        assert (found.sigma > 2.0**-24 / 4).all()


def test_numbers_that_float32_could_hold_are_exact_beside_those_that_it_could_not():
    found = sigma(lambda v: np.array([np.sin(v[0]), 1.0]), [0.3])
    assert found.sigma[1] == 2.0**-54


def weighted(v):
    """Float32 weights of values in float64: the sum moves smoothly where the weights stand still."""
    weights = np.exp(v[:3].astype(np.float32))
    return (weights / weights.sum()).astype(float) @ v[3:6]


X6 = np.array([0.3, -0.8, 0.1, 1.2, 0.4, -2.0])


def test_noise_that_a_smooth_part_hides_is_found_at_larger_spacings():
    point = Point.of(X6, np.full(6, 2.0**-52))
    base = np.atleast_1d(weighted(X6))
    hidden = measure_hidden_noise(lambda v: np.atleast_1d(weighted(v)), point, base=base, rng=np.random.default_rng(0))
    assert sigma(weighted, X6).sigma[0] < 1e-15
    assert 1e-9 < hidden.sigma[0] < 1e-6


@pytest.mark.parametrize("f", [np.sin, lambda v: np.abs(v - 1.0001), lambda v: np.sin(1e4 * v)])
def test_neither_rounding_nor_kinks_nor_curvature_are_hidden_noise(f):
    point = Point.of(np.ones(1), np.full(1, 2.0**-52))
    assert measure_hidden_noise(f, point, base=f(point.x), rng=np.random.default_rng(0)).sigma[0] < 1e-12


def test_a_jvp_with_float32_inside_is_decided_by_steps_that_its_noise_allows():
    def jvp(v, tangent):
        weights = np.exp(v[:3]) / np.exp(v[:3]).sum()
        return weights @ tangent[3:] + (weights * (tangent[:3] - weights @ tangent[:3])) @ v[3:]

    verdict = ga.audit(weighted, X6, jvp=jvp)
    assert verdict.status == "pass", verdict.message
    assert ga.audit(weighted, X6, jvp=lambda v, t: 1.01 * jvp(v, t)).status == "fail"


def test_a_line_is_left_where_the_function_has_no_value():
    called = []

    def ends(v):
        called.append(v[0])
        return None if len(called) > 3 else np.sin(v)

    point = Point.of(np.ones(1), np.full(1, 2.0**-52))
    found = measure_noise(ends, point, base=np.sin(point.x), rng=np.random.default_rng(0))
    rungs, sides, first = 6, 2, 3
    assert found.evaluations == len(called) == rungs * sides + first


@pytest.mark.parametrize(("x", "at_most"), [([0.99999991], 1e-12), ([1.0 - 3e-8], 1e-12)])
def test_a_flat_stretch_that_ends_in_a_steep_curve_is_no_noise(x, at_most):
    """Its smallest movement is far below its largest."""
    found = sigma(lambda v: np.where(v > 1.0, (v - 1.0) ** 3 * 1e9 + (v - 1.0), 0.0), x)
    assert found.sigma[0] < at_most
