"""Evaluating f at many points in one call, each beside what the same place in such a call gives at x."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gradaudit.perturb.moved import Moved
from gradaudit.perturb.samples import Array

#: f at each row of points: float64 (k, n) -> float64 (k, m). A row without a value is NaN; None: the call as a whole
#: was not possible, and the points are evaluated one by one instead. It must not write into the points.
Batch = Callable[[Array], Array | None]

#: Numbers of points and values in one call: 2 MB stay in the cache; memory is O(n + m) times the rows, never n × m.
ROOM = 2**18
#: Calls are of these many rows only: what compiles for each shape compiles rarely.
SIZES = (1024, 256, 128, 64, 16)
#: Where no more fit. Elsewhere four points are called one by one: a batch has a price of its own, and needs one at x.
SMALL = 4


@lru_cache(maxsize=256)
def sizes(n: int, m: int) -> tuple[int, ...]:
    """How many rows a call may have, largest first, where points have n coordinates and m values; none: no batches."""
    fitting = tuple(size for size in (*SIZES, SMALL) if size * (n + m) <= ROOM)
    return fitting[:-1] or fitting


def rows_at_once(n: int, m: int) -> int:
    """How many points of n coordinates and their m values are held at once."""
    fitting = sizes(n, m)
    return fitting[0] if fitting else int(np.clip(ROOM // (n + m), 1, SMALL - 1))


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
    _points: dict[int, Array] = field(default_factory=dict)  #: all at x between two calls
    _at_x: dict[int, Array | None] = field(default_factory=dict)

    def changes(self, moved: Moved, pairs: NDArray[np.intp], outputs: int) -> Iterator[tuple[slice, Array]]:
        """f at some points less f at x: slices of ``pairs`` and (rows, outputs). What is left out has no batch."""
        allowed, start = sizes(self.x.size, outputs), 0
        while size := _size(len(pairs) - start, allowed):
            rows = slice(start, min(start + size, len(pairs)))
            values, at_x = self._values(moved, pairs[rows], size), self._reference(size)
            if values is not None and at_x is not None and values.shape == at_x.shape == (size, outputs):
                count = rows.stop - rows.start
                yield rows, values[:count] - at_x[:count]
            start = rows.stop

    def _values(self, moved: Moved, pairs: NDArray[np.intp], size: int) -> Array | None:
        self.evaluations_at_x += size - len(pairs)
        points = self._rows_at_x(size)
        moved.place(points, pairs)
        try:
            return self.batch(points)
        finally:
            moved.take_back(points, pairs)

    def _reference(self, size: int) -> Array | None:
        if size not in self._at_x:
            self.evaluations_at_x += size
            self._at_x[size] = self.batch(self._rows_at_x(size))
        return self._at_x[size]

    def _rows_at_x(self, size: int) -> Array:
        if size not in self._points:
            self._points[size] = np.tile(self.x, (size, 1))
        return self._points[size]


def _size(count: int, allowed: tuple[int, ...]) -> int:
    """Rows of the next call for ``count`` points: the least size that holds them and is half full, else a full one; 0
    where single calls are as good.
    """
    holding = [size for size in allowed if count <= size <= 2 * count]
    full = [size for size in allowed if size <= count]
    return holding[-1] if holding else (full[0] if full else 0)
