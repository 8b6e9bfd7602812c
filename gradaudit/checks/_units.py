"""Functions of extreme size are measured in units of their own: squares of 1e-200 are zero, those of 1e200 infinite.

The unit is a power of two, so that nothing is rounded on the way there and back.
"""

from dataclasses import replace

import numpy as np

from gradaudit.checks._comparison import Comparison
from gradaudit.judge.evidence import Evidence
from gradaudit.perturb.samples import Array, Samples

#: f is rescaled where its size is beyond 2^±this.
EXTREME = 100.0
#: What of the rulings is measured in units of f / x.
IN_UNITS = ("numeric", "bar", "allowed", "scale", "forward", "backward")


def unit_of(base: Array) -> float:
    """The power of two to measure f in: 1 but for extreme values."""
    largest = np.abs(base).max(initial=0.0)
    if 2.0**-EXTREME <= largest <= 2.0**EXTREME:  # mostly: with a NaN or an infinity it would not be
        return 1.0
    sizes = np.abs(base[np.isfinite(base) & (base != 0)])
    if not sizes.size or abs(exponent := float(np.log2(sizes.max()))) <= EXTREME:
        return 1.0
    return float(np.exp2(np.round(np.clip(exponent, -1000, 1000))))


def measured_in(unit: float, comparison: Comparison) -> Comparison:
    """``comparison`` with f and the claim in units of ``unit``; it has no compiled form then."""
    if unit == 1.0:
        return comparison

    def function(flat: Array) -> Array | None:
        value = comparison.function(flat)
        return None if value is None else value / unit

    def elsewhere(flat: Array) -> Array | None:
        claim = comparison.elsewhere(flat) if comparison.elsewhere else None
        return None if claim is None else claim / unit

    return replace(
        comparison,
        function=function,
        base=comparison.base / unit,
        analytic=comparison.analytic / unit,
        primal=False,
        elsewhere=elsewhere if comparison.elsewhere else None,
    )


def restored(evidence: Evidence, unit: float) -> Evidence:
    """``evidence`` in the units of f again."""
    if unit == 1.0:
        return evidence
    claim, witness, rulings = evidence.claim, evidence.witness, evidence.rulings
    return replace(
        evidence,
        claim=replace(
            claim,
            analytic=claim.analytic * unit,
            largest=claim.largest * unit,
            quiet=claim.quiet * unit,
            magnitude=claim.magnitude * unit,
            atol=claim.atol * unit,
        ),
        rulings=replace(rulings, **{name: getattr(rulings, name) * unit for name in IN_UNITS}),
        witness=_scaled(witness, unit),
        others=tuple((direction, _scaled(samples, unit)) for direction, samples in evidence.others),
    )


def _scaled(samples: Samples, unit: float) -> Samples:
    return replace(samples, **{name: getattr(samples, name) * unit for name in ("rise", "fall", "noise")})
