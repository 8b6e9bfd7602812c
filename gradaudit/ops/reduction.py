"""Reductions over one axis, or over all (``axis=None``); ``keepdims`` leaves the reduced axis with length 1.

Inside compiled code ``keepdims`` must be written as True or False. Every cotangent is spread back over its axis.
"""

import numpy as np

from gradaudit.ops._axes import Array, blocks, first_largest, middle_sum, over, reduced_shape
from gradaudit.ops.arithmetic import mul, square, sub
from gradaudit.ops.elementwise import exp


def sum(x: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """The sum over ``axis``."""
    return middle_sum(blocks(x, axis)).reshape(reduced_shape(x.shape, axis, keepdims))


def sum_vjp(x: Array, cotangent: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """c for each element of the sum."""
    block = blocks(x, axis)
    return np.broadcast_to(over(cotangent, block), block.shape).copy().reshape(x.shape)


def mean(x: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """The arithmetic mean over ``axis``."""
    block = blocks(x, axis)
    return (middle_sum(block) / block.shape[1]).reshape(reduced_shape(x.shape, axis, keepdims))


def mean_vjp(x: Array, cotangent: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """c / n for each of the n elements of the mean."""
    block = blocks(x, axis)
    return np.broadcast_to(over(cotangent, block) / block.shape[1], block.shape).copy().reshape(x.shape)


def variance(x: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """The mean of (x − mean)² over ``axis``: divided by n, not by n − 1."""
    centred = _centred(blocks(x, axis))
    return (middle_sum(square(centred)) / centred.shape[1]).reshape(reduced_shape(x.shape, axis, keepdims))


def variance_vjp(x: Array, cotangent: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """c·2·(x − mean)/n; the mean's own share sums to zero."""
    centred = _centred(blocks(x, axis))
    return mul(centred, over(cotangent, centred) * (2.0 / centred.shape[1])).reshape(x.shape)


def _centred(block: Array) -> Array:
    return sub(block, over(middle_sum(block) / block.shape[1], block))


def max(x: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """The largest element along ``axis``; ValueError where the axis has length 0."""
    block = blocks(x, axis)
    return block.ravel()[first_largest(block)].reshape(reduced_shape(x.shape, axis, keepdims))


def max_vjp(x: Array, cotangent: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """c to the largest element; among equals to the first, so that it is counted once."""
    return _placed(cotangent, first_largest(blocks(x, axis)), x.size).reshape(x.shape)


def min(x: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """The smallest element along ``axis``; ValueError where the axis has length 0."""
    block = blocks(x, axis)
    return block.ravel()[first_largest(-block)].reshape(reduced_shape(x.shape, axis, keepdims))


def min_vjp(x: Array, cotangent: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """c to the smallest element; among equals to the first, so that it is counted once."""
    return _placed(cotangent, first_largest(-blocks(x, axis)), x.size).reshape(x.shape)


def _placed(cotangent: Array, positions: Array, size: int) -> Array:
    parts = np.asarray(cotangent).ravel()
    flat = np.zeros(size, parts.dtype)
    flat[positions] = parts
    return flat


def logsumexp(x: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """log Σ eˣ over ``axis``, shifted by the largest element so that nothing overflows."""
    return _logsumexp(x, axis).reshape(reduced_shape(x.shape, axis, keepdims))


def logsumexp_vjp(x: Array, cotangent: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """c·softmax(x): the share of each element in the sum."""
    block = blocks(x, axis)
    share = exp(sub(block, over(_logsumexp(x, axis), block)))
    return mul(over(cotangent, block), share).reshape(x.shape)


def _logsumexp(x: Array, axis: int | None) -> Array:
    """The result as a flat array."""
    block = blocks(x, axis)
    largest = block.ravel()[first_largest(block)]
    shift = np.where(np.isfinite(largest), largest, 0.0)
    return shift + np.log(middle_sum(exp(sub(block, over(shift, block)))).ravel())
