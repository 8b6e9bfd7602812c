"""The second witness: line integrals of the claim decide where noise hides an element, and accuse nobody otherwise."""

import zlib
from math import cos, sin

import numpy as np
import pytest

from gradaudit.api import audit
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.verdict import Catch, Status
from gradaudit.perturb.line_integral import Antiderivative, discrepancy
from gradaudit.perturb.sampling import Probe
from gradaudit.perturb.steps import Coordinates, Point
from gradaudit.plan.case import Settings, Tolerance

X = np.array([0.4])


def noise_of(x):
    """Uniform in ±1, by the bits of x."""
    return zlib.crc32(np.asarray(x, dtype=np.float64).tobytes()) / 2**31 - 1


def noisy(x):
    return sin(x[0]) + 1e-4 * noise_of(x)


def quantised(x):
    return 1e-3 * round(1e3 * sin(x[0]))


def decided_by_integral(verdict):
    return any("line integral" in note for note in verdict.notes)


# the quadrature


@pytest.mark.parametrize("reach", [0.25, 1.0, 3.0])
def test_the_integral_of_a_smooth_slope_is_right_to_the_last_digits(reach):
    found = Antiderivative.of(lambda t: np.array([np.cos(t), np.exp(t)]), reach, precise=1e-11)
    assert found is not None
    low, high = np.array([-0.9 * reach, -0.1 * reach]), np.array([0.3 * reach, reach])
    integral, error = found.between(low, high)
    exact = np.stack([np.sin(high) - np.sin(low), np.exp(high) - np.exp(low)], axis=1)
    np.testing.assert_allclose(integral, exact, rtol=0, atol=1e-12 * np.exp(reach))
    assert (error <= 1e-10 * np.exp(reach)).all()


def test_a_finer_rule_calls_the_claim_at_its_new_nodes_only():
    called = []

    def slope(t):
        called.append(t)
        return np.array([np.cos(8 * t)])

    assert Antiderivative.of(slope, 1.0, precise=1e-9) is not None
    assert len(called) == len(set(called)) in (33, 65)


@pytest.mark.parametrize(
    "slope", [lambda t: np.sin(1e4 * t + 1), lambda t: float(t > 0.1), lambda t: np.nan if t > 0.5 else 1.0]
)
def test_a_slope_that_is_not_smooth_has_no_integral(slope):
    assert Antiderivative.of(lambda t: np.array([slope(t)]), 1.0, precise=1e-6) is None


# the discrepancy


def discrepancy_of(f, slope, *, sigma=0.0, segments=8):
    point = Point.of(X, np.array([2.0**-52]))
    probe = Probe(lambda x: np.array([f(x)]), np.array([f(X)]), np.array([sigma]), None)
    direction = Coordinates(point, np.array([0]))
    claimed = Antiderivative.of(lambda t: np.array([slope(X[0] + t)]), 1.0, precise=1e-12)
    return discrepancy(lambda h: probe.sample(direction, h), claimed, 1.0, segments=segments)


def test_a_right_claim_has_no_discrepancy_beyond_its_bar():
    found = discrepancy_of(noisy, cos, sigma=6e-5)
    assert abs(found.value[0]) < found.bar[0] < 3e-4


def test_a_constant_factor_shows_as_the_same_share_of_the_mean_slope():
    found = discrepancy_of(lambda x: sin(x[0]), lambda t: 1.01 * cos(t))
    assert found.value[0] / found.claimed[0] == pytest.approx(-0.01 / 1.01, rel=1e-6)


def test_more_segments_make_the_bar_smaller():
    few, many = (discrepancy_of(noisy, cos, sigma=6e-5, segments=count) for count in (4, 64))
    assert many.bar[0] < few.bar[0] / 2


def test_errors_of_f_that_its_noise_does_not_explain_widen_the_bar():
    quiet = discrepancy_of(noisy, cos, sigma=0.0, segments=32)
    assert quiet.bar[0] > 3e-5


# the verdict


@pytest.mark.parametrize("f", [noisy, quantised])
def test_a_right_claim_about_a_noisy_function_passes_with_a_bound_and_says_how(f):
    verdict = audit(f, X, gradient=np.cos)
    assert verdict.status is Status.PASS
    assert verdict.measures.bound <= 1e-3
    assert decided_by_integral(verdict)


@pytest.mark.parametrize("factor", [1.01, 0.98, 0.5, -1.0, 0.0])
def test_a_wrong_claim_about_a_noisy_function_fails(factor):
    assert audit(noisy, X, gradient=lambda x: factor * np.cos(x)).status is Status.FAIL


