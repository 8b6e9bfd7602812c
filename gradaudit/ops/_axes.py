"""Shape surgery that every family shares: the few steps that plain Python and Numba must spell differently.

Everything here is plain Python over NumPy; ``_compiled`` has Numba's own version of the functions that compute shapes
(tuples whose length depends on an argument), of ``refuse`` and of two reductions. ``flat``, ``blocks`` and ``lanes``
may be views of what went in; an op copies before it returns one.
"""

from typing import Any, NoReturn, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
Shape: TypeAlias = tuple[int, ...]


def refuse(place: str, measured: object, allowed: str) -> NoReturn:
    """Raise the ValueError of a bad shape or option; inside compiled code ``measured`` is left out."""
    raise ValueError(f"{place}: got {measured}, allowed: {allowed}")


def axis_of(axis: int, ndim: int) -> int:
    """``axis`` counted from the front, 0 ≤ result < ndim."""
    if axis < -ndim or axis >= ndim:
        refuse("axis", (axis, ndim), "-ndim <= axis < ndim for (axis, ndim)")
    return axis % ndim


def reduced_shape(shape: Shape, axis: int | None, keepdims: bool) -> Shape:
    """The shape after a reduction over ``axis`` (None: over all); compiled, ``keepdims`` must be a literal."""
    if axis is None:
        return (1,) * len(shape) if keepdims else ()
    front = axis_of(axis, len(shape))
    return (*shape[:front], *((1,) if keepdims else ()), *shape[front + 1 :])


def resized_shape(shape: Shape, axis: int, length: int) -> Shape:
    """The shape with ``length`` at ``axis``."""
    front = axis_of(axis, len(shape))
    return (*shape[:front], length, *shape[front + 1 :])


def expanded_shape(shape: Shape, axis: int) -> Shape:
    """The shape with a new axis of length 1, which stands at ``axis`` of the result."""
    front = axis_of(axis, len(shape) + 1)
    return (*shape[:front], 1, *shape[front:])


def taken_shape(shape: Shape, axis: int, inserted: Shape) -> Shape:
    """The shape with the length at ``axis`` replaced by all of ``inserted``."""
    front = axis_of(axis, len(shape))
    return (*shape[:front], *inserted, *shape[front + 1 :])


def aligned_shape(shape: Shape, longer: Shape) -> Shape:
    """``shape`` with leading ones up to the length of ``longer``, as broadcasting reads it."""
    if len(shape) > len(longer):
        refuse("broadcast", (shape, longer), "a first shape with at most as many axes as the second")
    return (1,) * (len(longer) - len(shape)) + tuple(shape)


def permutation(axes: Shape, shape: Shape) -> Shape:
    """``axes`` counted from the front; a ValueError unless each axis of ``shape`` stands in it once."""
    front = tuple(a % len(shape) if -len(shape) <= a < len(shape) else a for a in axes)
    if sorted(front) != list(range(len(shape))):
        refuse("transpose", (axes, shape), "axes that name each axis of the shape once")
    return front


def inverse_permutation(axes: Shape, shape: Shape) -> Shape:
    """The permutation that undoes ``axes``."""
    return tuple(int(a) for a in np.argsort(permutation(axes, shape)))


def flat(x: Array, shape: Shape) -> Array:
    """``x`` broadcast to ``shape``, as one contiguous axis; a view wherever it can be."""
    if x.shape == shape:
        return np.ascontiguousarray(x).ravel()
    return np.broadcast_to(x, shape).copy().ravel()


def blocks(x: Array, axis: int | None) -> Array:
    """``x`` as (outer, length of axis, inner); axis None: (1, size, 1). A view wherever x is contiguous."""
    if axis is None:
        return np.ascontiguousarray(x).reshape((1, x.size, 1))
    front = axis_of(axis, x.ndim)
    outer, inner = _volume(x.shape, 0, front), _volume(x.shape, front + 1, x.ndim)
    return np.ascontiguousarray(x).reshape((outer, x.shape[front], inner))


def middle_sum(block: Array) -> Array:
    """The sum of an (outer, length, inner) block over its middle axis: (outer, inner)."""
    return np.asarray(block.sum(1))


def first_largest(block: Array) -> Array:
    """Where in ``block.ravel()`` the largest element along the middle axis stands: (outer · inner,).

    Among equals it is the first. A NaN counts as the largest, as in NumPy.
    """
    outer, length, inner = block.shape
    if length == 0:
        refuse("max or min", block.shape, "a reduced axis (the middle one) with at least one element")
    lane_starts = np.arange(outer)[:, None] * (length * inner) + np.arange(inner)
    return np.asarray(lane_starts + np.argmax(block, 1) * inner).ravel()


def lanes(x: Array, axis: int | None) -> Array:
    """``x`` as contiguous rows (outer · inner, length of axis); may be a view of ``x``."""
    block = blocks(x, axis)
    rows = block.shape[0] * block.shape[2]
    return np.ascontiguousarray(block.transpose((0, 2, 1))).reshape((rows, block.shape[1]))


def from_lanes(rows: Array, axis: int | None, shape: Shape) -> Array:
    """The array of ``shape`` whose ``lanes`` along ``axis`` are ``rows``."""
    if axis is None:
        return rows.copy().reshape(shape)
    front = axis_of(axis, len(shape))
    outer, inner = _volume(shape, 0, front), _volume(shape, front + 1, len(shape))
    return rows.reshape((outer, inner, rows.shape[1])).transpose((0, 2, 1)).copy().reshape(shape)


def over(cotangent: Array, block: Array) -> Array:
    """The cotangent of a reduction of ``block`` over its middle axis, as (outer, 1, inner): it broadcasts over it."""
    return np.ascontiguousarray(cotangent).reshape((block.shape[0], 1, block.shape[2]))


def unbroadcast(x: Array, shape: Shape) -> Array:
    """``x`` summed down to ``shape``, which broadcasts to ``x.shape``: the transpose of broadcasting."""
    target, lengths = (*aligned_shape(shape, np.shape(x)), 1), (*np.shape(x), 1)
    total = np.asarray(x).copy().ravel()  # flat, so that Numba compiles the sum once and not once per number of axes
    for k in range(len(lengths)):
        if target[k] != lengths[k]:
            if target[k] != 1:
                refuse("sum_to", (np.shape(x), shape), "a shape that broadcasts to the shape of the array")
            block = (_volume(target, 0, k), lengths[k], _volume(lengths, k + 1, len(lengths)))
            total = middle_sum(total.reshape(block)).ravel()
    return total.reshape(shape)


def _volume(shape: Shape, start: int, stop: int) -> int:
    """The product of the lengths from axis ``start`` up to, not with, ``stop``."""
    volume, padded = 1, (*shape, 1)  # padded, because Numba types the loop for 0-d too
    for k in range(start, stop):
        volume *= padded[k]
    return volume
