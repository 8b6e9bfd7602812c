"""A slope that grows without limit as h shrinks, as that of √|x| does at 0: there is no derivative to agree with.

Arrays are (K, D, R): K steps, the largest first, of D directions × R readouts.
"""

import numpy as np

from gradaudit.judge.element import Mask
from gradaudit.perturb.samples import KAPPA, Array, Samples

#: A slope that has grown by half over each of this many steps (÷ 8 each) has no limit in sight.
GROWING = 4
#: and the power of 1/h by which they grow has not fallen by more than this on the way.
LEVELLING = 0.25
#: From one step to one nearer than this an endless slope grows by less: those far apart are looked at alone too.
APART = 7.5
#: A change of f is heard where it is so many times its noise; the difference of two values is within this many times.
HEARD, DOUBT = 20.0, 2.0


def grows(slope: Array, samples: Samples) -> Mask:
    """(D, R) a one-sided slope has grown by half at each of the last steps that can be heard, and goes on as it did.

    Where f has saturated at the larger steps its slope grows as 1/h there, and ever less below: that has a limit.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        noise = KAPPA * samples.noise / samples.ahead[..., None]
        size = np.where(np.abs(slope) > HEARD * noise, np.abs(slope), np.nan)
    step = np.broadcast_to(samples.ahead[..., None], size.shape)
    most = np.abs(slope) + DOUBT * noise
    return _grows(size, step, most) | _grows(_far_apart(size, step), step, most)


def _grows(size: Array, step: Array, most: Array) -> Mask:
    """The same of slopes of this ``size``, NaN where they are not heard; they are no larger than ``most`` anywhere."""
    rows = np.argsort(np.isnan(size), axis=0, kind="stable")
    count = np.isfinite(size).sum(axis=0)
    last = np.take_along_axis(rows, np.maximum(count - np.arange(1, GROWING + 1)[:, None, None], 0), axis=0)
    heard, h = (np.take_along_axis(each, last, axis=0) for each in (size, step))
    with np.errstate(invalid="ignore", divide="ignore"):
        growth = heard[:-1] / heard[1:]
        power = np.log(growth) / np.log(h[1:] / h[:-1])
        grown = (growth > 1.5).all(axis=0) & ~(power[0] < power[-1] - LEVELLING)
        expected = heard[0] * (h[0] / step) ** np.fmax(power[0] - LEVELLING, 0.0)
        # at a finer step than all at which it was heard: f is flat at x and bent away from it, or it levels off
        short = (step < h[0]) & (most < expected)
    return np.asarray(grown & (count >= GROWING) & ~short.any(axis=0))


def _far_apart(size: Array, step: Array) -> Array:
    """``size`` at steps that are far apart, from the finest that is heard on; NaN at all others."""
    kept, finest = np.full(size.shape, np.nan), np.zeros(size.shape[1:])
    for k in reversed(range(len(size))):
        mine = np.isfinite(size[k]) & (step[k] >= APART * finest)
        kept[k][mine], finest = size[k][mine], np.where(mine, step[k], finest)
    return kept
