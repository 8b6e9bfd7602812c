"""The order that is observed is that of the error, whatever the ratios of the steps, and none where noise hides it."""

from math import isnan, nan

import numpy as np
import pytest

from gradaudit.judge.order import observed_order

GEOMETRIC = [2.0**-p for p in (1, 4, 7, 10)]
UNEVEN = [0.5, 0.1, 1e-3, 2e-4, 1e-4]


def observed(h, error, noise=0.0):
    return observed_order(h, [3.0 + error(step) for step in h], [noise] * len(h))


@pytest.mark.parametrize("h", [GEOMETRIC, UNEVEN])
@pytest.mark.parametrize("order", [0.5, 1, 2, 4])
def test_the_order_of_a_pure_power_is_found(h, order):
    assert observed(h[:4], lambda step: step**order) == pytest.approx(order, abs=1e-3)


def test_an_error_that_grows_as_steps_shrink_has_a_negative_order():
    assert observed([1.0, 0.5, 0.2], lambda step: 1 / step) == pytest.approx(-1.0, abs=1e-5)


def test_what_noise_may_have_done_is_not_counted():
    assert isnan(observed(GEOMETRIC, lambda step: step**2, noise=1.0))
    coarse_only = observed_order(GEOMETRIC, [1 + h**2 for h in GEOMETRIC], [1e-6, 1e-6, 1e-6, 1.0])
    assert coarse_only == pytest.approx(2.0, abs=1e-9)


@pytest.mark.parametrize("difference", [[1.0, 1.0, 1.0], [2.0, 1.0], [nan, nan, nan, 1.0], [np.inf, 2.0, 1.0]])
def test_what_does_not_change_or_is_not_there_has_no_order(difference):
    count = len(difference)
    assert isnan(observed_order(GEOMETRIC[:count], difference, [0.0] * count))


def test_missing_steps_are_passed_over():
    values = [3.0 + h**2 for h in GEOMETRIC]
    values[1] = nan
    assert observed_order(GEOMETRIC, values, [0.0] * 4) == pytest.approx(2.0, abs=1e-5)
