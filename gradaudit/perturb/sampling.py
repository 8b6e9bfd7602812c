"""Evaluating f around x: call by call for Python functions, many points a call where f has a batched form, in a
parallel kernel for compiled functions.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradaudit.perturb.batching import Batched, rows_at_once
from gradaudit.perturb.noise import Function
from gradaudit.perturb.samples import HALF_ULP, HIDING, Array, Samples
from gradaudit.perturb.steps import Coordinates, Directions, Moves, Tangents

#: sample_coordinates of ``perturb.kernels`` with its function bound.
Kernel = Callable[..., tuple[Array, Array, Array]]
#: Points (P, n) for P pairs of a step and a direction.
Points = Callable[[NDArray[np.intp], NDArray[np.intp]], Array]


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

    @property
    def readouts(self) -> int:
        """R"""
        return self.base.size if self.readout is None else len(self.readout)

    @property
    def quiet(self) -> Array:
        """(R,) noise of each readout if every output took part: bounds what a silent direction can hide."""
        return self.combined_noise(np.maximum(self.sigma, HALF_ULP * np.abs(self.base)))

    def sample(self, directions: Directions, h: Array) -> Samples:
        """f at x ± h along each direction, for steps h (K, D); NaN in h: not evaluated."""
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
        above, below = directions.land(h, point.epsilon[index])
        ahead, behind = above - point.x[index], point.x[index] - below
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
        return self._called(
            ahead, behind, _placed(point.x, index, above), _placed(point.x, index, below), n=point.x.size
        )

    def _along_moves(self, directions: Moves, h: Array) -> Samples:
        point, index = directions.point, directions.index
        above, below = directions.land(h)
        # each move has all its coordinates move alike, so the first tells how far
        first = point.x[index[:, 0]]
        ahead, behind = above[..., 0] - first, first - below[..., 0]

        return self._called(
            ahead, behind, _placed(point.x, index, above), _placed(point.x, index, below), n=point.x.size
        )

    def _along_tangents(self, directions: Tangents, h: Array) -> Samples:
        x, v = directions.point.x, directions.v
        lower, upper = directions.point.lower, directions.point.upper
        ends = (
            np.where(
                [[_inside(x + sign * t * w, lower, upper) for t, w in zip(row, v, strict=True)] for row in h], h, np.nan
            )
            for sign in (1, -1)
        )
        ahead, behind = ends
        return self._called(
            ahead,
            behind,
            lambda k, d: x + h[k, d][:, None] * v[d],
            lambda k, d: x - h[k, d][:, None] * v[d],
            n=x.size,
        )

    def _called(self, ahead: Array, behind: Array, above: Points, below: Points, *, n: int) -> Samples:
        count = ahead.size
        rise, fall, noise = (np.full((count, self.readouts), np.nan) for _ in range(3))
        up_inside, down_inside = ahead.ravel() > 0, behind.ravel() > 0
        block = rows_at_once(n, self.base.size)
        for start in range(0, count, block):
            pairs = np.arange(start, min(start + block, count))
            k, d = np.divmod(pairs, ahead.shape[1])
            up = self._values(above(k, d), up_inside[pairs])
            down = self._values(below(k, d), down_inside[pairs])
            rise[pairs], fall[pairs] = self.combined(up.change), self.combined(-down.change)
            noise[pairs] = self._noise(up, down)
        shape = (*ahead.shape, self.readouts)
        return Samples(ahead, behind, rise.reshape(shape), fall.reshape(shape), noise.reshape(shape))

    def _values(self, points: Array, inside: NDArray[np.bool_]) -> "_Values":
        """f at those points (P, n) that are inside."""
        value = np.full((len(points), self.base.size), np.nan)
        at_x = np.broadcast_to(self.base, value.shape)
        todo = np.flatnonzero(inside)
        if self.batch is not None and todo.size:
            at_x = at_x.copy()
            todo = self._batched(self.batch, points, todo, value, at_x)
        for row in todo:
            called = self.function(points[row])
            if called is not None and called.size == self.base.size:
                value[row] = called
        finite = np.isfinite(value)
        # the same rule as in the kernel: a combination of outputs needs them all
        usable = finite if self.readout is None else finite.all(axis=1, keepdims=True)
        value = np.where(usable, value, np.nan)
        return _Values(value, value - at_x)

    def _batched(
        self, batch: Batched, points: Array, todo: NDArray[np.intp], value: Array, at_x: Array
    ) -> NDArray[np.intp]:
        """Fill in what can be had in batches, f at x beside it; which points are left."""
        left = np.ones(todo.size, dtype=bool)
        known = np.isfinite(self.base)
        for rows, found, reference in batch.pieces(points[todo], self.base.size):
            value[todo[rows]], at_x[todo[rows]] = found, np.where(known, reference, np.nan)
            left[rows] = False
        return todo[left]

    def _noise(self, up: "_Values", down: "_Values") -> Array:
        """(P, R) noise of one evaluation here.

        An output that stood still counts only where its own noise is well above that of the outputs that moved: then
        it may hide a change (quantised, or behind a large offset). Otherwise a thousand outputs that do not depend on
        this coordinate would drown the one that does.
        """
        size = np.fmax(np.fmax(np.abs(up.value), np.abs(down.value)), np.abs(self.base))
        sigma = np.maximum(self.sigma, HALF_ULP * size)
        if self.readout is None:
            return sigma
        moved = (np.abs(up.change) > 0) | (np.abs(down.change) > 0)
        variance = np.square(self.combined_noise(np.where(moved, sigma, 0.0)))
        for r, weight in enumerate(np.abs(self.readout)):
            each = weight * sigma
            hides = ~moved & (each > HIDING * np.sqrt(variance[:, r, None]))
            variance[:, r] += np.square(np.where(hides, each, 0.0)).sum(axis=1)
        return np.asarray(np.sqrt(variance))


@dataclass(frozen=True)
class _Values:
    """f at P points; NaN where it has no value, or must not be asked."""

    value: Array  #: (P, m)
    change: Array  #: (P, m) what it is above f(x)


def _placed(x: Array, index: NDArray[np.intp], value: Array) -> Points:
    """x with the coordinates ``index[d]`` at ``value[k, d]``."""

    def moved(k: NDArray[np.intp], d: NDArray[np.intp]) -> Array:
        changed = np.tile(x, (len(k), 1))
        rows = np.arange(len(k))[:, None]
        changed[rows, index[d].reshape(len(k), -1)] = value[k, d].reshape(len(k), -1)
        return changed

    return moved


def _inside(x: Array, lower: Array, upper: Array) -> bool:
    return bool((x >= lower).all() and (x <= upper).all())
