"""Two-dimensional convolution in NCHW, as one matrix product over the unfolded windows."""

import numpy as np

from gradaudit.ops._axes import Array, refuse
from gradaudit.ops._rows import along_rows, totals_by_row
from gradaudit.ops._windows import framed, unframed, window_count, window_places


def conv2d(x: Array, weight: Array, bias: Array, stride: int = 1, padding: int = 0) -> Array:
    """Cross-correlation of x with ``weight``, plus ``bias``: what neural networks call a convolution.

    x (n, c, h, w), weight (o, c, p, q), bias (o,); ``stride`` and ``padding`` (zeros) are the same on both axes.
    y[n, o, r, s] = bias[o] + Σ_{c, i, j} x[n, c, r·stride + i − padding, s·stride + j − padding]·weight[o, c, i, j].
    Raises ValueError for shapes that do not fit and for windows larger than the padded input.

    # (n, c, h, w), (o, c, p, q), (o,) -> (n, o, rows, columns)
    """
    _check_shapes(x, weight, bias)
    n, o = x.shape[0], weight.shape[0]
    rows = window_count(x.shape[2], weight.shape[2], stride, padding)
    columns = window_count(x.shape[3], weight.shape[3], stride, padding)
    product = _kernels(weight) @ _unfolded(x, weight, stride, padding)
    images = (product + along_rows(bias, product)).reshape((o, n, rows * columns)).transpose((1, 0, 2))
    return np.ascontiguousarray(images).reshape((n, o, rows, columns))


def conv2d_vjp(
    x: Array, weight: Array, bias: Array, cotangent: Array, stride: int = 1, padding: int = 0
) -> tuple[Array, Array, Array]:
    """Gradients of x, weight and bias.

    With Y = K·U, K the kernels as (o, c·p·q) and U the unfolded x: K̄ = Ȳ·Uᵀ, Ū = Kᵀ·Ȳ, and x̄ adds up the elements of Ū
    that unfolding had copied; b̄ = Σ Ȳ over images and positions. Source: the reverse-mode rule of a matrix product
    (Giles, 2008, "Collected matrix derivative results", section 2.2.2), and the transpose of unfolding.
    """
    _check_shapes(x, weight, bias)
    n, o = x.shape[0], weight.shape[0]
    positions = cotangent.shape[2] * cotangent.shape[3]
    channels_first = np.ascontiguousarray(cotangent).reshape((n, o, positions)).transpose((1, 0, 2))
    rows = np.ascontiguousarray(channels_first).reshape((o, n * positions))
    d_kernels = rows @ _unfolded(x, weight, stride, padding).T
    d_x = _folded(_kernels(weight).T @ rows, x, weight, stride, padding)
    return d_x, d_kernels.reshape(weight.shape), totals_by_row(rows)


def _check_shapes(x: Array, weight: Array, bias: Array) -> None:
    if x.ndim != 4 or weight.ndim != 4 or bias.ndim != 1:
        refuse("conv2d", (x.shape, weight.shape, bias.shape), "x (n, c, h, w), weight (o, c, p, q), bias (o,)")
    if x.shape[1] != weight.shape[1]:
        refuse("conv2d", (x.shape, weight.shape), "x and weight with the same number of channels (axis 1)")
    if bias.shape[0] != weight.shape[0]:
        refuse("conv2d", (weight.shape, bias.shape), "one bias for each output channel (axis 0 of weight)")


def _kernels(weight: Array) -> Array:
    """One kernel a row.  # (o, c, p, q) -> (o, c·p·q)"""
    o, c, p, q = weight.shape
    return np.ascontiguousarray(weight).reshape((o, c * p * q))


def _unfolded(x: Array, weight: Array, stride: int, padding: int) -> Array:
    """One window a column, copied.  # (n, c, h, w) -> (c·p·q, n·rows·columns)"""
    offsets, places = _offsets_and_places(x, weight, stride, padding)
    elements = offsets.reshape((offsets.size, 1)) + places
    copied: Array = framed(x, padding)[elements.reshape(elements.size)]
    return copied.reshape(elements.shape)


def _folded(unfolded: Array, x: Array, weight: Array, stride: int, padding: int) -> Array:
    """The transpose of ``_unfolded``: overlapping windows add up.  # (c·p·q, n·rows·columns) -> (n, c, h, w)"""
    offsets, places = _offsets_and_places(x, weight, stride, padding)
    flat = np.zeros(x.shape[0] * x.shape[1] * (x.shape[2] + 2 * padding) * (x.shape[3] + 2 * padding), unfolded.dtype)
    for k in range(offsets.size):
        flat[places + offsets[k]] += unfolded[k]  # no place occurs twice for one k
    return unframed(flat, x.shape, padding)


def _offsets_and_places(x: Array, weight: Array, stride: int, padding: int) -> tuple[Array, Array]:
    """Offsets of the elements (c, i, j) of a window, and places of the windows, in the framed and flattened x."""
    n, c, h, w = x.shape
    p, q = weight.shape[2], weight.shape[3]
    height, width = h + 2 * padding, w + 2 * padding
    rows, columns = window_count(h, p, stride, padding), window_count(w, q, stride, padding)
    element = np.arange(c * p * q)
    offsets = (element // (p * q) * height + element // q % p) * width + element % q
    return offsets, window_places(n, c * height * width, width, rows, columns, stride)
