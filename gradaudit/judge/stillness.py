"""What it says of an element that f stands still: flat beside its noise, or flat to the last bit.

Arrays are (D, R): D directions × R readouts.
"""

import numpy as np

from gradaudit.judge.element import FAIL_FACTOR, Claim, Mask
from gradaudit.perturb.samples import KAPPA, Array, Samples

#: f is flat where it did not move at this many steps,
STILL = 3
#: up to this fraction of the natural scale of x, to pass a claimed zero; and to be no noisy function. Of an output that
#: does not move over the latter the noise cannot be measured either, and is what float32 inside would have.
WIDE, NARROW = 1 / 16, 1 / 128


def still(samples: Samples, claim: Claim) -> Mask:
    """f does not move around x, and at its first movement it moves by far more than its noise.

    So the noise does not hide a slope here, but f is flat, and bent somewhere else, as relu is left of its kink.
    """
    change = np.fmax(np.abs(samples.rise), np.abs(samples.fall))
    first = np.fmin.reduce(np.where(change > 0, change, np.inf), axis=0)
    return np.asarray(stands_around(samples, claim, reach=WIDE) & (first > 100 * claim.quiet))


def stands_around(samples: Samples, claim: Claim, *, reach: float = NARROW) -> Mask:
    """f does not move by one bit at the three finest steps or more, up to ``reach`` natural scales of x."""
    moved = (np.abs(samples.rise) > 0) | (np.abs(samples.fall) > 0)
    taken = np.isfinite(samples.rise) | np.isfinite(samples.fall)
    flat = taken & ~np.logical_or.accumulate(moved[::-1], axis=0)[::-1]
    width = np.fmax(samples.ahead, samples.behind)[..., None]
    with np.errstate(invalid="ignore"):
        reached = np.where(flat, width, 0.0).max(axis=0)
    return np.asarray((flat.sum(axis=0) >= STILL) & (reached >= reach * claim.natural[:, None]))


def never_leaves_noise(samples: Samples, claim: Claim) -> Mask:
    """f stays within its noise at every step up to s, and that bounds the element at ``resolution`` of the largest.

    What differences can say about a zero of a noisy function; such passes are counted apart.
    """
    noise, h = loudest(samples), largest_step(samples)
    change = np.fmax.reduce(np.fmax(np.abs(samples.rise), np.abs(samples.fall)), axis=0)
    quiet = change <= 2 * KAPPA * noise
    return np.asarray(quiet & (FAIL_FACTOR * KAPPA * noise / h <= claim.resolution * claim.largest))


def loudest(samples: Samples) -> Array:
    """(D, R) the largest noise of one evaluation at any step."""
    return np.nan_to_num(np.fmax.reduce(samples.noise, axis=0))


def largest_step(samples: Samples) -> Array:
    """(D, 1) the largest step taken."""
    with np.errstate(invalid="ignore"):
        return np.fmax.reduce(np.fmax(samples.ahead, samples.behind), axis=0)[:, None]
