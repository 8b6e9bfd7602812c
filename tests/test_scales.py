"""Functions that live on scales far from that of x: no step may be taken for one that sees them."""

import math

import numpy as np
import pytest
from scipy import special

import gradaudit as ga
from gradaudit import Settings
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.verdict import Status
from gradaudit.plan.precision import dtype_of

LIGHT = 2 * math.pi / 633e-9  # of a red laser, per metre
FIELD = 2 * math.pi * 5e14  # likewise, per second
CUBE, WELL = 3.4e-10, 1.65e-21  # of argon, in metres and joules


def well(r):
    return 4 * WELL * ((CUBE / r) ** 12 - (CUBE / r) ** 6)


def well_slope(r):
    return 4 * WELL * (-12 * (CUBE / r) ** 12 + 6 * (CUBE / r) ** 6) / r


def bond(r):
    return 7e-19 * (1 - math.exp(-(r - 7.4e-11) * 1.9e10)) ** 2


def bond_slope(r):
    decay = math.exp(-(r - 7.4e-11) * 1.9e10)
    return 2 * 7e-19 * 1.9e10 * (1 - decay) * decay


def days(t):
    """A trend beside a daily cycle."""
    return 15.0 + 1e-4 * t + 5 * np.sin(2 * np.pi * t)


def days_slope(t):
    return 1e-4 + 10 * np.pi * np.cos(2 * np.pi * t)


NARROW = {
    "a phase of ten million": (lambda x: np.sin(1e7 * x), lambda x: 1e7 * np.cos(1e7 * x), 1.3),
    "fringes at a metre": (lambda r: 1 + np.cos(LIGHT * r), lambda r: -LIGHT * np.sin(LIGHT * r), 1.0),
    "a field of light": (lambda t: math.sin(FIELD * t), lambda t: FIELD * math.cos(FIELD * t), 1e-16),
    "atoms in metres": (well, well_slope, CUBE),
    "a bond in metres": (bond, bond_slope, 1e-10),
    "a decay in nanoseconds": (lambda t: math.exp(-1e9 * t), lambda t: -1e9 * math.exp(-1e9 * t), 2e-9),
    "a trend and whole turns": (
        lambda t: 1.5 * t + np.sin(2 * np.pi * t),
        lambda t: 1.5 + 2 * np.pi * np.cos(2 * np.pi * t),
        1e6 + 0.3,
    ),
    "days since 1970": (days, days_slope, 20000.4),
}


@pytest.mark.parametrize("name", NARROW)
def test_a_right_derivative_of_what_lives_on_a_small_scale_passes_and_wrong_ones_fail(name):
    f, slope, x = NARROW[name]
    assert ga.audit(f, x, gradient=slope).status is Status.PASS
    for wrong in (1.1, -1.0):
        assert ga.audit(f, x, gradient=lambda x, k=wrong: k * slope(x)).status is Status.FAIL
    assert ga.audit(f, x, gradient=lambda x: 0.0).status is not Status.PASS


@pytest.mark.parametrize("name", ["atoms in metres", "a bond in metres", "a decay in nanoseconds", "a narrow bell"])
def test_a_claim_of_zero_fails_where_f_is_the_same_far_away_on_both_sides(name):
    bell = (lambda x: math.exp(-((x / 1e-10) ** 2)), None, 1.3e-10)
    f, _, x = {**NARROW, "a narrow bell": bell}[name]
    verdict = ga.audit(f, 1.2 * x, gradient=lambda x: 0.0)
    assert (verdict.status, verdict.diagnosis) == (Status.FAIL, Diagnosis.ZERO)


def test_a_zero_claimed_in_a_chaotic_function_is_not_passed_since_differences_happened_to_be_small_as_well():
    def lorenz(x):
        a, b, c = map(float, x)
        for _ in range(1500):
            a, b, c = a + 0.01 * (10 * (b - a)), b + 0.01 * (a * (28 - c) - b), c + 0.01 * (a * b - 8 / 3 * c)
        return a

    claimed = np.array([0.0, 19065828.08364728, 2354593.22281803])
    verdict = ga.audit(lorenz, np.array([1.0, 1.0, 20.0]), gradient=lambda x: claimed)
    assert verdict.status is Status.FAIL
    assert verdict.elements[0].numeric == pytest.approx(12246582.41, rel=1e-5)


