"""The second witness: what line integrals of the claim may add where differences at x cannot decide. Nothing is called.

Arrays are (R,): the readouts of one direction. The acceptance formula of ``Tolerance`` holds with the mean slope over
the segment in place of the slope at x; size is the lesser of both, so that a segment on which f is steeper than at x
excuses nothing. Source: NUMERICS procedure, section 6.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.element import FAIL_FACTOR, LARGEST_FLOOR, Claim, Mask, Outcome, Rulings, reason
from gradaudit.perturb.line_integral import Discrepancy
from gradaudit.perturb.samples import Array

#: What the integral may help with: noise, rounding and quantisation; not kinks, jumps or edges.
HELPED = tuple(
    reason(diagnosis)
    for diagnosis in (Diagnosis.NOISE, Diagnosis.PRECISION, Diagnosis.STEPS, Diagnosis.UNSEEN, Diagnosis.STILL)
)

#: The error of a wrong claim is the same over both reaches but for this fraction; a jump's is as 3 to 4.
ALIKE = 0.15


@dataclass(frozen=True)
class Testimony:
    """What the integrals over one reach say of a direction's readouts: (R,) arrays."""

    error: Array  #: mean slope of f minus the claimed one
    numeric: Array  #: the claim at x, mended by its mean error
    bar: Array
    allowed: Array
    scale: Array
    floored: Mask
    agrees: Mask  #: the claim is right, to the asked resolution
    differs: Mask  #: it is wrong, by more than the asked resolution


def testimony(found: Discrepancy, claim: Claim, direction: int) -> Testimony:
    """Hold the mean error of the claim against what is allowed."""
    g, d = claim.analytic[direction], claim.analytic[direction] + found.value
    at_x = np.fmax(np.abs(g), np.abs(d))
    over = np.fmax(np.abs(found.claimed), np.abs(found.claimed + found.value))
    size = np.fmin(at_x, over)
    # as where f never leaves its noise: a zero is held against the largest sensitivity, and must be met more closely
    zero = (g == 0) & (np.abs(found.value) <= found.bar)
    floor = np.where(zero, 1.0, LARGEST_FLOOR) * claim.largest[direction]
    allowed = FAIL_FACTOR * found.bar + claim.rtol * size + claim.atol
    scale = np.fmax(size, floor)
    size_of_error, asked = np.abs(found.value), claim.missable(scale)
    return Testimony(
        error=found.value,
        numeric=d,
        bar=found.bar,
        allowed=allowed,
        scale=scale,
        floored=allowed > claim.missable(size),
        agrees=(size_of_error <= allowed) & (allowed <= asked),
        differs=(size_of_error > allowed) & (size_of_error > asked),
    )


def open_to_help(rulings: Rulings) -> Mask:
    """(D, R) undecided for a reason that the integral may help with."""
    return np.asarray((rulings.outcome == Outcome.INCONCLUSIVE) & np.isin(rulings.reason, HELPED))


def rule_by_integral(
    rulings: Rulings, claim: Claim, direction: int, said: Sequence[Testimony], *, reach: float
) -> None:
    """Record what all of ``said`` agree on, for the undecided readouts of a direction; the first is the one shown.

    Where the differences at x have a value with a bar, the integral may not contradict it: a mean over a segment says
    nothing of x alone.
    """
    d, bar = rulings.numeric[direction], rulings.bar[direction]
    slack = FAIL_FACTOR * np.where(np.isfinite(bar), bar, np.inf)
    g, first = claim.analytic[direction], said[0]
    with np.errstate(invalid="ignore"):
        near_claim = ~(np.abs(d - g) > slack + claim.rtol * np.abs(g))
        near_mended = ~(np.abs(d - first.numeric) > slack + FAIL_FACTOR * first.bar)
    passes = np.logical_and.reduce([one.agrees for one in said]) & near_claim
    fails = np.logical_and.reduce([one.differs for one in said]) & near_mended & _alike(said)
    mine = open_to_help(rulings)[direction] & (passes | fails)
    ruled = {
        "outcome": np.where(passes, Outcome.PASS, Outcome.FAIL),
        "reason": np.where(passes, 0, reason(Diagnosis.WRONG)),
        "numeric": first.numeric,
        "bar": first.bar,
        "allowed": first.allowed,
        "scale": first.scale,
        "h": np.full(mine.shape, reach),
        "floored": first.floored & passes,
        "integrated": mine,
    }
    for name, value in ruled.items():
        getattr(rulings, name)[direction] = np.where(mine, value, getattr(rulings, name)[direction])


def _alike(said: Sequence[Testimony]) -> Mask:
    """One error is found over all reaches, within its bars; a jump's would shrink as the reach grows."""
    first, *others = said
    apart = [np.abs(first.error - one.error) <= first.bar + one.bar + ALIKE * np.abs(first.error) for one in others]
    return np.asarray(np.logical_and.reduce(apart))
