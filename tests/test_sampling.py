"""Functions that are called and functions that are compiled give the same differences."""

import numpy as np
import pytest

from gradaudit.perturb.samples import Samples
from gradaudit.perturb.sampling import Probe
from gradaudit.perturb.steps import Coordinates, Point, Tangents, octaves


def probe(f, x, readout=None):
    base = f(x.copy())
    return Probe(f, base, np.full(base.shape, 2.0**-53), readout)


def coordinates(x):
    return Coordinates(Point.of(x, np.full(x.shape, 2.0**-52)), np.arange(x.size))


def test_differences_are_taken_before_outputs_are_combined():
    # 1e16 in the other output would swallow the change if outputs were combined first
    x = np.array([0.5])
    both = probe(lambda v: np.array([np.sin(v[0]), 1e16]), x, np.ones((1, 2)))
    samples = both.sample(coordinates(x), octaves(coordinates(x), np.array([10.0])))
    assert samples.central[0, 0, 0] == pytest.approx(np.cos(0.5), rel=1e-6)


def test_an_output_that_moved_does_not_carry_the_noise_of_a_thousand_others():
    x = np.linspace(0.1, 1, 1000)
    all_ = probe(np.sin, x, np.ones((1, 1000)))
    samples = all_.sample(coordinates(x).take(np.array([3])), np.array([[0.01]]))
    assert samples.noise[0, 0, 0] < 4 * 2.0**-53


def test_an_output_that_may_hide_a_change_counts_as_noise():
    x = np.array([0.5])
    both = probe(lambda v: np.array([np.sin(v[0]), 1e12 + v[0]]), x, np.ones((1, 2)))
    samples = both.sample(coordinates(x), np.array([[1e-7]]))
    assert samples.noise[0, 0, 0] > 1e-5


def test_a_side_that_raises_or_is_not_finite_is_missing_and_the_other_stays():
    x = np.array([0.5])
    half = probe(lambda v: None if v[0] > 0.5 else v**2, x)
    samples = half.sample(coordinates(x), np.array([[0.25]]))
    assert np.isnan(samples.rise).all()
    assert samples.backward[0, 0, 0] == 0.75
    assert np.isnan(samples.central).all()


def test_a_function_that_spoils_its_argument_spoils_nothing_else():
    x = np.array([0.5, 0.25])

    def spoil(v):
        value = v.sum(keepdims=True)
        v[:] = np.nan
        return value

    samples = probe(spoil, x).sample(coordinates(x), np.full((2, 2), 0.125))
    assert (samples.central == 1.0).all()


def test_a_tangent_moves_every_coordinate_at_once():
    x = np.array([1.0, 2.0])
    tangents = Tangents(Point.of(x, np.full(2, 2.0**-52)), np.array([[1.0, -1.0]]))
    samples = probe(lambda v: np.array([v[0] * v[1]]), x).sample(tangents, np.array([[0.25]]))
    assert samples.central[0, 0, 0] == 1.0


def test_samples_are_kept_largest_step_first():
    x = np.array([0.5])
    sine = probe(np.sin, x)
    fine = sine.sample(coordinates(x), np.array([[1e-4]]))
    coarse = sine.sample(coordinates(x), np.array([[1e-2]]))
    together: Samples = fine.and_then(coarse)
    assert together.h[0, 0, 0] > together.h[1, 0, 0]
    assert together.evaluations == 4


@pytest.mark.parametrize("readout", [None, "random"])
def test_the_compiled_kernel_gives_what_calls_give(readout):
    numba = pytest.importorskip("numba")
    from functools import partial

    from gradaudit.perturb.kernels import FLAT_FUNCTION, sample_coordinates

    @numba.njit(FLAT_FUNCTION.signature if hasattr(FLAT_FUNCTION, "signature") else None)
    def flat(x, y):
        y[0] = x[0] * x[1] + 1e9
        y[1] = np.sin(x[1])
        y[2] = 3.0
        return 0

    def called(v):
        return np.array([v[0] * v[1] + 1e9, np.sin(v[1]), 3.0])

    x = np.array([0.75, 0.5])
    combine = None if readout is None else np.random.default_rng(0).normal(size=(2, 3))
    plain = probe(called, x, combine)
    compiled = Probe(plain.function, plain.base, plain.sigma, combine, partial(sample_coordinates, flat), 2)
    h = octaves(coordinates(x), np.array([4.0, 13.0, 30.0]))
    one, other = plain.sample(coordinates(x), h), compiled.sample(coordinates(x), h)
    for name in ("rise", "fall", "noise"):
        assert getattr(one, name) == pytest.approx(getattr(other, name), rel=1e-12, nan_ok=True)
