"""What differences are taken from: a comparison in a unit of its own, and the noise of its function."""

from dataclasses import dataclass, replace

import numpy as np

from gradaudit.checks._comparison import Comparison
from gradaudit.checks._limits import Limits
from gradaudit.checks._units import measured_in, unit_of
from gradaudit.perturb.batching import Batched
from gradaudit.perturb.difference_table import VALUES
from gradaudit.perturb.noise import Swing, measure_hidden_noise, measure_noise
from gradaudit.perturb.samples import Array
from gradaudit.perturb.sampling import Kernel, Probe
from gradaudit.perturb.steps import Coordinates
from gradaudit.perturb.together import Together

SMALLEST = float(np.nextafter(0.0, 1.0))  #: number above zero
#: A change is heard above so many times its noise, and bent where it is off by so many times the resolution.
AUDIBLE, BENT = 27.0, 10.0
#: Noise is another one where it is so many times what was measured at first.
HIDDEN = 8.0


@dataclass(frozen=True)
class Ground:
    """A comparison in a unit of its own, with the noise of its function measured: what differences are taken from."""

    comparison: Comparison
    limits: Limits
    probe: Probe
    unit: float  #: what f is measured in; 1 but for extreme values
    evaluations: int  #: that the noise took, and looking for a structure in vain
    swing: Swing | None = None  #: how f changes where its noise was measured
    curve: bool = True  #: what passes has its curve, too: somebody reads it

    @classmethod
    def of(
        cls,
        comparison: Comparison,
        limits: Limits,
        rng: np.random.Generator,
        *,
        kernel: Kernel | None = None,
        batch: Batched | None = None,
        threads: int = 1,
        curve: bool = True,
    ) -> "Ground":
        """``kernel`` and ``batch`` are the compiled and the batched way to differences of the case's own function."""
        unit = unit_of(comparison.base)
        comparison = measured_in(unit, comparison)
        if unit != 1 or limits.atol:  # a claim that is smaller than the smallest number was rounded to zero
            limits = replace(limits, atol=(limits.atol + (SMALLEST if unit != 1 else 0.0)) / unit)
        base = np.where(np.isfinite(comparison.base), comparison.base, np.nan)
        noise = measure_noise(comparison.nearby, comparison.directions.point, base=base, rng=rng)
        kernel, batch = (kernel, batch) if comparison.primal else (None, None)
        sigma = noise.sigma
        if limits.half_precision:  # what has so few bits may stand still at all steps that its noise is measured with
            sigma = np.fmax(sigma, limits.half_precision * np.abs(base) / np.sqrt(3))
        probe = Probe(comparison.function, base, sigma, comparison.readout, kernel, threads, batch)
        # of other directions, entries of a matrix among them, it tells nothing, and it is as large as x
        swing = noise.swing if type(comparison.directions) is Coordinates else None
        return cls(comparison, limits, probe, unit, noise.evaluations + comparison.searched, swing, curve)

    def is_contradicted(self, derivative: Array) -> bool:
        """Whether f changes otherwise than ``derivative`` (n, R) says, where its noise was measured.

        The steps of differences are powers of two, and may all be whole periods of a part of f; a kink of a few percent
        looks smooth to them. On this line, ten powers of ten shorter than the scale of x, nothing repeats or bends.
        """
        if self.swing is None:
            return False
        step, heard = self.swing.step, AUDIBLE / (VALUES - 1) * self.probe.quiet
        off = np.abs(self.probe.combined(self.swing.change) - step @ derivative)
        if not np.count_nonzero(off > heard):  # mostly
            return False
        with np.errstate(over="ignore"):
            size = np.sqrt(np.square(step) @ np.square(derivative))
        accepted = BENT * self.limits.resolution * size + self.limits.atol * np.abs(step).sum()
        return bool((off > heard + accepted).any())

    def louder(self, rng: np.random.Generator) -> tuple["Ground", int]:
        """The same, with noise that another part of f had hidden, or itself; and the evaluations spent on it."""
        comparison, probe = self.comparison, self.probe
        noise = measure_hidden_noise(comparison.nearby, comparison.directions.point, base=probe.base, rng=rng)
        hidden = noise.sigma > HIDDEN * probe.sigma
        sigma = np.where(hidden, noise.sigma, probe.sigma)
        return replace(self, probe=replace(probe, sigma=sigma)) if hidden.any() else self, noise.evaluations

    def measured_by(self, together: Together | None) -> "Ground":
        """The same, with coordinates moved together, or one by one."""
        if together is self.probe.together:
            return self
        return replace(self, probe=replace(self.probe, together=together))