@pytest.mark.parametrize("scale", [1e-8, 1e-10])
def test_a_slope_far_beyond_x_excuses_no_error_at_x(scale):
    def slope(x):
        return 6 * (x / scale) ** 5 / scale

    x = scale * np.array([-0.3, 0.5, -0.8])
    for factors, status in (((1, 1, 1), Status.PASS), ((1, 1.02, 1), Status.FAIL), ((0, 1, 1), Status.FAIL)):
        wrong = np.array(factors)
        verdict = ga.audit(lambda x: ((x / scale) ** 6).sum(), x, gradient=lambda x, k=wrong: k * slope(x))
        assert (verdict.status, verdict.counts.bounded_by_largest) == (status, 0)


@pytest.mark.parametrize("scale", [7e-8, 5e-9])
def test_float32_on_a_small_scale_has_no_kink_where_its_slopes_meet_in_proportion_to_h(scale):
    x = scale * np.array([1.758, -0.2227, 1.7376])
    verdict = ga.audit(
        lambda x: float(np.float32(np.tanh(x / scale).sum())), x, gradient=lambda x: 1 / np.cosh(x / scale) ** 2 / scale
    )
    assert verdict.status is Status.PASS


@pytest.mark.parametrize("distance", [1e-9, 3e-10, 1e-10])
def test_what_lives_on_a_shorter_scale_than_a_step_taken_in_doubt_is_not_held_against_it(distance):
    f, slope = (lambda p: math.log(1 - p) if p < 1 else math.nan), (lambda p: -1 / (1 - p))
    x = 1 - distance
    assert ga.audit(f, x, gradient=slope).status is Status.PASS
    assert ga.audit(f, x, gradient=lambda p: 1.02 * slope(p)).status is Status.FAIL


@pytest.mark.parametrize("distance", [2e-11, 4e-11, 7e-11, 1e-10, 1.2e-10])
@pytest.mark.parametrize("power", [1, 2])
def test_a_pole_on_the_line_where_noise_is_measured_accuses_no_right_claim(power, distance):
    f, slope = (lambda p: (1 - p) ** -power), (lambda p: power * (1 - p) ** (-power - 1))
    x = 1 - distance
    assert ga.audit(f, x, gradient=slope).status is not Status.FAIL
    assert ga.audit(f, x, gradient=lambda p: -slope(p)).status is Status.FAIL


@pytest.mark.parametrize("t", [16384.3, 20000.4, 40000.4, 739000.3])
def test_a_cycle_whose_periods_all_steps_are_does_not_hide_from_the_claim_that_forgets_it(t):
    assert ga.audit(days, t, gradient=lambda t: 1e-4).status is not Status.PASS


def test_nor_does_it_in_one_of_many_elements_and_in_a_jacobian():
    t = np.append(np.linspace(0.1, 0.9, 9), 20000.4)

    def forgetful(t):
        return np.where(t > 1e4, 1e-4, days_slope(t))

    assert ga.audit(lambda t: float(days(t).sum()), t, gradient=forgetful).status is not Status.PASS
    assert ga.audit(days, t, jacobian=lambda t: np.diag(forgetful(t))).status is not Status.PASS


@pytest.mark.parametrize("distance", [0.0, 1e-8])
def test_a_kink_of_four_percent_beside_x_is_no_reason_to_pass_what_lies_between_its_slopes(distance):
    verdict = ga.audit(lambda x: x + 0.02 * abs(x - 0.3), 0.3 + distance, gradient=lambda x: 1.0)
    assert verdict.status is Status.INCONCLUSIVE