def test_an_error_that_differences_cannot_see_fails_by_the_integral():
    verdict = audit(quantised, X, gradient=lambda x: 1.01 * np.cos(x))
    assert verdict.status is Status.FAIL
    assert decided_by_integral(verdict)
    assert verdict.elements[0].numeric == pytest.approx(np.cos(0.4), rel=2e-3)


def test_an_error_of_a_tenth_of_a_percent_is_never_passed_where_less_was_asked_for():
    verdict = audit(quantised, X, gradient=lambda x: 1.0021 * np.cos(x))
    assert verdict.status is not Status.PASS


def test_the_claim_of_a_smooth_function_is_called_at_x_alone():
    points = []

    def gradient(x):
        points.append(x.copy())
        return np.cos(x)

    assert audit(lambda x: sin(x[0]), X, gradient=gradient).status is Status.PASS
    np.testing.assert_array_equal(points, [X])


def test_a_claim_of_a_cotangent_is_integrated_as_well():
    def f(x):
        return np.round(1e3 * np.array([np.sin(x[0]), np.exp(x[0])])) / 1e3

    def vjp(x, cotangent, factor=1.0):
        return factor * (cotangent * np.array([np.cos(x[0]), np.exp(x[0])])).sum(keepdims=True)

    right = audit(f, X, vjp=vjp)
    assert right.status is Status.PASS
    assert decided_by_integral(right)
    assert audit(f, X, vjp=lambda x, c: vjp(x, c, 1.01)).status is Status.FAIL


def test_a_claim_that_raises_elsewhere_leaves_the_case_as_it_was():
    def gradient(x):
        if x[0] != X[0]:
            raise ValueError("elsewhere")
        return np.cos(x)

    verdict = audit(quantised, X, gradient=gradient)
    assert verdict.status is Status.INCONCLUSIVE
    assert verdict.diagnosis in (Diagnosis.NOISE, Diagnosis.STEPS)


def test_a_jump_beside_a_right_claim_is_not_held_against_it():
    def stepping(x):
        return noisy(x) + 0.05 * (x[0] > 0.6)

    assert audit(stepping, X, gradient=np.cos).status is not Status.FAIL


def test_an_error_that_lies_at_x_alone_is_not_passed_by_a_mean():
    """The differences at x are too noisy to fail it, but they say enough to doubt the mean."""

    def gradient(x):
        return np.cos(x) + 0.5 * np.exp(-(((x - X) / 0.02) ** 2))

    assert audit(noisy, X, gradient=gradient).status is not Status.PASS


def test_steps_of_ones_own_without_more_leave_it_to_them():
    settings = Settings(h=(1e-2, 1e-3), extend=False)
    assert not decided_by_integral(audit(noisy, X, gradient=np.cos, settings=settings))


def test_what_no_number_of_segments_can_resolve_stays_inconclusive():
    settings = Settings(tolerance=Tolerance(resolution=1e-7))
    verdict = audit(noisy, X, gradient=np.cos, settings=settings)
    assert verdict.status is Status.INCONCLUSIVE
    assert verdict.measures.evaluations < 400


def test_a_zero_beside_a_large_noisy_element_passes_and_is_counted_apart():
    def f(x):
        return 100 * sin(x[0]) + 1e-2 * noise_of(x)

    verdict = audit(f, np.array([0.4, 0.7]), gradient=lambda x: np.array([100 * np.cos(x[0]), 0.0]))
    assert verdict.status is Status.PASS
    assert verdict.counts.bounded_by_largest == 1


def test_planted_faults_are_caught_by_the_integral_as_the_claim_was_passed_by_it():
    verdict = audit(noisy, X, gradient=np.cos, power=True)
    assert decided_by_integral(verdict)
    assert {planted.outcome for planted in verdict.power if "1 %" in planted.fault} == {Catch.CAUGHT}
    assert not any(planted.contradicts_bound for planted in verdict.power)


def test_extreme_values_are_integrated_in_units_of_their_own():
    verdict = audit(lambda x: 1e-200 * noisy(x), X, gradient=lambda x: 1e-200 * np.cos(x))
    assert verdict.status is Status.PASS
    assert decided_by_integral(verdict)


def test_a_segment_never_leaves_the_domain():
    def f(x):
        assert x[0] > 0
        return np.log(x[0]) + 1e-4 * noise_of(x)

    verdict = audit(f, X, gradient=lambda x: 1 / x)
    assert verdict.status is Status.PASS
    assert decided_by_integral(verdict)


def test_segments_that_agree_are_not_made_finer():
    verdict = audit(noisy, X, gradient=np.cos)
    assert decided_by_integral(verdict)
    assert verdict.measures.evaluations <= 100
