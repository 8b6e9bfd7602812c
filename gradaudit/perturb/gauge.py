"""Derivatives along dense directions, without a claim: a sweep along the first, then the steps that were best there.

Directions drawn alike have alike truncation and noise. Where one turns out worse than the first, it is swept too.
"""

from dataclasses import dataclass

import numpy as np

from gradaudit.perturb.estimate import Estimate, limit
from gradaudit.perturb.samples import KAPPA, Array, Samples
from gradaudit.perturb.sampling import Probe
from gradaudit.perturb.steps import Tangents, octaves

#: The sweep: these octaves below the scale first, then on by factors of eight while noise leaves room.
FIRST = (1.0, 4.0, 7.0, 10.0, 13.0)
OCTAVES, LAST = 3.0, 46.0
#: The fewest steps are taken whose bar is within this factor of the best,
NEARLY = 2.0
#: and a direction is swept where its bar is this many times that of the first.
WORSE = 4.0
FEWEST, MOST = 2, 4


@dataclass(frozen=True)
class Reading:
    """What was measured along one direction. Arrays (R,)."""

    value: Array
    bar: Array
    h: Array
    samples: Samples


class Gauge:
    """Measures one direction after the other."""

    def __init__(self, probe: Probe) -> None:
        self.probe = probe
        self.evaluations = 0
        self._window: tuple[float, ...] | None = None
        self._expected: Array | None = None

    def read(self, direction: Tangents, *, enough: Array | float = 0.0) -> Reading:
        """The derivative along a single direction; a bar of ``enough`` (R,) is as good as none."""
        if self._window is None or self._expected is None:
            return self._calibrated(direction, enough)
        reading = _reading(self._sample(direction, self._window))
        tolerable = np.fmax(WORSE * self._expected, enough)
        return self.sweep(direction) if np.median(reading.bar / tolerable) > 1 else reading

    def sweep(self, direction: Tangents) -> Reading:
        """The same with every step that can help."""
        return _reading(self._swept(direction)[0])

    def _calibrated(self, direction: Tangents, enough: Array | float) -> Reading:
        samples, exponents = self._swept(direction)
        best = _reading(samples)
        for size in range(FEWEST, MOST + 1):
            windows = [slice(start, start + size) for start in range(len(exponents) - size + 1)]
            bars = [limit(samples.steps(window)).uncertainty[0] for window in windows]
            ratios = [float(np.median(bar / np.fmax(NEARLY * best.bar, enough))) for bar in bars]
            if ratios and min(ratios) <= 1:
                chosen = int(np.argmin(ratios))
                self._window, self._expected = tuple(exponents[windows[chosen]]), bars[chosen]
                return best
        self._window, self._expected = tuple(exponents), best.bar
        return best

    def _swept(self, direction: Tangents) -> tuple[Samples, list[float]]:
        exponents = list(FIRST)
        samples = self._sample(direction, FIRST)
        while (exponent := exponents[-1] + OCTAVES) <= LAST:
            h = octaves(direction, np.array([exponent]))
            noise = KAPPA * np.nan_to_num(samples.noise[-1, 0]) / h[0, 0]
            if not (noise <= limit(samples).uncertainty[0]).any():  # finer steps are drowned in noise, or too small
                break
            samples = samples.followed_by(self._sample(direction, (exponent,)))
            exponents.append(exponent)
        return samples, exponents

    def _sample(self, direction: Tangents, exponents: tuple[float, ...]) -> Samples:
        samples = self.probe.sample(direction, octaves(direction, np.array(exponents)))
        self.evaluations += samples.evaluations
        return samples


def _reading(samples: Samples) -> Reading:
    found: Estimate = limit(samples)
    return Reading(found.value[0], found.uncertainty[0], found.h[0], samples)
