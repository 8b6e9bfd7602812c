"""Which steps are taken, and where they really land.

Steps are powers of two times a scale, so that most x ± h are exact, and the step that counts is the realised one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradaudit.perturb.samples import Array

#: No step is smaller than this many units in the last place of x,
SMALLEST_IN_ULP = 16
#: nor than this power of two times the natural scale.
SMALLEST_OCTAVE = 46
#: Significant bits of bfloat16.
BFLOAT16_BITS = 8
#: Coordinates that are looked at together along a dense direction.
PART = 2**18
#: |x| below this fraction of the median is a rounding residue of zero: it has no scale of its own.
RESIDUE = 1e-14


@dataclass(frozen=True)
class Point:
    """Where f is differentiated, and how finely and how far each coordinate can move."""

    x: Array  #: (n,)
    epsilon: Array  #: (n,) spacing of each coordinate's dtype at 1
    lower: Array  #: (n,) no step leaves [lower, upper]
    upper: Array

    @classmethod
    def of(cls, x: Array, epsilon: Array) -> "Point":
        """A point without bounds."""
        infinite = np.broadcast_to(np.inf, x.shape)
        return cls(x, epsilon, -infinite, infinite)

    @cached_property
    def residue(self) -> float:
        """What is not larger than this counts as zero."""
        return RESIDUE * _median_of(np.abs(self.x)) if self.x.size else 0.0

    @cached_property
    def is_free(self) -> bool:
        """No step along finite coordinates meets a bound."""
        bounded = np.isfinite(self.lower).any() or np.isfinite(self.upper).any()
        return not bounded and bool(np.isfinite(self.x).all())

    @property
    def scale(self) -> Array:
        """(n,) s = max(|x|, 1), rounded down to a power of two."""
        return scale_of(self.x)

    @property
    def natural(self) -> Array:
        """(n,) ν = |x|, at most s; s itself where x is zero or a rounding residue."""
        return natural_of(self.x, self.scale, self.residue)

    @property
    def smallest_step(self) -> Array:
        """(n,) below this, x ± h is mostly rounding."""
        return smallest_of(self.x, self.epsilon, self.natural)


@dataclass(frozen=True)
class Coordinates:
    """Directions along single coordinates of x."""

    point: Point
    index: NDArray[np.intp]  #: (D,)

    @cached_property
    def scale(self) -> Array:
        """(D,) power of two that steps are multiples of, in units of x."""
        return scale_of(self.point.x[self.index])

    @cached_property
    def natural(self) -> Array:
        """(D,) the scale on which x itself lives."""
        return natural_of(self.point.x[self.index], self.scale, self.point.residue)

    @property
    def smallest_step(self) -> Array:
        """(D,)"""
        return smallest_of(self.point.x[self.index], self.point.epsilon[self.index], self.natural)

    def __len__(self) -> int:
        return len(self.index)

    def take(self, which: NDArray[np.intp]) -> "Coordinates":
        """Some of the directions."""
        return Coordinates(self.point, self.index[which])

    def along(self, gradient: Array) -> Array:
        """The derivative along each direction of what has this gradient: (n, …) -> (D, …)."""
        return gradient[self.index]

    def spread(self, amount: Array) -> Array:
        """The dense directions that move by ``amount`` along each of these: (K, D) -> (K, n)."""
        dense = np.zeros((len(amount), self.point.x.size))
        dense[:, self.index] = amount
        return dense

    def confined(self, flat: Array) -> Array:
        """A point (n,) that these directions can reach, in place of ``flat``: any."""
        return flat

    def land(self, h: Array) -> tuple[Array, Array]:
        """Coordinate values x+h and x−h for steps h (K, D), as the function will see them; NaN where out of bounds."""
        index, point = self.index, self.point
        x, epsilon, lower, upper = point.x[index], point.epsilon[index], point.lower[index], point.upper[index]
        above, below = narrowed(x + h, epsilon), narrowed(x - h, epsilon)
        above = np.where((above <= upper) & (above > x), above, np.nan)
        below = np.where((below >= lower) & (below < x), below, np.nan)
        return above, below


@dataclass(frozen=True)
class Entries(Coordinates):
    """Single entries of a Jacobian: along each coordinate ``index`` only the output beside it is read.

    The entries of one coordinate share its evaluations where their steps are the same.
    """

    output: NDArray[np.intp]  #: (D,)

    def take(self, which: NDArray[np.intp]) -> "Entries":
        """Some of the entries."""
        return Entries(self.point, self.index[which], self.output[which])


@dataclass(frozen=True)
class Moves:
    """Directions that move a few coordinates together, such as x[0, 1] with x[1, 0]: x[index] ± h·weight.

    The first coordinate of a move has weight 1, and no other move has it first. A shorter move is filled up with its
    first coordinate at weight 0.
    """

    point: Point
    index: NDArray[np.intp]  #: (D, k)
    weight: Array  #: (D, k) each 1, −1 or 0

    @property
    def scale(self) -> Array:
        """(D,) the least scale of the coordinates that move."""
        return self._of_those_that_move(scale_of(self.point.x[self.index]), np.inf).min(axis=1)

    @property
    def natural(self) -> Array:
        """(D,) the least natural scale of the coordinates that move."""
        return self._of_those_that_move(self._natural, np.inf).min(axis=1)

    @property
    def smallest_step(self) -> Array:
        """(D,) the largest of the smallest steps of the coordinates that move."""
        smallest = smallest_of(self.point.x[self.index], self.point.epsilon[self.index], self._natural)
        return self._of_those_that_move(smallest, 0.0).max(axis=1)

    @property
    def _natural(self) -> Array:
        """(D, k) the natural scale of each coordinate."""
        x = self.point.x[self.index]
        return natural_of(x, scale_of(x), self.point.residue)

    def _of_those_that_move(self, value: Array, otherwise: float) -> Array:
        return np.where(self.weight != 0, value, otherwise)

    def __len__(self) -> int:
        return len(self.index)

    def take(self, which: NDArray[np.intp]) -> "Moves":
        """Some of the directions."""
        return Moves(self.point, self.index[which], self.weight[which])

    def along(self, gradient: Array) -> Array:
        """The derivative along each direction of what has this gradient: (n, …) -> (D, …)."""
        weight = self.weight.reshape(self.weight.shape + (1,) * (gradient.ndim - 1))
        return np.asarray((weight * gradient[self.index]).sum(axis=1))

    def spread(self, amount: Array) -> Array:
        """The dense directions that move by ``amount`` along each of these: (K, D) -> (K, n)."""
        dense = np.zeros((self.point.x.size, len(amount)))
        for index, weight in zip(self.index.T, self.weight.T, strict=True):
            np.add.at(dense, index, (amount * weight).T)
        return np.ascontiguousarray(dense.T)

    def confined(self, flat: Array) -> Array:
        """The point (n,) that these directions reach by moving their first coordinates to where ``flat`` has them."""
        step = flat - self.point.x
        return self.point.x + self.spread(step[None, self.index[:, 0]])[0]

    def land(self, h: Array) -> tuple[Array, Array]:
        """Values (K, D, k) of the coordinates for steps h (K, D) either way; NaN where a move is not possible."""
        x, lower, upper, epsilon = (
            a[self.index] for a in (self.point.x, self.point.lower, self.point.upper, self.point.epsilon)
        )

        def landed(sign: float) -> Array:
            value = narrowed(x + sign * h[..., None] * self.weight, epsilon)
            value = np.where(self.weight == 0, value[..., :1], value)
            possible = (value >= lower) & (value <= upper) & (value != x)
            return np.where(possible.all(axis=-1, keepdims=True), value, np.nan)

        return landed(1.0), landed(-1.0)


@dataclass(frozen=True)
class Tangents:
    """Dense directions: x ± h·v. Entries of v have few bits, so that most x ± h·v are exact."""

    point: Point
    v: Array  #: (D, n)

    @cached_property
    def scale(self) -> Array:
        """(D,) the step at which the first coordinate has moved by its scale."""
        return power_of_two_below(1.0 / self._stretch(lambda part: scale_of(self.point.x[part])))

    @cached_property
    def natural(self) -> Array:
        """(D,) the step at which the first coordinate has moved by its natural scale, at most ``scale``."""
        return np.minimum(1.0 / self._stretch(self._natural), self.scale)

    @cached_property
    def smallest_step(self) -> Array:
        """(D,) the step at which most coordinates move by their smallest step or more, of many a regular sample."""
        some = slice(None, None, 1 + self.point.x.size // PART)
        size = np.abs(self.v[:, some])
        smallest = smallest_of(self.point.x[some], self.point.epsilon[some], self._natural(some))
        needed = np.divide(smallest, size, out=np.zeros(size.shape), where=size > 0)
        return np.minimum(np.median(needed, axis=1), self.scale * 2.0**-16)

    def _natural(self, part: slice) -> Array:
        """The natural scale of some coordinates."""
        x = self.point.x[part]
        return natural_of(x, scale_of(x), self.point.residue)

    def _stretch(self, unit: Callable[[slice], Array]) -> Array:
        """(D,) the largest |v| over ``unit``, one part of the coordinates after the other: they may be many."""
        largest = np.zeros(len(self.v))
        for start in range(0, self.point.x.size, PART):
            part = slice(start, start + PART)
            np.fmax(largest, np.max(np.abs(self.v[:, part]) / unit(part), axis=1), out=largest)
        return np.where(largest > 0, largest, 1.0)

    def __len__(self) -> int:
        return len(self.v)

    def take(self, which: NDArray[np.intp]) -> "Tangents":
        """Some of the directions."""
        return Tangents(self.point, self.v[which])


Directions = Coordinates | Moves | Tangents


def _median_of(value: Array) -> float:
    """That of NumPy, without what it does besides for axes and kinds of arrays that are none of ours.

    ``value`` is put into another order.
    """
    low, high, last = (value.size - 1) // 2, value.size // 2, value.size - 1
    value.partition((low, high, last))  # NaN, where there is one, comes last
    middle = float(value[low]) if low == high else float((value[low] + value[high]) / 2)
    return float("nan") if isnan(value[last]) else middle


def scale_of(x: Array) -> Array:
    """s = max(|x|, 1), rounded down to a power of two."""
    return power_of_two_below(np.maximum(np.abs(x), 1.0))


def natural_of(x: Array, scale: Array, residue: float) -> Array:
    """ν = |x|, at most ``scale``; that itself where |x| is at most ``residue``."""
    size = np.abs(x)
    return np.where(size <= residue, scale, np.minimum(size, scale))


def smallest_of(x: Array, epsilon: Array, natural: Array) -> Array:
    """The smallest step that is not mostly rounding: 16 ulp of x, and 2⁻⁴⁶ of its ``natural`` scale."""
    by_scale = 2.0**-SMALLEST_OCTAVE * natural
    return np.maximum(SMALLEST_IN_ULP * epsilon * np.maximum(np.abs(x), by_scale), by_scale)


@lru_cache(maxsize=256)
def everywhere(value: float, size: int) -> Array:
    """``value`` (size,), of a million coordinates one number; not to be written to."""
    array = np.ndarray((size,), np.float64, np.array([value]), strides=(0,))
    array.flags.writeable = False
    return array


def power_of_two_below(value: Array) -> Array:
    """The largest power of two that is not above ``value`` (> 0)."""
    _, exponent = np.frexp(value)
    return np.ldexp(0.5, exponent)


def narrowed(value: Array, epsilon: Array) -> Array:
    """``value`` (K, D) rounded to the precision whose spacing at 1 is ``epsilon`` (D,)."""
    if np.count_nonzero(epsilon < _FINEST_ROUNDED) == epsilon.size:  # several times as quick for few
        return value
    for spacing, rounded in _ROUNDED.items():
        mine = epsilon == spacing
        if mine.any():
            with np.errstate(over="ignore"):
                value = np.where(mine, rounded(value), value)
    return value


def _to(dtype: type[np.floating[Any]]) -> Callable[[Array], Array]:
    return lambda value: value.astype(dtype).astype(np.float64)


def _to_bfloat16(value: Array) -> Array:
    """By way of float32, as libraries convert; subnormal numbers apart."""
    mantissa, exponent = np.frexp(value.astype(np.float32).astype(np.float64))
    return np.ldexp(np.rint(np.ldexp(mantissa, BFLOAT16_BITS)), exponent - BFLOAT16_BITS)


#: Spacing at 1 → rounding to the precision that has it.
_ROUNDED = {
    float(np.finfo(np.float32).eps): _to(np.float32),
    float(np.finfo(np.float16).eps): _to(np.float16),
    2.0 ** (1 - BFLOAT16_BITS): _to_bfloat16,
}
_FINEST_ROUNDED = min(_ROUNDED)


def octaves(directions: Directions, exponents: NDArray[np.float64]) -> Array:
    """Steps s·2^−p for each exponent p: (K, D); NaN below the smallest sensible step."""
    h = directions.scale * np.exp2(-exponents)[:, None]
    return np.where(h >= directions.smallest_step, h, np.nan)


def given(directions: Directions, h: tuple[float, ...]) -> Array:
    """The user's own steps, largest first: (K, D)."""
    return np.repeat(np.unique(np.asarray(h, dtype=np.float64))[::-1, None], len(directions), axis=1)


def around(directions: Directions, h: float, exponents: NDArray[np.float64]) -> Array:
    """Steps h·2^p for each exponent p: (K, D); NaN below the smallest sensible step."""
    steps = np.repeat((h * np.exp2(exponents))[:, None], len(directions), axis=1)
    return np.where(steps >= directions.smallest_step, steps, np.nan)


def untaken(h: Array, taken: Array) -> Array:
    """The steps h (K, 1) that are neither taken yet nor in h before."""
    for k in range(len(h)):
        if np.isclose(h[k], np.concatenate([taken, h[:k]]), rtol=1e-3, atol=0.0).any():
            h[k] = np.nan
    return h