STATIONARY = {
    "gauss": (lambda x: math.exp(-((x / 1e-5) ** 2)), 0.0),
    "resonance": (lambda x: 1 / (1 + ((x - 1) / 1e-6) ** 2), 1.0),
    "softened": (lambda x: math.sqrt(x * x + 1e-10), 0.0),
}


@pytest.mark.parametrize("name", STATIONARY)
def test_a_narrow_peak_is_flat_at_its_top_and_no_kink(name):
    f, x = STATIONARY[name]
    assert ga.audit(f, x, gradient=lambda x: 0.0).status is Status.PASS


def test_a_bound_is_never_smaller_than_the_error_that_a_pass_has_missed():
    slope = math.cos(1.0)
    f = ga.audit(
        lambda x: 1e6 * x[0] + math.sin(x[1]), np.array([1e3, 1.0]), gradient=lambda x: np.array([1e6, slope * 1.0002])
    )
    assert f.status is Status.PASS
    assert f.measures.bound >= 2e-4
    far = ga.audit(lambda x: np.exp(-x * x / 2), 36.0, gradient=lambda x: -36 * math.exp(-648) * (1 - 3e-4))
    assert far.status is not Status.PASS or far.measures.bound >= 3e-4


def test_a_gradient_that_is_not_finite_fails_where_f_stands_still():
    verdict = ga.audit(lambda x: x[0] ** 2, np.ones(3), gradient=lambda x: np.array([2 * x[0], np.nan, 0.0]))
    assert verdict.status is Status.FAIL
    assert "x[1]" in verdict.message


@pytest.mark.parametrize(("power", "x"), [(-1.0, 1e200), (-2.0, 1e110), (-2.0, 1e160)])
def test_a_slope_below_the_smallest_number_is_zero(power, x):
    verdict = ga.audit(lambda x: x**power, x, gradient=lambda x: power * x ** (power - 1))
    assert verdict.status is not Status.FAIL
    if x**power > 0:
        wrong = ga.audit(lambda x: x**power, x, gradient=lambda x: x**power)
        assert wrong.status is Status.FAIL


@pytest.mark.parametrize("seed", range(3))
def test_a_thousand_float32_values_are_decided_though_the_smallest_slopes_drown(seed):
    y = np.random.default_rng(seed).normal(size=1000).astype(np.float32)
    assert ga.audit(lambda x: (x * x).sum(), y, gradient=lambda x: 2 * x).status is Status.PASS
    verdict = ga.audit(lambda x: (x * x).sum(), y, gradient=lambda x: 2.2 * x)
    assert verdict.status is Status.FAIL


def test_steps_that_the_user_gives_are_doubted_where_others_may_be_taken_and_only_there():
    def audited(**settings):
        return ga.audit(days, 20000.4, gradient=lambda t: 1e-4, settings=Settings(h=(2.0, 1.0), **settings))

    assert audited().status is not Status.PASS
    assert {point.h for point in audited(extend=False).curves} <= {1.0, 2.0}


@pytest.mark.parametrize("factor", [1.01, 1.1, 2.0])
def test_no_element_passes_beside_a_larger_one_while_a_finer_step_can_tell(factor):
    x = np.array([6.0e-7, 1.04e-3, 1.02])

    def slope(x):
        return 1 - 1e-3 / x

    def f(x):
        return float((x - 1e-3 * np.log(x)).sum())

    right = ga.audit(f, x, gradient=slope)
    assert (right.status, right.counts.bounded_by_largest) == (Status.PASS, 0)
    wrong = ga.audit(f, x, gradient=lambda x: slope(x) * np.array([1.0, factor, 1.0]))
    assert (wrong.status, wrong.diagnosis) == (Status.FAIL, Diagnosis.ONE_ELEMENT)


@pytest.mark.parametrize("factor", [0.0, 0.5, 2.0, -1.0])
def test_a_function_that_saturates_beyond_x_is_not_quantised(factor):
    def slope(x):
        return np.exp(40.0 * np.log(x) - x - special.gammaln(41.0))

    def f(x):
        return special.gammainc(41.0, x)

    assert ga.audit(f, 108.0, gradient=slope).status is Status.PASS
    assert ga.audit(f, 108.0, gradient=lambda x: factor * slope(x)).status is Status.FAIL


