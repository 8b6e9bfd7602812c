"""Rows of a table by their number. The numbers are not differentiated."""

import numpy as np

from gradaudit.ops._axes import Array, refuse


def embedding(weight: Array, indices: Array) -> Array:
    """Row ``indices[…]`` of ``weight`` for each index, of which there may be any number of axes.

    Raises ValueError unless weight is a matrix and every index lies in 0 … v − 1: negative ones do not count from the
    end.

    # (v, d), integers (…) -> (…, d)
    """
    numbers = _row_numbers(weight, indices)
    return np.ascontiguousarray(weight)[numbers].reshape((*indices.shape, weight.shape[1]))


def embedding_vjp(weight: Array, indices: Array, cotangent: Array) -> Array:
    """Gradient of weight: each row adds up the cotangents of every place that took it (the transpose of a gather)."""
    numbers = _row_numbers(weight, indices)
    rows = np.ascontiguousarray(cotangent).reshape((numbers.size, weight.shape[1]))
    d_weight = np.zeros(weight.shape, cotangent.dtype)
    for place in range(numbers.size):
        d_weight[numbers[place]] += rows[place]
    return d_weight


def _row_numbers(weight: Array, indices: Array) -> Array:
    """The indices in one row, once they are known to lie in the table: compiled code does not look."""
    numbers = np.ascontiguousarray(indices).reshape(indices.size)
    if weight.ndim != 2:
        refuse("embedding", weight.shape, "weight with two axes (v, d)")
    if numbers.size > 0 and (numbers.min() < 0 or numbers.max() >= weight.shape[0]):
        refuse(
            "embedding",
            (int(numbers.min()), int(numbers.max()), weight.shape[0]),
            "0 <= index < v in (smallest, largest, v)",
        )
    return numbers
