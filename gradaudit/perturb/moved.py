"""Points beside x, one for each pair of a step and a direction: written into rows that are at x, and taken back.

Pairs are flat indices into (K, D). Most points differ from x in one coordinate, so that writing them costs nothing.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gradaudit.perturb.samples import Array

Pairs = NDArray[np.intp]


class Moved(Protocol):
    """Points beside x."""

    @property
    def x(self) -> Array:
        """(n,)"""

    def place(self, rows: Array, pairs: Pairs, /) -> None:
        """Move the first rows, one for each of ``pairs``, away from x."""

    def take_back(self, rows: Array, pairs: Pairs, /) -> None:
        """Put the same rows back to x."""


@dataclass(frozen=True)
class Placed:
    """x with the coordinates ``index[d]`` at ``value[k, d]``."""

    x: Array  #: (n,)
    index: NDArray[np.intp]  #: (D, c)
    value: Array  #: (K, D, c)

    @classmethod
    def of(cls, x: Array, index: NDArray[np.intp], value: Array) -> "Placed":
        """Of one coordinate a direction, ``index`` (D,) and ``value`` (K, D), or of several."""
        return cls(x, index.reshape(len(index), -1), value.reshape(*value.shape[:2], -1))

    def place(self, rows: Array, pairs: Pairs, /) -> None:
        """See ``Moved``."""
        index = self.index[pairs % len(self.index)]
        rows[np.arange(len(pairs))[:, None], index] = self.value.reshape(-1, index.shape[1])[pairs]

    def take_back(self, rows: Array, pairs: Pairs, /) -> None:
        """See ``Moved``."""
        index = self.index[pairs % len(self.index)]
        rows[np.arange(len(pairs))[:, None], index] = self.x[index]


@dataclass(frozen=True)
class Along:
    """x + h[k, d]·v[d]."""

    x: Array  #: (n,)
    h: Array  #: (K, D)
    v: Array  #: (D, n)

    def place(self, rows: Array, pairs: Pairs, /) -> None:
        """See ``Moved``."""
        k, d = np.divmod(pairs, len(self.v))
        placed = rows[: len(pairs)]  # in place: pages of memory that are new cost more than the sums
        np.take(self.v, d, axis=0, out=placed, mode="clip")
        placed *= self.h[k, d][:, None]
        placed += self.x

    def take_back(self, rows: Array, pairs: Pairs, /) -> None:
        """See ``Moved``."""
        rows[: len(pairs)] = self.x
