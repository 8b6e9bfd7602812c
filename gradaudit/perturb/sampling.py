"""Evaluating f around x: one call after the other for Python functions, in a parallel kernel for compiled ones."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradaudit.perturb.noise import Function
from gradaudit.perturb.samples import HALF_ULP, HIDING, Array, Samples
from gradaudit.perturb.steps import Coordinates, Directions, Moves, Tangents

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
        """(R,) a change of the outputs (m,), as the readouts see it."""
        return change if self.readout is None else self.readout @ change

    def combined_noise(self, sigma: Array) -> Array:
        """(R,) independent errors of the outputs (m,), as the readouts see them."""
        if self.readout is None:
            return sigma
        return np.sqrt((self.readout**2) @ sigma**2)

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
        return self._called(ahead, behind, _placed(point.x, index, above), _placed(point.x, index, below))

    def _along_moves(self, directions: Moves, h: Array) -> Samples:
        point, index = directions.point, directions.index
        above, below = directions.land(h)
        # each move has all its coordinates move alike, so the first tells how far
        first = point.x[index[:, 0]]
        ahead, behind = above[..., 0] - first, first - below[..., 0]

        return self._called(ahead, behind, _placed(point.x, index, above), _placed(point.x, index, below))

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
        return self._called(ahead, behind, lambda k, d: x + h[k, d] * v[d], lambda k, d: x - h[k, d] * v[d])

    def _called(
        self, ahead: Array, behind: Array, above: Callable[[int, int], Array], below: Callable[[int, int], Array]
    ) -> Samples:
        shape = (*ahead.shape, self.readouts)
        rise, fall, noise = np.full(shape, np.nan), np.full(shape, np.nan), np.full(shape, np.nan)
        for d in range(shape[1]):
            for k in range(shape[0]):
                up = self._value(above(k, d)) if ahead[k, d] > 0 else None
                down = self._value(below(k, d)) if behind[k, d] > 0 else None
                if up is not None:
                    rise[k, d] = self.combined(up - self.base)
                if down is not None:
                    fall[k, d] = self.combined(self.base - down)
                noise[k, d] = self._noise(up, down)
        return Samples(ahead, behind, rise, fall, noise)

    def _value(self, x: Array) -> Array | None:
        value = self.function(x)
        if value is None or value.size != self.base.size:
            return None
        # the same rule as in the kernel: a combination of outputs needs them all
        if self.readout is not None and not np.isfinite(value).all():
            return None
        return np.where(np.isfinite(value), value, np.nan)

    def _noise(self, up: Array | None, down: Array | None) -> Array:
        """(R,) noise of one evaluation here.

        An output that stood still counts only where its own noise is well above that of the outputs that moved: then
        it may hide a change (quantised, or behind a large offset). Otherwise a thousand outputs that do not depend on
        this coordinate would drown the one that does.
        """
        moved = np.zeros(self.base.shape, dtype=bool)
        size = np.abs(self.base)
        for value in (up, down):
            if value is not None:
                moved |= value != self.base
                size = np.fmax(size, np.abs(value))
        sigma = np.maximum(self.sigma, HALF_ULP * size)
        if self.readout is None:
            return sigma
        heard = self.combined_noise(np.where(moved, sigma, 0.0))[:, None]
        each = np.abs(self.readout) * sigma
        hidden = np.where(~moved & (each > HIDING * heard), each, 0.0)
        return np.sqrt(heard[:, 0] ** 2 + (hidden**2).sum(axis=1))


def _placed(x: Array, index: NDArray[np.intp], value: Array) -> Callable[[int, int], Array]:
    """x with the coordinates ``index[d]`` at ``value[k, d]``."""

    def moved(k: int, d: int) -> Array:
        changed = x.copy()
        changed[index[d]] = value[k, d]
        return changed

    return moved


def _inside(x: Array, lower: Array, upper: Array) -> bool:
    return bool((x >= lower).all() and (x <= upper).all())
