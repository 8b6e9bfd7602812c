"""Fits average the noise of many steps out; where they do not fit there are none."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradaudit.perturb.extrapolation import extrapolate
from gradaudit.perturb.fit import best_fit, refined

H = 2.0 ** -np.arange(0.0, 14.0)


@given(seed=st.integers(0, 10_000))
def test_a_fit_averages_noise_out_and_still_covers_the_truth(seed):
    noise = 3 * 1e-6 / H
    quotient = 2.0 + 0.1 * H**2 + np.random.default_rng(seed).uniform(-1, 1, H.size) * 1e-6 / H
    fit = best_fit(H, quotient, noise)
    assert fit is not None
    value, bar, _, _ = fit
    assert abs(value - 2.0) <= 3 * bar
    assert bar < 1e-4


def test_a_fit_refuses_what_does_not_fit():
    h = H[:8]
    assert best_fit(h, np.random.default_rng(0).normal(size=h.size), np.full(h.size, 1e-12)) is None


def test_four_steps_are_the_fewest_that_have_a_fit():
    h, noise = H[:4], np.full(4, 1e-9)
    assert best_fit(h[:3], np.full(3, 2.0), noise[:3]) is None
    fit = best_fit(h, np.full(4, 2.0), noise)
    assert fit is not None
    assert fit[0] == pytest.approx(2.0, abs=1e-9)


@pytest.mark.parametrize("hole", [(np.nan, 1e-9), (np.inf, 1e-9), (2.0, np.nan), (2.0, np.inf), (2.0, 0.0)])
def test_a_step_without_a_difference_or_without_a_noise_is_left_out(hole):
    noise = 1e-6 / H
    quotient = 2.0 + 0.1 * H**2 + np.random.default_rng(1).uniform(-1, 1, H.size) * noise
    with_hole, its_noise = quotient.copy(), noise.copy()
    with_hole[5], its_noise[5] = hole
    rest = np.arange(H.size) != 5
    assert best_fit(H, with_hole, its_noise) == best_fit(H[rest], quotient[rest], noise[rest])


def test_a_fit_takes_the_place_of_the_table_only_where_its_bar_is_smaller():
    noise = 3e-6 / H
    noisy = 2.0 + 0.1 * H**2 + np.random.default_rng(2).uniform(-1, 1, H.size) * 1e-6 / H
    both = np.stack([noisy, 2.0 + 0.1 * H**2], axis=1)
    both_noise = np.stack([noise, np.full(H.size, 1e-16)], axis=1)
    h = np.broadcast_to(H[:, None], both.shape)
    table = extrapolate(h, both, both_noise, order=2)
    fitted = refined(table, h, both, both_noise)
    assert fitted.bar[0] < table.bar[0]
    assert (fitted.bar <= table.bar).all()
    assert np.allclose(fitted.bar, fitted.noise + fitted.truncation)
    value, bar, spread, finest = best_fit(H, noisy, noise)
    assert (fitted.value[0], fitted.bar[0], fitted.noise[0], fitted.h[0]) == (value, bar, spread, finest)


def test_a_finer_difference_outside_the_fit_widens_its_bar_until_they_agree():
    """Eleven steps see one slope, the three finest another: no window of four has the second alone."""
    quotient = np.where(H[-4] <= H, 2.0, 2.5)
    value, bar, _, _ = best_fit(H, quotient, np.full(H.size, 0.01))
    assert (value, bar) == (pytest.approx(2.0), pytest.approx(0.5 - 0.01))


@pytest.mark.parametrize(("steps", "power", "fits"), [(4, 0, True), (4, 2, False), (5, 2, True), (5, 4, False)])
def test_two_neighbouring_degrees_must_fit_with_two_steps_to_spare(steps, power, fits):
    h = H[:steps]
    assert (best_fit(h, 2.0 + 0.1 * h**power, np.full(steps, 1e-6)) is not None) == fits
