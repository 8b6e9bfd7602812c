"""Normalisation by the mean and variance of the values themselves: over the last axis, or over the batch.

Both are one computation over rows of numbers, and differ in which axis they lay out as rows.
"""

import numpy as np

from gradaudit.ops._axes import Array, blocks, refuse
from gradaudit.ops._rows import along_rows, last_axis_rows, row_means, totals_by_column, totals_by_row


def layer_norm(x: Array, gain: Array, bias: Array, eps: float = 1e-5) -> Array:
    """(x − mean)/√(variance + eps)·gain + bias, mean and variance (divided by k, not k − 1) over the last axis.

    Source: Ba, Kiros and Hinton, 2016, "Layer normalization", equation 4. Raises ValueError for shapes that do not fit.

    # (…, k), (k,), (k,) -> (…, k)
    """
    normal, _ = _standardised(_checked_rows(x, gain, bias), eps)
    return (normal * gain + bias).reshape(x.shape)


def layer_norm_vjp(
    x: Array, gain: Array, bias: Array, cotangent: Array, eps: float = 1e-5
) -> tuple[Array, Array, Array]:
    """Gradients of x, gain and bias; the formula stands in ``_standardised_vjp``."""
    normal, inverse_deviation = _standardised(_checked_rows(x, gain, bias), eps)
    rows = _checked_rows(cotangent, gain, bias)
    d_x = _standardised_vjp(normal, inverse_deviation, rows * gain)
    return d_x.reshape(x.shape), totals_by_column(rows * normal), totals_by_column(rows)


def batch_norm(x: Array, gain: Array, bias: Array, eps: float = 1e-5) -> Array:
    """(x − mean)/√(variance + eps)·gain + bias for each channel, by the statistics of this batch (training mode).

    Mean and variance (divided by the count m, not m − 1) go over all axes but 1, the channels. Source: Ioffe and
    Szegedy, 2015, "Batch normalization", algorithm 1. Raises ValueError for shapes that do not fit.

    # (n, c, …), (c,), (c,) -> (n, c, …)
    """
    normal, _ = _standardised(_channel_rows(x, gain, bias), eps)
    return _from_channel_rows(normal * along_rows(gain, normal) + along_rows(bias, normal), x)


def batch_norm_vjp(
    x: Array, gain: Array, bias: Array, cotangent: Array, eps: float = 1e-5
) -> tuple[Array, Array, Array]:
    """Gradients of x, gain and bias; the formula stands in ``_standardised_vjp``."""
    normal, inverse_deviation = _standardised(_channel_rows(x, gain, bias), eps)
    rows = _channel_rows(cotangent, gain, bias)
    d_x = _standardised_vjp(normal, inverse_deviation, rows * along_rows(gain, rows))
    return _from_channel_rows(d_x, x), totals_by_row(rows * normal), totals_by_row(rows)


def _standardised(rows: Array, eps: float) -> tuple[Array, Array]:
    """Each row shifted and scaled to mean 0 and variance 1 (but for eps), and 1/√(variance + eps).

    # (m, k) -> (m, k), (m, k)
    """
    centred = rows - row_means(rows)
    inverse_deviation = 1 / np.sqrt(row_means(centred * centred) + eps)
    return centred * inverse_deviation, inverse_deviation


def _standardised_vjp(normal: Array, inverse_deviation: Array, cotangent: Array) -> Array:
    """Gradient of the rows: (ȳ − mean(ȳ) − y·mean(ȳ·y))/√(variance + eps), means over the row.

    The two means are what ȳ loses by the shift and by the scale. Source: Ioffe and Szegedy, 2015, section 3,
    simplified.
    """
    along = normal * row_means(cotangent * normal)
    gradient: Array = inverse_deviation * (cotangent - row_means(cotangent) - along)
    return gradient


def _checked_rows(x: Array, gain: Array, bias: Array) -> Array:
    """One row for each group of values that is normalised together.  # (…, k) -> (m, k)"""
    if x.ndim < 1 or x.size == 0:
        refuse("layer_norm", x.shape, "x (..., k) with at least one element")
    k = x.shape[-1]
    if gain.shape != (k,) or bias.shape != (k,):
        refuse("layer_norm", (x.shape, gain.shape, bias.shape), "gain (k,) and bias (k,) for x (..., k)")
    return last_axis_rows(x)


def _channel_rows(x: Array, gain: Array, bias: Array) -> Array:
    """One row for each channel.  # (n, c, …) -> (c, m)"""
    if x.ndim < 2 or x.size == 0:
        refuse("batch_norm", x.shape, "x (n, c, ...) with at least one element")
    c = x.shape[1]
    if gain.shape != (c,) or bias.shape != (c,):
        refuse("batch_norm", (x.shape, gain.shape, bias.shape), "gain (c,) and bias (c,) for x (n, c, ...)")
    return np.ascontiguousarray(blocks(x, 1).transpose((1, 0, 2))).reshape((c, x.size // c))


def _from_channel_rows(rows: Array, x: Array) -> Array:
    """The array of x's shape whose channel rows are ``rows``."""
    n, c = x.shape[0], x.shape[1]
    block = rows.reshape((c, n, x.size // (n * c)))
    return np.ascontiguousarray(block.transpose((1, 0, 2))).reshape(x.shape)
