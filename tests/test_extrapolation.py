"""The extrapolated value lies within its bar, and the bar is as small as the arithmetic allows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradaudit.perturb import extrapolation
from gradaudit.perturb.extrapolation import extrapolate

H = 2.0 ** -np.arange(4.0, 26.0, 3.0)


def central(f, x, h=H):
    return np.array([(f(x + k) - f(x - k)) / (2 * k) for k in h])


def limit_of(f, x, noise=2.0**-53):
    quotient = central(f, x)
    return extrapolate(H[:, None], quotient[:, None], (3 * noise * np.abs(f(x)) / H)[:, None], order=2)


@pytest.mark.parametrize(
    ("f", "derivative"),
    [
        (np.sin, np.cos),
        (np.exp, np.exp),
        (np.tanh, lambda x: 1 / np.cosh(x) ** 2),
        (np.arctan, lambda x: 1 / (1 + x * x)),
    ],
)
@given(x=st.floats(-2, 2))
def test_the_bar_covers_the_error_of_smooth_functions(f, derivative, x):
    limit = limit_of(f, x)
    assert abs(limit.value[0] - derivative(x)) <= 3 * limit.bar[0] + 1e-15


def test_a_smooth_function_is_resolved_far_below_any_single_step():
    limit = limit_of(np.sin, 1.0)
    assert limit.bar[0] < 1e-10
    assert abs(limit.value[0] - np.cos(1.0)) < 1e-11


def test_a_polynomial_of_degree_five_is_exact_after_two_columns():
    h = np.array([[0.5], [0.25], [0.125], [0.0625]])
    quotient = np.array([[1.0 + 2.0 * k**2 - 3.0 * k**4] for k in h[:, 0]])
    limit = extrapolate(h, quotient, np.full(h.shape, 1e-18), order=2)
    assert limit.value[0] == pytest.approx(1.0, abs=1e-14)


def test_one_step_has_no_known_bar():
    limit = extrapolate(np.array([[0.1]]), np.array([[2.0]]), np.array([[0.0]]), order=2)
    assert limit.value[0] == 2.0
    assert limit.bar[0] == np.inf


def test_one_step_is_as_well_known_beside_elements_that_have_more():
    h = np.array([[0.2, np.nan, np.nan], [0.1, 0.1, np.nan]])
    limit = extrapolate(h, np.array([[2.5, np.nan, np.nan], [2.1, 2.0, np.nan]]), np.zeros((2, 3)), order=2)
    assert np.array_equal(np.isinf(limit.bar), [False, True, True])
    assert limit.value[1] == 2.0
    assert np.isnan(limit.value[2])


def test_missing_steps_are_left_out_wherever_they_are():
    quotient = central(np.sin, 1.0)[:, None]
    noise = np.full(quotient.shape, 1e-15)
    holes = quotient.copy()
    holes[[0, 3]] = np.nan
    limit = extrapolate(H[:, None], holes, noise, order=2)
    rest = [1, 2, 4, 5, 6, 7]
    alone = extrapolate(H[rest, None], quotient[rest], noise[rest], order=2)
    assert limit.value == alone.value
    assert limit.bar == alone.bar


def test_a_kink_within_the_large_steps_is_not_believed():
    # |x − 1e-3| at 0: steps above 1e-3 see slopes between −1 and 1, the finer ones −1 only
    limit = limit_of(lambda x: abs(x - 1e-3), 0.0)
    assert abs(limit.value[0] + 1) <= 3 * limit.bar[0]


def test_a_function_noisier_than_believed_gets_a_wider_bar():
    rng = np.random.default_rng(3)
    quotient = np.cos(1.0) + rng.normal(size=H.size) * 1e-9 / H
    limit = extrapolate(H[:, None], quotient[:, None], (3e-11 / H)[:, None], order=2)
    assert abs(limit.value[0] - np.cos(1.0)) <= 3 * limit.bar[0]


def test_one_sided_slopes_are_extrapolated_to_first_order():
    slope = np.array([(np.exp(k) - 1) / k for k in H])
    limit = extrapolate(H[:, None], slope[:, None], (1e-15 / H)[:, None], order=1)
    assert abs(limit.value[0] - 1) <= 3 * limit.bar[0]
    assert limit.bar[0] < 1e-6


def test_a_table_in_small_steps_is_that_of_one_step(monkeypatch):
    rng = np.random.default_rng(0)
    h = np.broadcast_to(H[:, None], (H.size, 50)).copy()
    quotient = np.where(rng.random(h.shape) < 0.1, np.nan, 1 + h * rng.normal(size=h.shape))
    at_once = extrapolate(h, quotient, 1e-9 / h, order=2)
    monkeypatch.setattr(extrapolation, "ROOM", 1)
    assert np.array_equal(extrapolate(h, quotient, 1e-9 / h, order=2).bar, at_once.bar)
