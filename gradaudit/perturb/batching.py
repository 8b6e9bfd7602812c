"""Evaluating f at many points in one call, each beside what the same place in such a call gives at x."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from gradaudit.perturb.samples import Array

#: f at each row of points: float64 (k, n) -> float64 (k, m). A row without a value is NaN; None: the call as a whole
#: was not possible, and the points are evaluated one by one instead. It may spoil what it is given.
Batch = Callable[[Array], Array | None]

#: Numbers of points and values in one call: 2 MB stay in the cache; memory is O(n + m) times the rows, never n × m.
ROOM = 2**18
#: Calls are of these many rows only: what compiles for each shape compiles rarely.
SIZES = (1024, 256, 64, 16, 4)


def rows_at_once(n: int, m: int) -> int:
    """How many points of n coordinates and their m values are held at once."""
    return int(np.clip(ROOM // (n + m), 1, SIZES[0]))


@dataclass
class Batched:
    """f in batches. Rows that fill up a call are at x.

    A value is one of several that rounding allows, and which it is depends on the length of a call and the place in it
    (a vector unit's rest, a blocked sum). What stands still must do so to the last bit, so differences are taken from
    the same place of an equally long call at x.
    """

    batch: Batch
    x: Array  #: (n,)
    evaluations_at_x: int = 0  #: references and rows that fill up
    _references: dict[int, Array | None] = field(default_factory=dict)

    def pieces(self, points: Array, outputs: int) -> Iterator[tuple[slice, Array, Array]]:
        """Slices of ``points`` (k, n) with f there and f at x: (rows, outputs) both. What is left out has no batch."""
        largest = rows_at_once(self.x.size, outputs)
        start = 0
        while size := _size(len(points) - start, largest):
            rows = slice(start, min(start + size, len(points)))
            values, reference = self._values(points[rows], size), self._reference(size)
            if values is not None and reference is not None and reference.shape == (size, outputs) == values.shape:
                count = rows.stop - rows.start
                yield rows, values[:count], reference[:count]
            start = rows.stop

    def _values(self, points: Array, size: int) -> Array | None:
        filling = size - len(points)
        self.evaluations_at_x += filling
        return self.batch(np.concatenate([points, np.tile(self.x, (filling, 1))]) if filling else points)

    def _reference(self, size: int) -> Array | None:
        if size not in self._references:
            self.evaluations_at_x += size
            self._references[size] = self.batch(np.tile(self.x, (size, 1)))
        return self._references[size]


def _size(count: int, largest: int) -> int:
    """Rows of the next call for ``count`` points: the least size that holds them and is half full, else a full one; 0
    where single calls are as good.
    """
    allowed = [size for size in SIZES if size <= largest]
    holding = [size for size in allowed if count <= size <= 2 * count]
    full = [size for size in allowed if size <= count]
    return holding[-1] if holding else (full[0] if full else 0)
