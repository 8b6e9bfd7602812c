"""Where windows that slide over images lie in memory: what convolution and pooling share.

Places are indices into the flattened array, so that gathering and scattering take one-dimensional indexing only: the
form that NumPy vectorises and that Numba compiles quickly (strided views of four axes take it half a minute).
"""

import numpy as np

from gradaudit.ops._axes import Array, Shape, refuse


def window_count(extent: int, size: int, stride: int, padding: int) -> int:
    """How many windows of ``size`` fit into ``extent`` elements with ``padding`` zeros at either end.

    ⌊(extent + 2·padding − size)/stride⌋ + 1: relation 6 of Dumoulin and Visin, 2016, "A guide to convolution
    arithmetic". Raises ValueError for an empty window, a stride under 1, a negative padding, and a window larger than
    the input.
    """
    if size < 1 or stride < 1 or padding < 0:
        refuse("window", (size, stride, padding), "size >= 1, stride >= 1, padding >= 0 in (size, stride, padding)")
    if size > extent + 2 * padding:
        refuse("window", (size, extent, padding), "size <= extent + 2*padding in (size, extent, padding)")
    return (extent + 2 * padding - size) // stride + 1


def window_places(images: int, image_size: int, width: int, rows: int, columns: int, stride: int) -> Array:
    """Place of the first element of every window; element (i, j) lies i·width + j further.

    Windows are numbered by image, row and column; each image takes ``image_size`` places in rows of ``width``.

    # -> integers (images · rows · columns,)
    """
    window = np.arange(images * rows * columns)
    row = window // columns % rows
    return window // (rows * columns) * image_size + (row * width + window % columns) * stride


def framed(x: Array, padding: int) -> Array:
    """x with ``padding`` zeros around its last two axes, flattened.  # (n, c, h, w) -> (n·c·(h + 2p)·(w + 2p),)"""
    n, c, h, w = x.shape
    out = np.zeros(n * c * (h + 2 * padding) * (w + 2 * padding), x.dtype)
    out[_inside(x.shape, padding)] = np.ascontiguousarray(x).reshape(x.size)
    return out


def unframed(flat: Array, shape: Shape, padding: int) -> Array:
    """The transpose of ``framed``: the elements inside the frame, in ``shape``."""
    return flat[_inside(shape, padding)].reshape(shape)


def _inside(shape: Shape, padding: int) -> Array:
    n, c, h, w = shape
    width = w + 2 * padding
    image_size = (h + 2 * padding) * width
    return window_places(n * c, image_size, width, h, w, 1) + (width + 1) * padding
