"""Derivatives along dense directions, without a claim: a sweep along the first, then the steps that were best there.

Directions drawn alike have alike truncation and noise. Where one turns out worse than the first, it is swept too.
Tables are made of many directions at once: of small arrays, one costs as much as all.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradaudit.perturb.estimate import LAST, Estimate, limit
from gradaudit.perturb.samples import KAPPA, Array, Samples, side_by_side
from gradaudit.perturb.sampling import Probe
from gradaudit.perturb.steps import Tangents, octaves

#: The sweep: these octaves below the scale first, then on by factors of eight while noise leaves room, and x.
FIRST = (1.0, 4.0, 7.0, 10.0, 13.0)
OCTAVES = 3.0
#: The fewest steps are taken whose bar is within this factor of the best,
NEARLY = 2.0
#: and a direction is swept where its bar is this many times that of the first.
WORSE = 4.0
FEWEST, MOST = 2, 4
#: A finer step is asked where its noise is below this fraction of what value and claim are apart by.
APART = 2.0**-12


@dataclass(frozen=True)
class Reading:
    """What was measured along one direction. Arrays (R,)."""

    value: Array
    bar: Array
    h: Array
    still: NDArray[np.bool_]  #: f did not change by one bit
    samples: Samples


class Gauge:
    """Measures directions, the first of them for all others."""

    def __init__(self, probe: Probe) -> None:
        self.probe = probe
        self.evaluations = 0
        self._window: tuple[float, ...] | None = None
        self._expected: Array | None = None

    def read(self, directions: Tangents, claimed: Array, *, enough: Array | float = 0.0) -> list[Reading]:
        """The derivative along each direction; a bar of ``enough`` (R,) is as good as none.

        What a sweep finds to be apart from ``claimed`` (D, R) is asked again at finer steps.
        """
        if self._window is None or self._expected is None:
            first = self._calibrated(directions.take(np.arange(1)), claimed[0], enough)
            others = directions.take(np.arange(1, len(directions)))
            return [first, *(self.read(others, claimed[1:], enough=enough) if len(others) else ())]
        tolerable = np.fmax(WORSE * self._expected, enough)
        readings = _readings(self._sample(directions, self._window))
        bars = np.array([reading.bar for reading in readings])
        for k in np.flatnonzero(np.median(bars / tolerable, axis=1) > 1).tolist():
            readings[k], _ = self._swept(directions.take(np.array([k])), claimed[k])
        return readings

    def _calibrated(self, direction: Tangents, claimed: Array, enough: Array | float) -> Reading:
        best, exponents = self._swept(direction, claimed)
        for size in range(FEWEST, MOST + 1):
            windows = [slice(start, start + size) for start in range(len(exponents) - size + 1)]
            if not windows:
                break
            found = limit(side_by_side([best.samples.steps(window) for window in windows]))
            # a few far steps may agree on what finer ones have shown to be wrong
            bars = found.uncertainty + np.abs(found.value - best.value)
            ratios = np.median(bars / np.fmax(NEARLY * best.bar, enough), axis=1)
            if ratios.min() <= 1:
                chosen = int(np.argmin(ratios))
                self._window, self._expected = tuple(exponents[windows[chosen]]), bars[chosen]
                return best
        self._window, self._expected = tuple(exponents), best.bar
        return best

    def _swept(self, direction: Tangents, claimed: Array) -> tuple[Reading, list[float]]:
        """Along a single direction, with every step that can help, and their octaves."""
        exponents = list(FIRST)
        (reading,) = _readings(self._sample(direction, FIRST))
        while (exponent := exponents[-1] + OCTAVES) <= LAST:
            h = octaves(direction, np.array([exponent]))
            noise = KAPPA * self.probe.quiet / h[0, 0]  # values far from x round more coarsely
            # far beyond the scale of f its differences fall, and look converged to zero
            matters = np.fmax(reading.bar, APART * np.abs(reading.value - claimed))
            if not (noise <= matters).any():  # finer steps are drowned in noise, or too small
                break
            (reading,) = _readings(reading.samples.followed_by(self._sample(direction, (exponent,))))
            exponents.append(exponent)
        return reading, exponents

    def _sample(self, direction: Tangents, exponents: tuple[float, ...]) -> Samples:
        samples = self.probe.sample(direction, octaves(direction, np.array(exponents)))
        self.evaluations += samples.evaluations
        return samples


def _readings(samples: Samples) -> list[Reading]:
    """One for each direction."""
    found: Estimate = limit(samples)
    count = len(found.value)
    alone = [samples] if count == 1 else [samples.take(np.array([d])) for d in range(count)]
    return [Reading(*numbers) for numbers in zip(*found.arrays, samples.constant, alone, strict=True)]
