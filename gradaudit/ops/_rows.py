"""Arithmetic along the rows of a matrix: what softmax, attention, losses and normalisation share."""

import numpy as np

from gradaudit.ops._axes import Array, refuse


def last_axis_rows(x: Array) -> Array:
    """Everything along the last axis as one row; may be a view of x.  # (…, k) -> (m, k), k > 0"""
    k = x.shape[-1]
    return np.ascontiguousarray(x).reshape((x.size // k, k))


def column(values: Array) -> Array:
    """Values to be broadcast along rows.  # (m,) -> (m, 1)"""
    return np.ascontiguousarray(values).reshape((values.size, 1))


def row_sums(rows: Array) -> Array:
    """# (m, k) -> (m, 1)"""
    return column(rows.sum(1))


def row_means(rows: Array) -> Array:
    """# (m, k) -> (m, 1)"""
    return column(rows.sum(1) / rows.shape[1])


def row_softmax(rows: Array) -> Array:
    """exp(row)/Σ exp(row), shifted so that nothing overflows.  # (m, k) -> (m, k)"""
    powers = np.exp(_shifted(rows))
    shares: Array = powers / row_sums(powers)
    return shares


def row_log_softmax(rows: Array) -> Array:
    """row − log Σ exp(row), shifted so that nothing overflows.  # (m, k) -> (m, k)"""
    shifted = _shifted(rows)
    logarithms: Array = shifted - np.log(row_sums(np.exp(shifted)))
    return logarithms


def row_softmax_vjp(shares: Array, cotangent: Array) -> Array:
    """y·(ȳ − Σ ȳ·y) for y = ``shares``, the softmax itself: its Jacobian is diag(y) − y·yᵀ.  # (m, k) -> (m, k)"""
    gradient: Array = shares * (cotangent - row_sums(cotangent * shares))
    return gradient


def _shifted(rows: Array) -> Array:
    shifted: Array = rows - _largest(rows)
    return shifted


def _largest(rows: Array) -> Array:
    """The largest element of each row, by folding it in halves: log₂ k steps that Numba compiles quickly.

    # (m, k) -> (m, 1)
    """
    if rows.shape[1] == 0:
        refuse("softmax", rows.shape, "an axis with at least one element")
    while rows.shape[1] > 1:
        half = (rows.shape[1] + 1) // 2
        rows = np.maximum(rows[:, :half], rows[:, rows.shape[1] - half :])
    return rows
