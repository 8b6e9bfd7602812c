"""Failures that a jump nearby explains are taken back; all others stand."""

from math import cos, sin

import numpy as np
import pytest

import gradaudit as ga
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.verdict import Status

X = np.array([0.667, 0.815])


def stopped_early(x, tolerance=1e-4):
    """t = cos(t·x₀)/2 + x₁/4, iterated until it moves by less than the tolerance."""
    t, before = 0.0, 1.0
    while abs(t - before) > tolerance:
        t, before = cos(t * x[0]) / 2 + x[1] / 4, t
    return t


def exact(x):
    t = stopped_early(x, 1e-15)
    slope = 1 + x[0] * sin(t * x[0]) / 2
    return np.array([-t * sin(t * x[0]) / 2, 0.25]) / slope


def test_the_exact_derivative_of_what_a_solver_approximates_is_no_failure():
    verdict = ga.audit(stopped_early, X, gradient=exact)
    assert verdict.status is Status.INCONCLUSIVE
    assert verdict.diagnosis is Diagnosis.SCALE


@pytest.mark.parametrize("factor", [1.01, 0.5, -1.0])
def test_errors_beyond_a_solver_tolerance_still_fail(factor):
    assert ga.audit(stopped_early, X, gradient=lambda x: factor * exact(x)).status is Status.FAIL


def test_a_small_error_of_a_smooth_function_fails():
    verdict = ga.audit(
        lambda x: sin(x[0]) * x[1], X, gradient=lambda x: 1.001 * np.array([cos(x[0]) * x[1], sin(x[0])])
    )
    assert verdict.status is Status.FAIL


def test_a_large_jump_nearby_excuses_nothing():
    def stepping(x):
        return sin(x[0]) + (x[0] > 0.7)

    assert ga.audit(stepping, X[:1], gradient=lambda x: 1.001 * np.cos(x)).status is Status.FAIL


KINKED = np.random.default_rng(1).normal(size=(5, 6))
AT = np.random.default_rng(1).normal(size=6)


def piecewise(x):
    return np.abs(KINKED @ x).sum() + np.maximum(x, 0).sum()


def slope_of_piecewise(x):
    return KINKED.T @ np.sign(KINKED @ x) + (x > 0)


def test_the_second_derivative_of_a_piecewise_linear_function_is_zero():
    def audit(**claim):
        return ga.audit(piecewise, AT, gradient=slope_of_piecewise, checks=list(claim), **claim)

    assert audit(hvp=lambda x, v: 0 * v).status is Status.PASS
    assert audit(hessian=lambda x: np.zeros((6, 6))).status is Status.PASS
    assert audit(hvp=lambda x, v: 1e-6 * v).status is Status.FAIL


@pytest.mark.parametrize("decimals", [1, 3, 6])
def test_a_rounded_gradient_does_not_prove_that_there_is_no_second_derivative(decimals):
    verdict = ga.audit(
        lambda x: (x * x).sum(),
        AT,
        gradient=lambda x: np.round(2 * x, decimals),
        hvp=lambda x, v: 0 * v,
        checks=["hvp"],
    )
    assert verdict.status is not Status.PASS
