"""Reductions over one axis, or over all (``axis=None``); ``keepdims`` leaves the reduced axis with length 1.

Inside compiled code ``keepdims`` must be written as True or False. Every cotangent is spread back over its axis.
"""

import numpy as np

from gradaudit.ops._axes import Array, blocks, from_lanes, lanes, reduced_shape, refuse, spread


def sum(x: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """The sum over ``axis``."""
    return blocks(x, axis).sum(1).reshape(reduced_shape(x.shape, axis, keepdims))


def sum_vjp(x: Array, cotangent: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """c for each element of the sum."""
    return spread(cotangent, x, axis)


def mean(x: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """The arithmetic mean over ``axis``."""
    block = blocks(x, axis)
    return (block.sum(1) / block.shape[1]).reshape(reduced_shape(x.shape, axis, keepdims))


def mean_vjp(x: Array, cotangent: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """c / n for each of the n elements of the mean."""
    return spread(cotangent, x, axis) / blocks(x, axis).shape[1]


def variance(x: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """The mean of (x − mean)² over ``axis``: divided by n, not by n − 1."""
    centred = _centred(x, axis)
    return mean(centred * centred, axis, keepdims)


def variance_vjp(x: Array, cotangent: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """c·2·(x − mean)/n."""
    return mean_vjp(x, cotangent, axis, keepdims) * 2.0 * _centred(x, axis)


def _centred(x: Array, axis: int | None) -> Array:
    return x - spread(mean(x, axis, True), x, axis)


def max(x: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """The largest element along ``axis``; ValueError where the axis has length 0."""
    return _picked(lanes(x, axis), _first_largest(x, axis)).reshape(reduced_shape(x.shape, axis, keepdims))


def max_vjp(x: Array, cotangent: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """c to the largest element; among equals to the first, so that it is counted once."""
    return from_lanes(_placed(lanes(x, axis), _first_largest(x, axis), cotangent), axis, x.shape)


def min(x: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """The smallest element along ``axis``; ValueError where the axis has length 0."""
    return _picked(lanes(x, axis), _first_largest(-x, axis)).reshape(reduced_shape(x.shape, axis, keepdims))


def min_vjp(x: Array, cotangent: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """c to the smallest element; among equals to the first, so that it is counted once."""
    return from_lanes(_placed(lanes(x, axis), _first_largest(-x, axis), cotangent), axis, x.shape)


def _first_largest(x: Array, axis: int | None) -> Array:
    """The position of the first largest element in each lane, counted in the flat array of all lanes."""
    rows = lanes(x, axis)
    if rows.shape[1] == 0:
        refuse("max or min", x.shape, "a reduced axis with at least one element")
    return np.arange(rows.shape[0]) * rows.shape[1] + np.argmax(rows, 1)


def _picked(rows: Array, positions: Array) -> Array:
    return rows.ravel()[positions]


def _placed(rows: Array, positions: Array, cotangent: Array) -> Array:
    flat = np.zeros(rows.size)
    flat[positions] = np.asarray(cotangent).ravel()
    return flat.reshape(rows.shape)


def logsumexp(x: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """log Σ eˣ over ``axis``, shifted by the largest element so that nothing overflows."""
    largest = max(x, axis, True)
    shift = np.where(np.isfinite(largest), largest, 0.0)
    total = sum(np.exp(x - spread(shift, x, axis)), axis, True)
    return (shift + np.log(total)).reshape(reduced_shape(x.shape, axis, keepdims))


def logsumexp_vjp(x: Array, cotangent: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """c·softmax(x): the share of each element in the sum."""
    return spread(cotangent, x, axis) * np.exp(x - spread(logsumexp(x, axis, True), x, axis))
