"""Derivatives from both sides and from each are those of each alone, with bars that hold, and unknown where a side is
missing."""

import numpy as np
import pytest

from gradaudit.perturb.extrapolation import extrapolate
from gradaudit.perturb.samples import KAPPA
from gradaudit.perturb.sampling import Probe
from gradaudit.perturb.sides import limits
from gradaudit.perturb.steps import Coordinates, Point, octaves

EXPONENTS = np.array([4.0, 7.0, 10.0, 13.0, 16.0])


def samples_of(f, x, *, lower=-np.inf):
    x = np.asarray(x)
    point = Point(x, np.full(x.shape, 2.0**-52), np.full(x.shape, lower), np.full(x.shape, np.inf))
    directions = Coordinates(point, np.arange(x.size))
    base = f(x)
    probe = Probe(f, base, np.abs(base) * 2.0**-53, np.ones((1, x.size)))
    return probe.sample(directions, octaves(directions, EXPONENTS))


def test_a_kink_has_two_slopes_within_their_bars():
    _, up, down = limits(samples_of(lambda x: np.exp(x) + 2 * np.abs(x), [0.0, 0.0]))
    assert (np.abs(up.value - 3.0) <= up.bar).all()
    assert (np.abs(down.value + 1.0) <= down.bar).all()
    assert max(up.bar.max(), down.bar.max()) < 1e-6


def test_all_three_at_once_are_each_alone_to_the_last_bit():
    samples = samples_of(lambda x: np.exp(x) + np.abs(x - 0.5) ** 1.5, [0.5, 0.3, -2.0])
    central, *sides = limits(samples)
    _same(central, extrapolate(samples.h, samples.central, samples.central_noise, order=2))
    steps, slopes = (samples.ahead, samples.behind), (samples.forward, samples.backward)
    for limit, step, slope in zip(sides, steps, slopes, strict=True):
        h = np.where(np.isfinite(slope), step[..., None], np.nan)
        _same(limit, extrapolate(h, slope, 2 * KAPPA * samples.noise / h, order=1))


def _same(limit, alone):
    for name in ("value", "truncation", "noise", "bar", "h", "candidates", "candidate_bars"):
        assert np.array_equal(getattr(limit, name), getattr(alone, name)), name


def test_a_side_that_is_out_of_bounds_has_no_derivative():
    _, up, down = limits(samples_of(np.exp, [1.0], lower=1.0))
    assert up.value[0, 0] == pytest.approx(np.e, rel=1e-6)
    assert np.isinf(down.bar).all()
    assert np.isnan(down.value).all()
