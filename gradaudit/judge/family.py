"""Readouts that are alike, beside each other: what is too small to be measured is bounded relative to the largest.

An output that has saturated, or the gradient of a bias before a batch normalisation, has all its elements near zero: no
element of the same readout is large enough to hold them against, while readouts beside it are. Such passes are counted
apart, as any that is relative to more than the element itself.

A claim is computed from numbers as large as its family's, too: where f stands still at zero to the last bit, as the
imaginary part of a real eigenvalue does, what is left of them is their rounding. And where differences are taken of a
gradient, its own rounding is as large: what a softmax leaves of saturated elements is smooth, and wrong.
"""

import numpy as np
from numpy.typing import NDArray

from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.element import FAIL_FACTOR, Claim, Mask, Outcome, Rulings, reason
from gradaudit.judge.integral import open_to_help
from gradaudit.perturb.samples import Array

#: An undecided element need not be right relative to less than this fraction of the largest in its family: a random
#: cotangent, that takes the family together, asks for no more.
FAMILY_FLOOR = 1e-2
#: Of the rounding that a claim may have, this fraction is left where it is compared with the largest, not with itself.
BESIDE = 2.0**-6


def pass_beside_their_family(
    rulings: Rulings, claim: Claim, *, scale: Array, family: NDArray[np.intp], worth: Array, slopes: bool = False
) -> None:
    """Pass the undecided whose error and bar together are within the resolution of a hundredth of the largest, and
    claims within rounding of the largest where f is zero without any noise. Where the readouts are ``slopes`` of one
    function, failures within rounding of the largest are undecided.

    Only elements that have passed by themselves count as the largest. ``scale`` (D,) is that of the directions;
    ``family`` (R,) numbers those readouts that are alike, and ``worth`` (R,), or (D, 1) where R = 1, brings them to one
    unit.
    """
    unit = scale[:, None] * worth
    largest = _largest(rulings, np.abs(claim.analytic) * unit, family) / unit
    scale_of_family = FAMILY_FLOOR * largest
    with np.errstate(invalid="ignore"):
        error = np.abs(claim.analytic - rulings.numeric)
        limit = error + FAIL_FACTOR * rulings.bar
        small = open_to_help(rulings) & (limit <= claim.resolution * scale_of_family)
        residue = _stands_still(rulings) & (error <= claim.rounding * largest)
        limit, small = np.where(residue, claim.rounding * largest, limit), small | residue
    rulings.outcome[small] = Outcome.PASS
    rulings.reason[small] = 0
    rulings.floored[small] = True
    rulings.allowed[small] = limit[small]
    rulings.scale[small] = scale_of_family[small]
    if slopes:
        doubted = (rulings.outcome == Outcome.FAIL) & (error <= BESIDE * claim.rounding * largest)
        rulings.outcome[doubted] = Outcome.INCONCLUSIVE
        rulings.reason[doubted] = reason(Diagnosis.PRECISION)


def is_small_beside_its_family(rulings: Rulings, claim: Claim) -> Mask:
    """(D, R) decided, or such that it could pass once the largest of its family has passed."""
    with np.errstate(invalid="ignore"):
        limit = np.abs(claim.analytic - rulings.numeric) + FAIL_FACTOR * rulings.bar
        small = open_to_help(rulings) & (limit <= claim.resolution * FAMILY_FLOOR * claim.largest)
    return np.asarray(small | rulings.decided)


def _stands_still(rulings: Rulings) -> Mask:
    """(D, R) failures beside a numeric zero that has no bar."""
    return np.asarray((rulings.outcome == Outcome.FAIL) & (rulings.numeric == 0) & (rulings.bar == 0))


def _largest(rulings: Rulings, sensitivity: Array, family: NDArray[np.intp]) -> Array:
    """(R,) the largest sensitivity (D, R) in the family of each readout that is known for sure; 0 where none is."""
    known = (rulings.outcome == Outcome.PASS) & ~rulings.floored
    by_readout = np.where(known, sensitivity, 0.0).max(axis=0, initial=0.0)
    by_family = np.zeros(int(family.max(initial=-1)) + 1)
    np.maximum.at(by_family, family, by_readout)
    return np.asarray(by_family[family])
