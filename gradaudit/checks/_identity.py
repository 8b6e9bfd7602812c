"""What a check without differences reduces to: two ways to the same numbers, apart by rounding at most.

No step size stands between the two ways, so there is nothing to be undecided about.
"""

from dataclasses import dataclass, replace

import numpy as np

from gradaudit.checks._comparison import Comparison
from gradaudit.checks._limits import Limits
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.element import FAIL_FACTOR, Claim, Outcome, Rulings, reason
from gradaudit.judge.evidence import Evidence
from gradaudit.perturb.axis import Axis
from gradaudit.perturb.pattern import Pattern
from gradaudit.perturb.samples import Array, Samples

#: Half-precision claims round more often than the limits of a case allow for: so many times.
ROUNDINGS = 16.0


@dataclass(frozen=True)
class Identity:
    """D × R numbers, each of them twice."""

    check: str
    analytic: Array  #: (D, R)
    numeric: Array  #: (D, R) the same numbers by the other way
    magnitude: Array  #: (D, R) what was added up on the way to them: rounding is relative to that
    inputs: Axis  #: names of the rows
    outputs: Axis  #: names of the columns
    broken: Diagnosis  #: what it means where the two part
    exact: bool = False  #: not by more than rounding, whatever the tolerance of the case
    sensitivity: Array | None = None  #: (D, R) what rtol is relative to; None: the numbers
    pattern: Pattern | None = None  #: the rows are its entries, D of them, R = 1; all others are zero both times
    searching: int = 0  #: evaluations of f that looking for a structure took


#: What a check may reduce to.
Compared = Comparison | Identity


def weigh(identity: Identity, limits: Limits, *, epsilon: float) -> Evidence:
    """Rule on every number by the acceptance formula, with the rounding of the claim's own arithmetic as the bar.

    ``epsilon`` is the spacing at 1 of the narrowest numbers that take part.
    """
    hollow = np.isnan(identity.analytic) & np.isnan(identity.numeric)  # what they have in common is no difference
    analytic, numeric = (np.where(hollow, 0.0, way) for way in (identity.analytic, identity.numeric))
    claim = _claim(identity, analytic, replace(limits, rounding=max(limits.rounding, ROUNDINGS * epsilon)))
    bar = claim.rounding * identity.magnitude
    size = np.fmax(*(np.where(np.isfinite(way), np.abs(way), 0.0) for way in (analytic, numeric)))
    relative = size if identity.sensitivity is None else identity.sensitivity
    allowed = FAIL_FACTOR * bar + claim.rtol * relative + claim.atol
    same = analytic == numeric
    with np.errstate(invalid="ignore"):  # what is infinite on one side only differs by more than any rounding
        error = np.abs(analytic - numeric)
    passed = same | ((error <= allowed) & np.isfinite(error))
    floored = passed & (allowed > claim.missable(size)) & ~same
    rulings = replace(
        Rulings.undecided(*size.shape),
        outcome=np.where(passed, Outcome.PASS, Outcome.FAIL).astype(np.int8),
        reason=np.where(passed, 0, reason(Diagnosis.WRONG)).astype(np.int8),
        numeric=np.where(same, analytic, numeric),
        bar=bar,
        allowed=allowed,
        scale=np.where(floored, np.fmax(size, identity.magnitude), size),
        floored=floored,
    )
    return _evidence(identity, claim, rulings)


def _claim(identity: Identity, analytic: Array, limits: Limits) -> Claim:
    rows, columns = analytic.shape
    return Claim(
        analytic=analytic,
        largest=identity.magnitude,
        natural=np.ones(rows),
        quiet=np.zeros(columns),
        magnitude=np.zeros(columns),
        rtol=0.0 if identity.exact else limits.rtol,
        resolution=limits.resolution,
        atol=0.0 if identity.exact else limits.atol,
        rounding=limits.rounding,
    )


def _evidence(identity: Identity, claim: Claim, rulings: Rulings) -> Evidence:
    rows, columns = claim.analytic.shape
    return Evidence(
        check=identity.check,
        inputs=identity.inputs,
        outputs=identity.outputs,
        directions=np.arange(rows),
        x=np.full(rows, np.nan),
        claim=claim,
        rulings=rulings,
        witness=Samples.none(columns),
        witness_direction=0,
        witness_readout=0,
        evaluations=identity.searching,
        broken=identity.broken,
        pattern=identity.pattern,
    )
