"""What differences are taken from: a comparison in a unit of its own, and the noise of its function."""

from dataclasses import dataclass, replace

import numpy as np

from gradaudit.checks._comparison import Comparison
from gradaudit.checks._limits import Limits
from gradaudit.checks._units import measured_in, unit_of
from gradaudit.perturb.batching import Batched
from gradaudit.perturb.noise import measure_hidden_noise, measure_noise
from gradaudit.perturb.sampling import Kernel, Probe
from gradaudit.perturb.together import Together

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
        limits = replace(limits, atol=limits.atol / unit) if limits.atol else limits
        base = np.where(np.isfinite(comparison.base), comparison.base, np.nan)
        noise = measure_noise(comparison.nearby, comparison.directions.point, base=base, rng=rng)
        kernel, batch = (kernel, batch) if comparison.primal else (None, None)
        sigma = noise.sigma
        if limits.half_precision:  # what has so few bits may stand still at all steps that its noise is measured with
            sigma = np.fmax(sigma, limits.half_precision * np.abs(base) / np.sqrt(3))
        probe = Probe(comparison.function, base, sigma, comparison.readout, kernel, threads, batch)
        return cls(comparison, limits, probe, unit, noise.evaluations + comparison.searched, curve)

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
