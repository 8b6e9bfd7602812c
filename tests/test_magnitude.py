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
    for off, status in ((0.5e199, Status.INCONCLUSIVE), (3e199, Status.FAIL)):
        gradient = partial(lambda x, off: 1e200 * wave_gradient(x) + off, off=off)
        assert ga.audit(lambda x: 1e200 * wave(x), X, gradient=gradient, settings=settings).status is status
