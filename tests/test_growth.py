"""A slope grows without limit only where no finer step shows that it levels, be it below what can be heard alone."""

import numpy as np
import pytest
from one_element import samples_of

import gradaudit as ga
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.growth import GROWING, grows
from gradaudit.judge.verdict import Status

H = 2.0 ** -np.arange(0.0, 40.0)


def rises(f, *, noise, steps=H):
    """Whether the slope of f to the right of 0 grows, f being evaluated with errors of this size, seeded."""
    rng = np.random.default_rng(7)
    samples = samples_of(lambda x: f(x) + noise * rng.normal(), steps, noise=noise)
    return bool(grows(samples.forward, samples))


@pytest.mark.parametrize("noise", [0.0, 1e-12, 1e-9, 1e-6])
@pytest.mark.parametrize("power", [0.0, 0.1, 0.3])
def test_a_root_and_a_jump_grow_under_any_noise_that_leaves_enough_steps(power, noise):
    assert rises(lambda x: abs(x) ** power if x else 0.0, noise=noise)


def saturating(x):
    """As 1 − exp(−x/w) of a width w = 2⁻⁵."""
    return float(-np.expm1(-32 * max(x, 0.0)))


@pytest.mark.parametrize("noise", [1e-4, 1e-3, 1 / 64])  # by the last of them nothing but 1/h is heard
def test_what_has_saturated_at_every_step_that_can_be_heard_levels_below(noise):
    assert rises(saturating, noise=0.0, steps=H[:GROWING])  # no finer step: as a jump does
    assert not rises(saturating, noise=noise)


@pytest.mark.parametrize(
    ("function", "slope", "x"),
    [
        (lambda x: float((1 - np.exp(-x)).sum()), lambda x: np.exp(-x), 32.969652462729705),
        (
            lambda x: float((1 / (1 + np.exp(-x))).sum()),
            lambda x: np.exp(-x) / (1 + np.exp(-x)) ** 2,
            33.17932010135717,
        ),
    ],
)
def test_a_function_a_few_units_in_the_last_place_from_its_limit_has_a_derivative(function, slope, x):
    verdict = ga.audit(function, np.array([x]), gradient=slope)
    assert verdict.diagnosis != Diagnosis.SINGULAR, verdict.message
    wrong = ga.audit(function, np.array([x]), gradient=lambda x: 100 * slope(x))
    assert wrong.status is Status.FAIL, wrong.message
