"""Readouts near zero are bounded beside those of their family, and counted apart; what is larger still fails."""

import numpy as np
import pytest

import gradaudit as ga

X = np.array([0.4, -0.7, 1.1])
RNG = np.random.default_rng(3)
#: In single precision output 2 has saturated: its slopes are far below what its rounding lets through.
WEIGHT, SHIFT = RNG.standard_normal((5, 4)).astype(np.float32), RNG.standard_normal(5).astype(np.float32)
NARROW = RNG.standard_normal(4).astype(np.float32)


def saturating(x):
    return np.tanh(WEIGHT @ x + SHIFT)


def jvp_of_saturating(x, tangent):
    return (1 - np.tanh(WEIGHT @ x + SHIFT) ** 2) * (WEIGHT @ tangent)


def normalised(x):
    """A function of differences to the mean, which does not depend on the mean but by rounding."""
    return np.sin(x - x.mean()).sum() + x[0]


def gradient_of_normalised(x):
    slope = np.cos(x - x.mean())
    return slope - slope.mean() + np.array([1.0, 0.0, 0.0])


def hvp_of_normalised(x, v):
    moved = -np.sin(x - x.mean()) * (v - v.mean())
    return moved - moved.mean()


def test_an_output_that_has_saturated_passes_beside_its_family_and_is_counted_apart():
    verdict = ga.audit(saturating, NARROW, jvp=jvp_of_saturating)
    assert verdict.status == "pass", verdict.message
    assert 0 < verdict.counts.bounded_by_largest < verdict.counts.elements


@pytest.mark.parametrize("error", [1e-3, 1e-4])
def test_an_error_that_its_family_would_show_does_not_pass(error):
    wrong = np.array([0, 0, error, 0, 0], dtype=np.float32)
    verdict = ga.audit(saturating, NARROW, jvp=lambda x, v: jvp_of_saturating(x, v) + wrong)
    assert verdict.status == "fail", verdict.message
    assert {element.output for element in verdict.elements if element.status == "fail"} == {"out[2]"}


def test_outputs_without_a_kin_that_passed_stay_undecided():
    def f(x):
        return np.float32(1e4 + 1e-6 * np.sin(x))

    verdict = ga.audit(f, X.astype(np.float32), jvp=lambda x, v: np.float32(1e-6 * np.cos(x) * v))
    assert verdict.status == "inconclusive"


def test_a_gradient_that_is_zero_but_for_rounding_is_bounded_by_the_others():
    def gradient(x):
        terms = np.cos(x[3] + np.arange(100))
        return np.append(gradient_of_normalised(x[:3]), np.cumsum(terms)[-1] - np.cumsum(terms[::-1])[-1])

    def hvp(x, v):
        return np.append(hvp_of_normalised(x[:3], v[:3]), 1e-17 * v[3])

    verdict = ga.audit(lambda x: normalised(x[:3]), np.append(X, 0.5), gradient=gradient, hvp=hvp, checks=["hvp"])
    assert verdict.status == "pass", verdict.message
    assert verdict.counts.bounded_by_largest > 0


def beside_a_zero(x):
    """The imaginary part of a real eigenvalue is zero to the last bit, wherever x goes."""
    return np.array([np.sin(x[0]) + x[1], np.exp(x[2]), 0.0])


def jvp_beside_a_zero(x, tangent, *, left):
    return np.array([np.cos(x[0]) * tangent[0] + tangent[1], np.exp(x[2]) * tangent[2], left * tangent[1]])


@pytest.mark.parametrize("left", [1e-16, -3e-14])
def test_what_rounding_leaves_of_a_zero_beside_its_family_passes_and_is_counted_apart(left):
    verdict = ga.audit(beside_a_zero, X, jvp=lambda x, v: jvp_beside_a_zero(x, v, left=left))
    assert verdict.status == "pass", verdict.message
    assert verdict.counts.bounded_by_largest > 0


@pytest.mark.parametrize("left", [1e-3, 1e-8, 1e-11])
def test_what_is_more_than_the_rounding_of_its_family_fails_beside_a_zero(left):
    verdict = ga.audit(beside_a_zero, X, jvp=lambda x, v: jvp_beside_a_zero(x, v, left=left))
    assert verdict.status == "fail", verdict.message
    assert {element.output for element in verdict.elements if element.status == "fail"} == {"out[2]"}


def test_a_claim_without_a_family_fails_beside_a_zero_however_small_it_is():
    verdict = ga.audit(lambda x: 0.0 * x[0], X, gradient=lambda x: 1e-17 * np.ones(3))
    assert verdict.status == "fail", verdict.message


def saturated(x):
    """Beside the first element the others weigh 1e-13 and less, as those of a softmax do."""
    return np.array([50.0, 1e-13, 1e-14]) @ x**3


def gradient_with_rounding_of_the_largest(x):
    """What cancels leaves a rounding that is as smooth as it is wrong."""
    return 3 * x**2 * np.array([50.0, 1e-13, 1e-14]) + np.array([0.0, 3e-14 * x[1], 0.0])


@pytest.mark.parametrize(("wrong", "status"), [(0.0, "inconclusive"), (1e-9, "fail"), (1.0, "fail")])
def test_slopes_of_a_gradient_are_not_accused_of_less_than_its_rounding(wrong, status):
    def hvp(x, v):
        return 6 * x * np.array([50.0, 1e-13, 1e-14]) * v + np.array([0.0, 0.0, wrong * v[2]])

    verdict = ga.audit(saturated, X, gradient=gradient_with_rounding_of_the_largest, hvp=hvp, checks=["hvp"])
    assert verdict.status == status, verdict.message
