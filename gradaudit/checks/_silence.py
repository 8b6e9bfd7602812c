"""Readouts that are zero at x and stand still next to it: nothing there tells how finely they are computed.

What they change by further out does. One that is rounded to 0.001 changes by multiples of that, and no claim that would
change it by less is wrong for its standing still.
"""

import numpy as np
from numpy.typing import NDArray

from gradaudit.checks._quantum import common_step
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.element import Claim, Outcome, Rulings, reason
from gradaudit.perturb.samples import Array, Samples

#: A step is one by which f goes where it goes so many of them: what relu changes by, beyond its kinks at round numbers,
#: has a common divisor too.
LEVELS = 32
#: Nothing less is left of a float32 inside: below it is zero.
SMALLEST = 2.0**-149
#: Of so many readouts each has its changes kept.
MOST = 16


class Silence:
    """What was heard of each readout so far, along any direction."""

    def __init__(self, directions: int, readouts: int) -> None:
        self._flat = np.zeros((directions, readouts))  #: the largest step at which it stood still
        self._changes: list[Array] = []  #: (…, R)

    @classmethod
    def of(cls, claim: Claim, *, entries: bool) -> "Silence | None":
        """None where no readout is silent, or there are too many to listen to."""
        directions, readouts = claim.analytic.shape
        if entries or readouts > MOST or np.count_nonzero(claim.quiet) == claim.quiet.size:
            return None
        return cls(directions, readouts)

    def listen(self, which: NDArray[np.intp], samples: Samples) -> None:
        """Take note of the samples of some directions."""
        width = np.fmax(samples.ahead, samples.behind)[..., None]
        stood = (samples.rise == 0) & (samples.fall == 0)
        reach = np.where(stood, width, 0.0).max(axis=0, initial=0.0)
        self._flat[which] = np.fmax(self._flat[which], np.nan_to_num(reach))
        self._changes += [np.reshape(each, (-1, each.shape[-1])) for each in (samples.rise, -samples.fall)]

    def doubt(self, rulings: Rulings, claim: Claim) -> Array:
        """No failure by less than a common step of the changes, over all the way that the readout stood still.

        Gives the noise (R,) of the readouts of which that is said, and 0 for all others.
        """
        noise = np.zeros(self._flat.shape[1])
        failed = (rulings.outcome == Outcome.FAIL) & (rulings.numeric == 0) & (claim.quiet == 0)
        for readout in np.flatnonzero(failed.any(axis=0)):
            step = self._step(int(readout))
            hidden = failed[:, readout] & (claim.size[:, readout] * self._flat[:, readout] < step)
            if hidden.any():
                noise[readout] = step / np.sqrt(12)
                rulings.outcome[hidden, readout] = Outcome.INCONCLUSIVE
                rulings.reason[hidden, readout] = reason(Diagnosis.STILL)
        return noise

    def _step(self, readout: int) -> float:
        values = np.unique(np.concatenate([each[:, readout] for each in self._changes] + [[0.0]]))
        step = common_step(values, size=0.0)
        return step if np.nanmax(np.abs(values)) >= LEVELS * step > 0 else SMALLEST
