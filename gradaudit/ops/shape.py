"""Functions that move, repeat or fold elements without changing them; every result is a fresh array."""

import numpy as np

from gradaudit.ops._axes import (
    Array,
    Shape,
    aligned_shape,
    axis_of,
    blocks,
    expanded_shape,
    inverse_permutation,
    permutation,
    reduced_shape,
    refuse,
    resized_shape,
    unbroadcast,
)


def reshape(x: Array, shape: Shape) -> Array:
    """The elements of ``x`` in row-major order as ``shape``, a tuple; one length may be −1."""
    _check_reshape(np.shape(x), np.size(x), shape)
    return np.asarray(x).copy().reshape(shape)


def reshape_vjp(x: Array, cotangent: Array, shape: Shape) -> Array:
    """c in the shape of ``x``."""
    return np.asarray(cotangent).copy().reshape(np.shape(x))


def transpose(x: Array, axes: Shape | None = None) -> Array:
    """The axes of ``x`` in the order ``axes`` (a tuple, negative ones allowed); None reverses them."""
    if axes is None:
        return x.T.copy()
    return np.transpose(x, permutation(axes, x.shape)).copy()


def transpose_vjp(x: Array, cotangent: Array, axes: Shape | None = None) -> Array:
    """c with its axes put back."""
    if axes is None:
        return cotangent.T.copy()
    return np.transpose(cotangent, inverse_permutation(axes, x.shape)).copy()


def squeeze(x: Array, axis: int) -> Array:
    """``x`` without ``axis``, which must have length 1."""
    if x.shape[axis_of(axis, x.ndim)] != 1:
        refuse("squeeze", (x.shape, axis), "an axis of length 1 for (shape, axis)")
    return x.copy().reshape(reduced_shape(x.shape, axis, False))


def squeeze_vjp(x: Array, cotangent: Array, axis: int) -> Array:
    """c in the shape of ``x``."""
    return np.asarray(cotangent).copy().reshape(np.shape(x))


def unsqueeze(x: Array, axis: int) -> Array:
    """``x`` with a new axis of length 1, which stands at ``axis`` of the result."""
    return np.asarray(x).copy().reshape(expanded_shape(np.shape(x), axis))


def unsqueeze_vjp(x: Array, cotangent: Array, axis: int) -> Array:
    """c in the shape of ``x``."""
    return np.asarray(cotangent).copy().reshape(np.shape(x))


def broadcast_to(x: Array, shape: Shape) -> Array:
    """``x`` repeated to ``shape``, a tuple."""
    _check_broadcast(np.shape(x), shape)
    return np.broadcast_to(x, shape).copy()


def broadcast_to_vjp(x: Array, cotangent: Array, shape: Shape) -> Array:
    """c summed over the repetitions."""
    return unbroadcast(cotangent, np.shape(x))


def sum_to(x: Array, shape: Shape) -> Array:
    """``x`` summed down to ``shape``, a tuple that broadcasts to the shape of ``x``."""
    return unbroadcast(x, shape)


def sum_to_vjp(x: Array, cotangent: Array, shape: Shape) -> Array:
    """c repeated to the shape of ``x``."""
    return np.broadcast_to(cotangent, np.shape(x)).copy()


def concat(a: Array, b: Array, axis: int = 0) -> Array:
    """``a`` followed by ``b`` along ``axis``; all other lengths are equal."""
    if a.ndim != b.ndim or resized_shape(a.shape, axis, 0) != resized_shape(b.shape, axis, 0):
        refuse("concat", (a.shape, b.shape, axis), "equal shapes outside of the axis")
    return np.concatenate((a, b), axis_of(axis, a.ndim))


def concat_vjp(a: Array, b: Array, cotangent: Array, axis: int = 0) -> tuple[Array, Array]:
    """The part of c that stands over ``a``, and the part over ``b``."""
    block = blocks(cotangent, axis)
    boundary = a.shape[axis_of(axis, a.ndim)]
    return block[:, :boundary].copy().reshape(a.shape), block[:, boundary:].copy().reshape(b.shape)


def split(x: Array, sections: int, axis: int = 0) -> Array:
    """``x`` cut along ``axis`` into equal parts, stacked: (sections, *shape of a part).

    One array and not a list, so that its cotangent is one array too: ``split(x, 3)[0]`` is the first part.
    """
    length = _part_length(x, sections, axis)
    block = blocks(x, axis)
    parts = block.reshape((block.shape[0], sections, length, block.shape[2])).transpose((1, 0, 2, 3))
    return parts.copy().reshape((sections, *resized_shape(x.shape, axis, length)))


def split_vjp(x: Array, cotangent: Array, sections: int, axis: int = 0) -> Array:
    """The parts of c, laid side by side again."""
    length = _part_length(x, sections, axis)
    outer, _, inner = blocks(x, axis).shape
    parts = np.ascontiguousarray(cotangent).reshape((sections, outer, length, inner))
    return parts.transpose((1, 0, 2, 3)).copy().reshape(x.shape)


def _part_length(x: Array, sections: int, axis: int) -> int:
    length = x.shape[axis_of(axis, x.ndim)]
    if sections < 1 or length % sections != 0:
        refuse("split", (x.shape, sections, axis), "a number of sections that divides the length of the axis")
    return length // sections


def _check_reshape(old: Shape, size: int, new: Shape) -> None:
    free, known = 0, 1
    for length in (*new, 1):
        if length == -1:
            free += 1
        else:
            known *= length
    fits = known == size if free == 0 else known > 0 and size % known == 0
    if free > 1 or not fits:
        refuse("reshape", (old, new), "a shape with as many elements, at most one length of it -1")


def _check_broadcast(old: Shape, new: Shape) -> None:
    lengths, wanted = (*aligned_shape(old, new), 1), (*new, 1)
    for k in range(len(wanted)):
        if lengths[k] != wanted[k] and lengths[k] != 1:
            refuse("broadcast_to", (old, new), "lengths that are equal, or 1 in the first")
