"""Evaluations of f around a point, kept as differences: every number that an estimate is made from.

Axes everywhere in this package: K steps × D directions × R readouts. A direction is a coordinate of x or a dense
tangent; a readout is an output of f, or a combination of outputs by a cotangent. A missing value is NaN.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Noise bounds are this many standard deviations of one evaluation, divided by h: 4.2 of the central difference.
KAPPA = 3.0
#: Half a unit roundoff, relative: the least noise that a float64 value carries.
HALF_ULP = 2.0**-54
#: An output that stood still counts as noise where its own is this many times that of all outputs that moved.
HIDING = 4.0


@dataclass(frozen=True)
class Samples:
    """f(x+h) − f(x) and f(x) − f(x−h), for several steps.

    Differences rather than values: where f has many outputs, or a large offset, combining first would drown the
    change of one output in the rounding of all.
    """

    ahead: Array  #: (K, D) realised (x+h) − x; NaN where not evaluated
    behind: Array  #: (K, D) realised x − (x−h)
    rise: Array  #: (K, D, R) f(x+h) − f(x)
    fall: Array  #: (K, D, R) f(x) − f(x−h)
    noise: Array  #: (K, D, R) standard deviation of one evaluation of f at this step

    @classmethod
    def none(cls, readouts: int) -> "Samples":
        """No step along a single direction."""
        nothing, none = np.empty((0, 1)), np.empty((0, 1, readouts))
        return cls(nothing, nothing, none, none, none)

    @property
    def arrays(self) -> tuple[Array, Array, Array, Array, Array]:
        """ahead, behind, rise, fall, noise"""
        return self.ahead, self.behind, self.rise, self.fall, self.noise

    @cached_property
    def h(self) -> Array:
        """(K, D, R) half the realised width; NaN where the central difference is missing."""
        width = 0.5 * (self.ahead + self.behind)[..., None]
        return np.where(np.isfinite(self.rise + self.fall), width, np.nan)

    @cached_property
    def central(self) -> Array:
        """(K, D, R) central differences, divided by the width really taken."""
        return (self.rise + self.fall) / (2 * self.h)

    @cached_property
    def central_noise(self) -> Array:
        """(K, D, R) bound on the noise of ``central``."""
        return KAPPA * self.noise / self.h

    @cached_property
    def forward(self) -> Array:
        """(K, D, R) one-sided slopes from x upwards."""
        return self.rise / self.ahead[..., None]

    @cached_property
    def backward(self) -> Array:
        """(K, D, R) one-sided slopes from x downwards."""
        return self.fall / self.behind[..., None]

    @property
    def constant(self) -> NDArray[np.bool_]:
        """(D, R) f did not change by one bit at any step; False where nothing could be evaluated."""
        unchanged = (self.rise == 0) | np.isnan(self.rise)
        unchanged &= (self.fall == 0) | np.isnan(self.fall)
        seen = np.isfinite(self.rise) | np.isfinite(self.fall)
        return np.asarray(unchanged.all(axis=0) & seen.any(axis=0))

    @property
    def evaluations(self) -> int:
        """How many evaluations of f stand behind these samples."""
        return int(np.count_nonzero(np.isfinite(self.ahead)) + np.count_nonzero(np.isfinite(self.behind)))

    def deepened(self, steps: int) -> "Samples":
        """The same samples with rows that were not evaluated below, so that there are ``steps``."""
        missing = steps - len(self.ahead)
        if not missing:
            return self

        def padded(array: Array) -> Array:
            return np.concatenate([array, np.full((missing, *array.shape[1:]), np.nan)])

        return Samples(*map(padded, self.arrays))

    def steps(self, which: slice) -> "Samples":
        """The samples of some steps only."""
        return Samples(*(array[which] for array in self.arrays))

    def take(self, directions: NDArray[np.intp]) -> "Samples":
        """The samples of some directions only."""
        return Samples(*(array[:, directions] for array in self.arrays))

    def louder(self, noise: Array) -> "Samples":
        """The same samples under a noise of at least ``noise`` (…, R)."""
        return Samples(self.ahead, self.behind, self.rise, self.fall, np.maximum(self.noise, noise))

    def and_then(self, *later: "Samples") -> "Samples":
        """All samples together, largest step first; the directions are the same."""
        together = self.followed_by(*later).arrays
        width = np.fmax(together[0], together[1])
        order = np.argsort(-np.where(np.isfinite(width), width, -np.inf), axis=0, kind="stable")
        return Samples(*(np.take_along_axis(a, order if a.ndim == 2 else order[..., None], axis=0) for a in together))

    def followed_by(self, *later: "Samples") -> "Samples":
        """All samples in this order of steps, whichever of them could be taken; the directions are the same."""
        return _joined((self, *later), axis=0)


def side_by_side(parts: Sequence[Samples]) -> Samples:
    """The samples of different directions in one, whose steps need not be as many."""
    return _joined([part.deepened(max(len(part.ahead) for part in parts)) for part in parts], axis=1)


def _joined(parts: Sequence[Samples], *, axis: int) -> Samples:
    return Samples(*(np.concatenate(alike, axis=axis) for alike in zip(*(part.arrays for part in parts), strict=True)))
