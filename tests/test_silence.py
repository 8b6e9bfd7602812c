"""Functions that stand still next to x, and what else they show of how finely they are computed."""

import numpy as np
import pytest

import gradaudit as ga
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.verdict import Status
from gradaudit.perturb.noise import _last_decimal

SLOPES = np.array([0.02, 0.5])


def rounded_to(unit, offset):
    """A line, with values rounded to a unit: along the first coordinate it moves at no step that is taken."""
    return lambda x: round((offset + float(SLOPES @ np.sin(x))) / unit) * unit


@pytest.mark.parametrize(("unit", "offset"), [(1e-3, 0.0), (0.1, 94504.0), (0.1, 3871755.2)])
def test_a_right_claim_about_rounded_values_is_not_accused_for_their_standing_still(unit, offset):
    f = rounded_to(unit, offset)
    verdict = ga.audit(f, np.array([0.01, -0.02]), gradient=lambda x: SLOPES * np.cos(x))
    assert verdict.status is not Status.FAIL, verdict.message
    wrong = ga.audit(f, np.array([0.01, -0.02]), gradient=lambda x: 1e3 * SLOPES * np.cos(x))
    assert wrong.status is Status.FAIL, wrong.message


@pytest.mark.parametrize(
    "x", [[-0.5, -0.25], [-1.0, -2.0], [-1.0, -0.5, -0.25], [-0.9, -0.3], [-0.75, -0.1, -2.0], [-3.0, -1.5, -0.125]]
)
@pytest.mark.parametrize("claimed", [1.0, 0.1, -0.5])
def test_a_dead_relu_is_zero_and_flat_and_a_claimed_slope_of_it_fails(x, claimed):
    def relu(x):
        return float(np.maximum(x, 0).sum())

    verdict = ga.audit(relu, np.array(x), gradient=lambda x: np.full_like(x, claimed))
    assert verdict.status is Status.FAIL, verdict.message
    assert ga.audit(relu, np.array(x), gradient=np.zeros_like).status is Status.PASS


def test_a_float32_that_swallows_its_input_stands_still():
    def swallows(x):
        large = np.float32(3e9) + np.float32(300.0) * np.float32(x[0])
        return float(large - np.float32(2.9e9))

    verdict = ga.audit(swallows, np.array([1.4]), gradient=lambda x: np.array([300.0]))
    assert (verdict.status, verdict.diagnosis) == (Status.INCONCLUSIVE, Diagnosis.STILL), verdict.message


@pytest.mark.parametrize(
    ("value", "unit"),
    [
        (3871755.2, 0.1),
        (94504.0, 1.0),
        (-2.7183, 1e-4),
        (6.0221e23, 1e19),
        (94500.0, 0.0),  # three digits: as likely a constant
        (1.5, 0.0),
        (0.0, 0.0),
        (np.pi, 0.0),
        (1 / 3, 0.0),
        (5e-324, 0.0),
        (1.7e308, 0.0),
    ],
)
def test_the_last_decimal_of_a_rounded_value_is_its_unit(value, unit):
    assert _last_decimal(np.array([value]))[0] == pytest.approx(unit, rel=1e-12)


def test_of_random_numbers_hardly_any_looks_rounded():
    assert np.count_nonzero(_last_decimal(np.random.default_rng(0).normal(size=100_000))) < 20


POLE = 0.13


def beside_a_pole(x):
    return float(np.sin(x[0]) + 1e-30 / abs(x[0] - POLE) ** 18)


def test_a_pole_inside_the_largest_steps_excuses_no_wrong_sign():
    """At a sixteenth of the natural scale the slope is 10²⁰ times that at x."""
    x = np.array([POLE - 1 / 16 - 1e-4])
    right = ga.audit(beside_a_pole, x, gradient=np.cos)
    assert right.status is Status.PASS, right.message
    for wrong in (-1.0, 0.0, 2.0):
        verdict = ga.audit(beside_a_pole, x, gradient=lambda x, wrong=wrong: wrong * np.cos(x))
        assert verdict.status is Status.FAIL, verdict.message


def test_a_claim_of_zeros_about_coarsely_rounded_values_is_undecided_beside_a_pole_too():
    def f(x):
        return round((0.3 * x[0] + 1e-4 / (x[1] - 1.02) ** 2) / 1e-2) * 1e-2

    verdict = ga.audit(f, np.array([0.1, 0.1]), gradient=np.zeros_like)
    assert verdict.status is Status.INCONCLUSIVE, verdict.message


def test_a_claim_of_zero_about_a_sine_rounded_to_thousandths_does_not_pass():
    verdict = ga.audit(lambda x: round(float(np.sin(x).sum()), 3), np.array([-1.659]), gradient=np.zeros_like)
    assert verdict.status is Status.FAIL, verdict.message


@pytest.mark.parametrize(("power", "offset"), [(2, 0.0), (2, 1.0), (2, 1e6), (4, 0.0), (4, 1.0)])
def test_a_right_zero_passes_at_the_bottom_of_a_bowl_though_its_values_at_halved_steps_have_a_divisor(power, offset):
    verdict = ga.audit(lambda x: float(offset + (x**power).sum()), np.zeros(2), gradient=np.zeros_like)
    assert verdict.status is Status.PASS, verdict.message


def test_what_underflows_in_float32_inside_stands_still():
    def f(x):
        return float(np.float32(1e-30) * np.float32(1e-30) * np.float32(x[0]))

    verdict = ga.audit(f, np.array([0.7]), gradient=lambda x: np.array([1e-60]))
    assert (verdict.status, verdict.diagnosis) == (Status.INCONCLUSIVE, Diagnosis.STILL), verdict.message
    assert ga.audit(f, np.array([0.7]), gradient=lambda x: np.array([1e-30])).status is Status.FAIL


def test_a_whole_number_beside_an_output_that_moves_is_no_rounded_one():
    def with_a_key(x):
        return np.array([np.sin(x[0]), 4146024105.0])

    right = ga.audit(with_a_key, np.array([0.7]), vjp=lambda x, c: np.array([c[0] * np.cos(x[0])]))
    assert right.status is Status.PASS, right.message
