"""The quantum of the values seen: what is quantised moves at one step of x, and stands still at another."""

import numpy as np
import pytest
from one_element import samples_of

from gradaudit.checks._quantum import quantum_of, typical_change

H = 2.0 ** -np.arange(1.0, 8.0)


def stepped(x):
    return 0.25 * np.floor(x / 0.25)


@pytest.mark.parametrize("x", [0.1, 0.124, 0.2])
def test_steps_that_are_all_of_one_height_are_its_quantum(x):
    assert quantum_of(samples_of(stepped, H, x=x), 0, size=0.0) == 0.25


@pytest.mark.parametrize("side", [-1, 1])
def test_a_function_that_moves_on_one_side_alone_is_quantised_too(side):
    assert quantum_of(samples_of(lambda x: 0.1 * (side * x > 0.05), H), 0, size=0.0) == pytest.approx(0.1)


@pytest.mark.parametrize("f", [abs, np.sin, lambda x: 3.0, lambda x: np.nan])
def test_what_always_or_never_moves_has_none(f):
    assert quantum_of(samples_of(f, H), 0, size=0.0) == 0.0


def test_the_typical_change_is_the_median_of_what_moves_on_either_side_and_is_finite():
    assert typical_change(samples_of(lambda x: -3 * x if x < 0 else x, [0.5, 0.25]), 0) == 0.625
    assert typical_change(samples_of(lambda x: np.inf if x > 0.3 else x, [0.5, 0.25]), 0) == 0.25
    assert typical_change(samples_of(lambda x: 1e30 if x > 0.3 else x, [0.5, 0.25, 0.125]), 0) < 1.0  # a pole
    assert typical_change(samples_of(lambda x: np.nan, [0.5]), 0) == 0.0


def test_changes_of_a_large_value_have_its_quantum_and_not_that_of_their_own_rounding():
    samples = samples_of(lambda x: round((247587.3 - 0.24 * x) / 0.1) * 0.1, 2.0 ** -np.arange(0.0, 9.0))
    assert quantum_of(samples, 0, size=247587.3) == pytest.approx(0.1, rel=1e-6)
    assert quantum_of(samples, 0, size=0.0) != pytest.approx(0.1, rel=1e-6)


def test_what_saturates_at_the_largest_steps_and_moves_by_less_before_has_none():
    samples = samples_of(lambda x: 1.5 + 2.0**-52 * round(2**16 * np.tanh(x)), 2.0 ** np.arange(6.0, -21.0, -1.0))
    rise = samples.rise[..., 0]
    assert rise[0] == rise[1] > 100 * rise[rise > 0].min()
    assert rise[-1] == 0
    assert quantum_of(samples, 0, size=1.5) == 0.0
