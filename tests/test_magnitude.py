"""Huge and tiny functions get the verdicts, and the digits, of ordinary ones."""

from functools import partial

import numpy as np
import pytest

import gradaudit as ga
from gradaudit.judge.verdict import Status
from gradaudit.plan.case import Settings, Tolerance

X = np.array([0.3, 0.7])
FAR = [2.0**600, 2.0**-600, 2.0**-1000]


def wave(x):
    return float(np.sin(x[0]) * np.exp(x[1]))


def wave_gradient(x):
    return np.array([np.cos(x[0]), np.sin(x[0])]) * np.exp(x[1])


@pytest.mark.parametrize("unit", FAR)
def test_a_right_claim_passes(unit):
    verdict = ga.audit(lambda x: unit * wave(x), X, gradient=lambda x: unit * wave_gradient(x))
    assert verdict.status is Status.PASS
    assert verdict.measures.bound <= 1e-3


@pytest.mark.parametrize("unit", FAR)
def test_numbers_are_those_of_the_function_itself(unit):
    far = ga.audit(lambda x: unit * wave(x), X, gradient=lambda x: 1.01 * unit * wave_gradient(x))
    near = ga.audit(wave, X, gradient=lambda x: 1.01 * wave_gradient(x))
    assert far.status is near.status is Status.FAIL
    assert far.diagnosis is near.diagnosis
    worst, same = far.elements[0], near.elements[0]
    assert (worst.analytic / unit, worst.numeric / unit) == pytest.approx((same.analytic, same.numeric), rel=1e-12)
    assert worst.allowed / unit == pytest.approx(same.allowed, rel=1e-3)


def test_an_absolute_tolerance_is_in_units_of_f():
    settings = Settings(tolerance=Tolerance(atol=1e199))
    for off, status in ((0.5e199, Status.PASS), (3e199, Status.FAIL)):
        gradient = partial(lambda x, off: 1e200 * wave_gradient(x) + off, off=off)
        assert ga.audit(lambda x: 1e200 * wave(x), X, gradient=gradient, settings=settings).status is status


@pytest.mark.parametrize("rtol", [1e-3, 1e-2, 0.1])
def test_an_error_that_the_user_accepts_is_accepted_and_a_larger_one_is_not(rtol):
    def right(x):
        return 2 * x

    def square(x):
        return float((x * x).sum())

    ga.assert_gradient(square, right, X, rtol=rtol)
    ga.assert_gradient(square, lambda x: (1 + 0.7 * rtol) * right(x), X, rtol=rtol)
    with pytest.raises(AssertionError, match="FAIL"):
        ga.assert_gradient(square, lambda x: (1 + 4 * rtol) * right(x), X, rtol=rtol)


def test_an_absolute_error_that_the_user_accepts_is_accepted_in_small_elements_too():
    settings = Settings(tolerance=Tolerance(atol=0.1))
    for off, status in ((0.09, Status.PASS), (0.3, Status.FAIL)):
        verdict = ga.audit(
            lambda x: 1e-3 * wave(x), X, gradient=lambda x, o=off: 1e-3 * wave_gradient(x) + o, settings=settings
        )
        assert verdict.status is status


def test_a_tolerance_that_lets_nothing_pass_is_refused():
    with pytest.raises(ValueError, match="not below resolution"):
        Tolerance(rtol=1e-2, resolution=1e-3)
    assert Tolerance(resolution=1e-6).at_precision(0.0) == (5e-7, 1e-6)
    assert Tolerance(rtol=1e-2).at_precision(0.0) == (1e-2, 2e-2)
