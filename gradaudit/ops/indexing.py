"""Selection by integer positions and by masks. Indices and masks are not differentiated."""

import numpy as np

from gradaudit.ops._axes import Array, axis_of, blocks, refuse, taken_shape, unbroadcast
from gradaudit.ops._elementwise import elementwise


def get_item(x: Array, indices: Array, axis: int = 0) -> Array:
    """The elements at ``indices`` (integers of any shape, negative ones from the end) along ``axis``.

    The shape of the result is that of ``x`` with the axis replaced by the shape of ``indices``.
    """
    positions = _positions(np.asarray(indices), x.shape[axis_of(axis, x.ndim)])
    return blocks(x, axis)[:, positions, :].copy().reshape(taken_shape(x.shape, axis, np.shape(indices)))


def get_item_vjp(x: Array, indices: Array, cotangent: Array, axis: int = 0) -> Array:
    """c added up at the place that each element came from: a position taken twice gets both."""
    outer, length, inner = blocks(x, axis).shape
    positions = _positions(np.asarray(indices), length)
    parts = np.ascontiguousarray(cotangent).reshape((outer, positions.size, inner))
    total = np.zeros((outer, length, inner), parts.dtype)
    for k in range(positions.size):
        total[:, positions[k], :] += parts[:, k, :]
    return total.reshape(x.shape)


def _positions(indices: Array, length: int) -> Array:
    flat = indices.ravel()
    if flat.size > 0 and (flat.min() < -length or flat.max() >= length):
        refuse("get_item", (flat.min(), flat.max(), length), "-length <= index < length for (lowest, highest, length)")
    return np.where(flat < 0, flat + length, flat)


@elementwise
def mask_fill(x: Array, mask: Array, value: float = 0.0) -> Array:
    """``value`` where ``mask`` (booleans that broadcast with ``x``) is true, else ``x``."""
    return np.where(mask, value, x)


def mask_fill_vjp(x: Array, mask: Array, cotangent: Array, value: float = 0.0) -> Array:
    """c where ``mask`` is false, else 0."""
    return unbroadcast(mask_fill(cotangent, mask, 0.0), np.shape(x))
