"""Pooling over square windows in NCHW; windows that would reach over the edge are left out."""

import numpy as np

from gradaudit.ops._axes import Array, refuse
from gradaudit.ops._windows import window_count, window_places


def max_pool2d(x: Array, size: int = 2, stride: int = 2) -> Array:
    """The largest element of each window; NaN where a window holds one.

    ``stride`` does not follow ``size``: give both. Raises ValueError unless x has four axes and a window fits.

    # (n, c, h, w) -> (n, c, rows, columns)
    """
    rows, columns, places = _windows(x, size, stride)
    return _peaks(x, places, size).reshape((x.shape[0], x.shape[1], rows, columns))


def max_pool2d_vjp(x: Array, cotangent: Array, size: int = 2, stride: int = 2) -> Array:
    """Gradient of x: each window hands its cotangent to its largest element.

    Where several are equally large the first one takes it all, in row-major order: one element of the subdifferential
    (differences cannot decide there). Source: the derivative of x ↦ x[argmax x].
    """
    _, _, places = _windows(x, size, stride)
    peaks = _peaks(x, places, size)
    flat, waiting = _flat(x), _flat(cotangent).copy()
    d_x = np.zeros(x.size, waiting.dtype)
    for k in range(size * size):
        element = places + (k // size * x.shape[3] + k % size)
        won = (flat[element] == peaks) | (flat[element] != flat[element])  # the second: NaN, which equals nothing
        d_x[element] += waiting * won
        waiting = waiting * ~won
    return d_x.reshape(x.shape)


def avg_pool2d(x: Array, size: int = 2, stride: int = 2) -> Array:
    """The mean of each window.

    ``stride`` does not follow ``size``: give both. Raises ValueError unless x has four axes and a window fits.

    # (n, c, h, w) -> (n, c, rows, columns)
    """
    rows, columns, places = _windows(x, size, stride)
    flat = _flat(x)
    mean = flat[places] / (size * size)
    for k in range(1, size * size):
        mean += flat[places + (k // size * x.shape[3] + k % size)] / (size * size)
    return mean.reshape((x.shape[0], x.shape[1], rows, columns))


def avg_pool2d_vjp(x: Array, cotangent: Array, size: int = 2, stride: int = 2) -> Array:
    """Gradient of x: each element adds up cotangent/size² over the windows that hold it (the transpose of a mean)."""
    _, _, places = _windows(x, size, stride)
    share = _flat(cotangent) / (size * size)
    d_x = np.zeros(x.size, share.dtype)
    for k in range(size * size):
        d_x[places + (k // size * x.shape[3] + k % size)] += share
    return d_x.reshape(x.shape)


def _windows(x: Array, size: int, stride: int) -> tuple[int, int, Array]:
    """Rows and columns of windows in each image, and the places of all of them in the flattened x."""
    if x.ndim != 4:
        refuse("pooling", x.shape, "x with four axes (n, c, h, w)")
    n, c, h, w = x.shape
    rows, columns = window_count(h, size, stride, 0), window_count(w, size, stride, 0)
    return rows, columns, window_places(n * c, h * w, w, rows, columns, stride)


def _peaks(x: Array, places: Array, size: int) -> Array:
    flat = _flat(x)
    peaks = flat[places]
    for k in range(1, size * size):
        peaks = np.maximum(peaks, flat[places + (k // size * x.shape[3] + k % size)])
    return peaks


def _flat(x: Array) -> Array:
    return np.ascontiguousarray(x).reshape(x.size)