def test_an_element_of_another_unit_that_noise_nearly_hides_is_decided_by_steps_around_its_best():
    x = np.array([1e12, 1e-12])
    assert ga.audit(lambda x: float(np.log(x).sum()), x, gradient=lambda x: 1 / x).status is Status.PASS
    root = ga.audit(lambda x: float(np.sqrt(x).sum()), x, gradient=lambda x: 0.5 / np.sqrt(x))
    assert (root.status, root.diagnosis) == (Status.INCONCLUSIVE, Diagnosis.PRECISION)  # and no kink


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_where_x_has_few_bits_no_element_is_left_with_a_single_step(dtype):
    if dtype == "bfloat16":
        pytest.importorskip("ml_dtypes")
    x = np.random.default_rng(1).normal(size=100).astype(dtype_of(dtype))

    def audited(factor):
        claim = lambda x: (factor * 2 * x.astype(float)).astype(x.dtype)  # noqa: E731
        return ga.audit(lambda x: (x * x).sum(dtype=x.dtype), x, gradient=claim)

    assert audited(-1.0).status is audited(2.0).status is Status.FAIL
    right = audited(1.0)
    assert right.status is not Status.FAIL
    assert right.diagnosis is not Diagnosis.STEPS
    assert all(np.isfinite(element.numeric) for element in right.elements)


@pytest.mark.parametrize("factor", [0.5 / 0.2689414213699951, 2.0, 1.9, 1.8])
def test_a_smooth_f_that_has_another_slope_far_away_supports_no_claim_of_that(factor):
    def slope(x):
        return math.exp(x - np.logaddexp(x, 1001.0))

    def f(x):
        return float(np.logaddexp(x, 1001.0))

    assert ga.audit(f, 1000.0, gradient=slope).status is Status.PASS
    assert ga.audit(f, 1000.0, gradient=lambda x: factor * slope(x)).status is Status.FAIL


@pytest.mark.parametrize("x", [0.33, 0.79, 1.25, 2.17, 2.63])
def test_differences_that_noise_drowns_support_no_claim_of_zero(x):
    def half(x):
        return float(np.float16(math.sin(x) + 2.0))

    assert ga.audit(half, x, gradient=math.cos).status is not Status.FAIL
    assert ga.audit(half, x, gradient=lambda x: 0.0).status is Status.FAIL


@pytest.mark.parametrize("quantum", [1e-2, 1e-3])
def test_but_steps_in_which_f_is_rounded_do(quantum):
    rounded = ga.audit(lambda x: quantum * round(math.sin(x) / quantum), 0.3, gradient=math.cos)
    assert rounded.status is not Status.FAIL


@pytest.mark.parametrize("spread", [1e-2, 2e-4])
def test_a_claim_that_the_finest_step_confirms_is_not_wrong_where_f_is_flat_far_away(spread):
    """A layer normalisation in float32 of values that hardly differ: at larger steps it has forgotten them."""
    weight = np.array([0.3, -1.2, 0.8, 2.0, -0.6, 1.1])
    x = (100 + spread * np.random.default_rng(0).normal(size=6)).astype(np.float32)

    def parts(x):
        centred = x - x.mean(dtype=x.dtype)
        return centred, np.sqrt((centred * centred).mean(dtype=x.dtype) + x.dtype.type(1e-5))

    def normed(x):
        centred, size = parts(x)
        return (centred / size * weight.astype(x.dtype)).sum(dtype=x.dtype)

    def slope(x):
        centred, size = parts(x.astype(np.float64))
        y = centred / size
        return (weight - weight.mean() - y * (weight * y).mean()) / size

    for factor, failing in ((1.0, False), (-1.0, True), (2.0, True), (0.0, True)):
        verdict = ga.audit(normed, x, gradient=lambda x, k=factor: (k * slope(x)).astype(np.float32))
        assert (verdict.status is Status.FAIL) == failing
