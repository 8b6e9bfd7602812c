"""Evaluating f around x: call by call for Python functions, many points a call where f has a batched form, in a
parallel kernel for compiled functions.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gradaudit.perturb.batching import Batched, rows_at_once
from gradaudit.perturb.moved import Along, Moved, Pairs, Placed
from gradaudit.perturb.noise import Function
from gradaudit.perturb.samples import HALF_ULP, HIDING, Array, Samples
from gradaudit.perturb.steps import Coordinates, Directions, Entries, Moves, Tangents
from gradaudit.perturb.together import Movers, Together

#: sample_coordinates of ``perturb.kernels`` with its function bound.
Kernel = Callable[..., tuple[Array, Array, Array]]


@dataclass(frozen=True)
class Probe:
    """f at x, and everything needed to evaluate it around x."""

    function: Function  #: float64[n] -> float64[m]; may spoil what it is given
    base: Array  #: (m,) f(x)
    sigma: Array  #: (m,) standard deviation of one evaluation
    readout: Array | None  #: (R, m) combinations of outputs; None: each output by itself, R = m
    kernel: Kernel | None = None  #: the compiled way to the same numbers, for coordinates
    threads: int = 1
    batch: Batched | None = None  #: the batched way to the same numbers
    together: Together | None = None  #: the way that moves many coordinates at once; entries are sampled by it alone

    @property
    def readouts(self) -> int:
        """R"""
        return self.base.size if self.readout is None else len(self.readout)

    @property
    def quiet(self) -> Array:
        """(R,) noise of each readout if every output took part: bounds what a silent direction can hide."""
        return self.combined_noise(np.maximum(self.sigma, HALF_ULP * np.abs(self.base)))

    def louder(self, noise: Array) -> "Probe":
        """The same under a noise of at least ``noise`` (R,), where each readout is an output."""
        return self if self.readout is not None else replace(self, sigma=np.fmax(self.sigma, noise))

    def sample(self, directions: Directions, h: Array) -> Samples:
        """f at x ± h along each direction, for steps h (K, D); NaN in h: not evaluated."""
        if isinstance(directions, Entries):
            return self._along_entries(directions, h)
        if isinstance(directions, Coordinates):
            return self._along_coordinates(directions, h)
        if isinstance(directions, Moves):
            return self._along_moves(directions, h)
        return self._along_tangents(directions, h)

    def combined(self, change: Array) -> Array:
        """(…, R) changes of the outputs (…, m), as the readouts see them."""
        return change if self.readout is None else change @ self.readout.T

    def combined_noise(self, sigma: Array) -> Array:
        """(…, R) independent errors of the outputs (…, m), as the readouts see them."""
        if self.readout is None:
            return sigma
        return np.asarray(np.sqrt(sigma**2 @ (self.readout**2).T))

    def _along_coordinates(self, directions: Coordinates, h: Array) -> Samples:
        point, index = directions.point, directions.index
        x = point.x[index]
        above, below = directions.land(h)
        ahead, behind = above - x, x - below
        if self.together is not None and self.readout is not None and self.together.pays(index):
            return self._combined_together(self.together, index, above, below)
        if self.kernel is not None:
            sampled = self.kernel(
                point.x,
                base=self.base,
                indices=index,
                above=above,
                below=below,
                readout=self.readout,
                sigma=self.sigma,
                threads=self.threads,
            )
            return Samples(ahead, behind, *sampled)
        return self._called(ahead, behind, Placed.of(point.x, index, np.concatenate([above, below])), n=point.x.size)

    def _combined_together(self, together: Together, index: NDArray[np.intp], above: Array, below: Array) -> Samples:
        """Along different coordinates, as the readouts combine the outputs that each moves."""
        x = together.x[index]
        assert self.readout is not None
        assert together.pattern is not None
        movers = Movers.of(together.pattern, index)
        up, down = together.changes(movers, above).ravel(), together.changes(movers, below).ravel()
        shape, count = (*above.shape, self.readouts), above.size
        row = (np.arange(len(above))[:, None] * len(index) + movers.reader).ravel()
        output = np.tile(movers.output, len(above))

        def heard(change: Array, landed: Array) -> Array:
            assert self.readout is not None
            parts = [np.bincount(row, weight[output] * change, minlength=count) for weight in self.readout]
            found = np.where(np.isnan(landed)[..., None], np.nan, np.stack(parts, axis=1).reshape(shape))
            return np.where(np.isfinite(found), found, np.nan)

        moved = _rows_differ(row, up, count) | _rows_differ(row, down, count)
        noise = self._combined_noise(count, row[moved], output[moved], up[moved], down[moved])
        together.samples += int(np.isfinite(above).sum() + np.isfinite(below).sum())
        return Samples(above - x, x - below, heard(up, above), -heard(down, below), noise.reshape(shape))

    def _along_entries(self, directions: Entries, h: Array) -> Samples:
        together, point = self.together, directions.point
        assert together is not None
        x = point.x[directions.index]
        above, below = directions.land(h)
        movers, first = Movers.of_entries(together.colour, directions, h)
        up, down = (together.changes(movers, landed[:, first]) for landed in (above, below))
        noise = self._own_noise(up, down, directions.output)
        up, down = (np.where(np.isfinite(change), change, np.nan)[..., None] for change in (up, down))
        together.samples += int(np.isfinite(above).sum() + np.isfinite(below).sum())
        return Samples(above - x, x - below, up, -down, noise[..., None])

    def _along_moves(self, directions: Moves, h: Array) -> Samples:
        point, index = directions.point, directions.index
        above, below = directions.land(h)
        # each move has all its coordinates move alike, so the first tells how far
        first = point.x[index[:, 0]]
        ahead, behind = above[..., 0] - first, first - below[..., 0]
        return self._called(ahead, behind, Placed.of(point.x, index, np.concatenate([above, below])), n=point.x.size)

    def _along_tangents(self, directions: Tangents, h: Array) -> Samples:
        x, v = directions.point.x, directions.v
        lower, upper = directions.point.lower, directions.point.upper
        free = directions.point.is_free

        def within(sign: int) -> Array:
            """The steps whose whole point is inside the bounds; NaN for all others."""
            if free:
                return h
            kept = [[_inside(x + sign * t * w, lower, upper) for t, w in zip(row, v, strict=True)] for row in h]
            return np.where(kept, h, np.nan)

        ahead, behind = within(1), within(-1)
        return self._called(ahead, behind, Along(x, np.concatenate([h, -h]), v), n=x.size)

    def _called(self, ahead: Array, behind: Array, moved: Moved, *, n: int) -> Samples:
        """From the points of ``moved``: all those above x (K, D), then all those below."""
        count = ahead.size
        rise, fall, noise = (np.empty((count, self.readouts)) for _ in range(3))
        inside = np.concatenate([ahead, behind]).ravel() > 0
        block = rows_at_once(n, self.base.size)
        # once: new pages of ten million coordinates take as long as the call
        rows = np.empty((min(block, 2 * count), n))
        for start in range(0, count, block):
            size = min(block, count - start)
            above = np.arange(start, start + size)
            points = np.concatenate([above, above + count])
            change = self._changes(moved, points, inside[points], rows)
            heard, pairs = self._heard(change), slice(start, start + size)
            rise[pairs], fall[pairs] = heard[:size], -heard[size:]
            noise[pairs] = self._noise(change[:size], change[size:])
        shape = (*ahead.shape, self.readouts)
        return Samples(ahead, behind, rise.reshape(shape), fall.reshape(shape), noise.reshape(shape))

    def _changes(self, moved: Moved, points: Pairs, inside: NDArray[np.bool_], rows: Array) -> Array:
        """(P, m) f at those points that are inside, less f(x); NaN where f has no value, or must not be asked.

        ``rows`` (any, n) is room for some of the points at a time.
        """
        change = np.full((len(points), self.base.size), np.nan)
        todo = inside.nonzero()[0]
        if self.batch is not None:
            left = np.ones(todo.size, dtype=bool)
            for chunk, found in self.batch.changes(moved, points[todo], self.base.size):
                change[todo[chunk]] = found
                left[chunk] = False
            todo = todo[left]
        for start in range(0, todo.size, len(rows)):
            part = todo[start : start + len(rows)]
            change[part] = self._evaluated(moved, points[part], rows[: part.size])
        return change

    def _evaluated(self, moved: Moved, points: Pairs, rows: Array) -> Array:
        """(P, m) the same, call by call."""
        size = self.base.size
        values = np.empty((len(points), size))
        rows[:] = moved.x
        moved.place(rows, points)
        for k, point in enumerate(rows):
            called = self.function(point)
            values[k] = called if called is not None and called.size == size else np.nan
        return values - self.base

    def _heard(self, change: Array) -> Array:
        """(P, R) changes as the readouts see them; NaN where there is none."""
        heard = change
        if self.readout is not None:
            with np.errstate(invalid="ignore", over="ignore"):
                heard = self.combined(change)
        # the same rule as in the kernel: a combination of outputs needs them all
        return np.where(np.isfinite(heard), heard, np.nan)

    def _noise(self, up: Array, down: Array) -> Array:
        """(P, R) noise of one evaluation here.

        An output that stood still counts only where its own noise is well above that of the outputs that moved: then
        it may hide a change (quantised, or behind a large offset). Otherwise a thousand outputs that do not depend on
        this coordinate would drown the one that does.
        """
        if self.readout is None:
            return self._own_noise(up, down, slice(None))
        row, output = np.nonzero(_differs(up) | _differs(down))
        return self._combined_noise(len(up), row, output, up[row, output], down[row, output])

    def _combined_noise(
        self, count: int, row: NDArray[np.intp], output: NDArray[np.intp], up: Array, down: Array
    ) -> Array:
        """(P, R) for P = ``count`` pairs, of which some moved these outputs by these amounts: flat arrays alike."""
        assert self.readout is not None
        variance = np.square(self._own_noise(up, down, output))
        noise = np.empty((count, self.readouts))
        for r, (weight, silent) in enumerate(zip(self.readout, self._silent, strict=True)):
            heard = np.bincount(row, weight[output] ** 2 * variance, minlength=count)
            hidden = silent.above(np.asarray(HIDING**2 * heard), but=(row, output))
            noise[:, r] = np.sqrt(heard + hidden)
        return noise

    def _own_noise(self, up: Array, down: Array, output: NDArray[np.intp] | slice) -> Array:
        """The noise of single outputs that changed by these amounts."""
        base = self.base[output]
        at_x = np.abs(base)
        size = np.fmax(np.fmax(np.abs(base + up), np.abs(base + down)), at_x)
        size = np.where(size < np.inf, size, at_x)
        return np.maximum(self.sigma[output], HALF_ULP * size)

    @cached_property
    def _silent(self) -> list["_Silence"]:
        """What each readout hears of outputs that stand still."""
        assert self.readout is not None
        own = np.square(np.fmax(self.sigma, HALF_ULP * np.abs(self.base)))
        return [_Silence.of(weight**2 * own) for weight in self.readout]


@dataclass(frozen=True)
class _Silence:
    """Variances of outputs that stand still, prepared for sums of those above a threshold."""

    each: Array  #: (m,)
    ordered: Array  #: (m,) the same, smallest first
    sums: Array  #: (m + 1,) of all from each place on

    @classmethod
    def of(cls, each: Array) -> "_Silence":
        ordered = np.sort(np.nan_to_num(each))
        return cls(each, ordered, np.append(np.cumsum(ordered[::-1])[::-1], 0.0))

    def above(self, threshold: Array, *, but: tuple[NDArray[np.intp], NDArray[np.intp]]) -> Array:
        """(P,) the sum of all variances above each threshold (P,), but for those at (row, output)."""
        row, output = but
        every = self.sums[np.searchsorted(self.ordered, threshold, side="right")]
        counted = np.where(self.each[output] > threshold[row], self.each[output], 0.0)
        return np.maximum(every - np.bincount(row, counted, minlength=len(threshold)), 0.0)


def _differs(change: Array) -> NDArray[np.bool_]:
    """(P, m) outputs that moved; none of a row in which one has no value."""
    differs = change != 0
    with np.errstate(invalid="ignore"):  # an infinite change is one without a value, too
        missing = np.isnan(change @ np.zeros(change.shape[1]))
    differs[missing] = False
    return differs


def _rows_differ(row: NDArray[np.intp], change: Array, count: int) -> NDArray[np.bool_]:
    """The same of changes that stand one behind the other, each with its row."""
    missing = np.bincount(row, ~np.isfinite(change), minlength=count) > 0
    return np.asarray((change != 0) & ~missing[row])


def _inside(x: Array, lower: Array, upper: Array) -> bool:
    return bool((x >= lower).all() and (x <= upper).all())
