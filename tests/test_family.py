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
