"""Arithmetic along the rows of a matrix: what softmax, attention, losses and normalisation share.

A number that belongs to a row (its sum, its mean) is returned at each element of it: Numba compiles arithmetic on
arrays of equal shapes several times faster than arithmetic that broadcasts.
"""

import numpy as np

from gradaudit.ops._axes import Array, first_largest, middle_sum


def last_axis_rows(x: Array) -> Array:
    """Everything along the last axis as one row; may be a view of x.  # (…, k) -> (m, k), k > 0"""
    k = x.shape[-1]
    return np.ascontiguousarray(x).reshape((x.size // k, k))


def along_rows(values: Array, rows: Array) -> Array:
    """Value i at each element of row i.  # (m,), (m, k) -> (m, k)"""
    return np.repeat(values, rows.shape[1]).reshape(rows.shape)


def totals_by_row(rows: Array) -> Array:
    """# (m, k) -> (m,)"""
    return middle_sum(rows.reshape((*rows.shape, 1))).ravel()


def totals_by_column(rows: Array) -> Array:
    """# (m, k) -> (k,)"""
    return middle_sum(rows.reshape((1, *rows.shape))).ravel()


def row_sums(rows: Array) -> Array:
    """# (m, k) -> (m, k)"""
    return along_rows(totals_by_row(rows), rows)


def row_means(rows: Array) -> Array:
    """# (m, k) -> (m, k)"""
    return row_sums(rows) / rows.shape[1]


def row_softmax(rows: Array) -> Array:
    """exp(row)/Σ exp(row), shifted so that nothing overflows.  # (m, k) -> (m, k)"""
    powers = np.exp(_shifted(rows))
    return powers / row_sums(powers)


def row_log_softmax(rows: Array) -> Array:
    """row − log Σ exp(row), shifted so that nothing overflows.  # (m, k) -> (m, k)"""
    shifted = _shifted(rows)
    return shifted - np.log(row_sums(np.exp(shifted)))


def row_softmax_vjp(shares: Array, cotangent: Array) -> Array:
    """y·(ȳ − Σ ȳ·y) for y = ``shares``, the softmax itself: its Jacobian is diag(y) − y·yᵀ.  # (m, k) -> (m, k)"""
    return shares * (cotangent - row_sums(cotangent * shares))


def _shifted(rows: Array) -> Array:
    largest = rows.ravel()[first_largest(rows.reshape((*rows.shape, 1)))]
    return rows - along_rows(largest, rows)
