"""The numeric derivative by itself: a value and an error bar, with no claim to hold it against."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gradaudit.perturb.extrapolation import Limit
from gradaudit.perturb.samples import KAPPA, Array, Samples
from gradaudit.perturb.sampling import Probe
from gradaudit.perturb.sides import limits
from gradaudit.perturb.steps import Directions, given, octaves

#: The sweep: these octaves below the scale first, then on by factors of eight while noise leaves room, and x: of an x
#: far below its scale of 1 that may be long.
FIRST = (4.0, 7.0, 10.0, 13.0)
NEXT, OCTAVES = 16.0, 3.0
#: Below 2^−1074 there is no number.
LAST = 1074.0
#: Steps of a whole sweep, but for such x.
STEPS = 15
#: Samples in memory at once: steps × directions × readouts.
BLOCK = 262_144


@dataclass(frozen=True)
class Estimate:
    """D directions × R readouts: the derivative along each direction, its error bar, and the step behind it."""

    value: Array  #: (D, R)
    uncertainty: Array  #: (D, R)
    h: Array  #: (D, R)
    evaluations: int

    @property
    def arrays(self) -> tuple[Array, Array, Array]:
        """value, uncertainty, h"""
        return self.value, self.uncertainty, self.h


def estimate(probe: Probe, directions: Directions, h: tuple[float, ...] | None = None) -> Estimate:
    """Differentiate along every direction, with steps of our own or the given ones."""
    block = max(1, BLOCK // (probe.readouts * (len(h) if h else STEPS)))
    shape = (len(directions), probe.readouts)
    whole = Estimate(np.empty(shape), np.empty(shape), np.empty(shape), 0)
    evaluations = 0
    for start in range(0, len(directions), block):
        part = np.arange(start, min(start + block, len(directions)))
        found = _block(probe, directions.take(part), h)
        _improve(whole, part, found)
        evaluations += found.evaluations
    return replace(whole, evaluations=evaluations)


def _block(probe: Probe, directions: Directions, h: tuple[float, ...] | None) -> Estimate:
    if h is None:
        return _swept(probe, directions)
    samples = probe.sample(directions, given(directions, h))
    return _single(samples) if len(h) == 1 else limit(samples)


def _single(samples: Samples) -> Estimate:
    """One step: its truncation is not known, but at most half the gap of its one-sided slopes to first order."""
    gap = np.abs(samples.forward[0] - samples.backward[0])
    bar = gap / 2 + samples.central_noise[0]
    return Estimate(samples.central[0], bar, samples.h[0], samples.evaluations)


def _swept(probe: Probe, directions: Directions) -> Estimate:
    samples = probe.sample(directions, octaves(directions, np.array(FIRST)))
    found = limit(samples)
    open_ = np.arange(len(directions))
    exponent = NEXT
    evaluations = samples.evaluations
    while exponent <= LAST:
        h = octaves(directions.take(open_), np.array([exponent]))
        noise = KAPPA * np.nan_to_num(samples.noise[-1]) / h[0][:, None]
        # a finer step helps where its own noise is below the bar so far
        helps = ~(noise > found.uncertainty[open_]).all(axis=1) & np.isfinite(h[0])
        if not helps.any():
            break
        open_, samples = open_[helps], samples.take(np.flatnonzero(helps))
        finer = probe.sample(directions.take(open_), h[:, helps])
        evaluations += finer.evaluations
        samples = samples.and_then(finer)
        _improve(found, open_, limit(samples))
        exponent += OCTAVES
    return Estimate(found.value, found.uncertainty, found.h, evaluations)


def _improve(found: Estimate, which: NDArray[np.intp], newer: Estimate) -> None:
    for mine, better in zip(found.arrays, newer.arrays, strict=True):
        mine[which] = better


def limit(samples: Samples) -> Estimate:
    """The derivative along each direction from differences that are there already."""
    central, up, down = limits(samples)
    two_sided = np.isfinite(samples.h).any(axis=0)
    better = up.bar <= down.bar
    value = np.where(two_sided, central.value, np.where(better, up.value, down.value))
    bar = np.where(two_sided, central.bar, np.where(better, up.bar, down.bar))
    h = np.where(two_sided, central.h, np.where(better, up.h, down.h))
    return Estimate(value, np.fmax(bar, _half_gap(up, down)), h, samples.evaluations)


def _half_gap(up: Limit, down: Limit) -> Array:
    """At a kink, half the distance of the one-sided slopes; 0 where they agree within their bars."""
    with np.errstate(invalid="ignore"):
        gap = np.abs(up.value - down.value)
        return np.where(gap > up.bar + down.bar, gap / 2, 0.0)
