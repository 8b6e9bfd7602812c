"""Scaled dot-product attention, one product of matrices for each element of the batch.

Results are added to zeros: Numba takes seconds to compile the assignment of one array to a part of another.
"""

import math

import numpy as np

from gradaudit.ops._axes import Array, refuse
from gradaudit.ops._rows import row_softmax, row_softmax_vjp


def attention(q: Array, k: Array, v: Array) -> Array:
    """softmax(q·kᵀ/√d)·v, for any number of leading batch axes (heads, sequences), equal in all three.

    Source: Vaswani et al., 2017, "Attention is all you need", equation 1. Raises ValueError for shapes that do not fit.

    # (…, t, d), (…, s, d), (…, s, e) -> (…, t, e)
    """
    queries, keys, values = _checked_stacks(q, k, v)
    out = np.zeros((queries.shape[0], q.shape[-2], v.shape[-1]), v.dtype)
    for item in range(out.shape[0]):
        attended = out[item]
        attended += _shares(queries[item], keys[item]) @ values[item]
    return out.reshape((*q.shape[:-1], v.shape[-1]))


def attention_vjp(q: Array, k: Array, v: Array, cotangent: Array) -> tuple[Array, Array, Array]:
    """Gradients of q, k and v.

    With P = softmax(S), S = q·kᵀ/√d: v̄ = Pᵀ·ȳ, P̄ = ȳ·vᵀ, S̄ by the rule of softmax, q̄ = S̄·k/√d, k̄ = S̄ᵀ·q/√d. Source:
    the reverse-mode rule of a matrix product (Giles, 2008, "Collected matrix derivative results", section 2.2.2).
    """
    queries, keys, values = _checked_stacks(q, k, v)
    d_queries, d_keys, d_values = np.zeros_like(queries), np.zeros_like(keys), np.zeros_like(values)
    d_out = _stack(cotangent)
    scale = 1 / math.sqrt(q.shape[-1])
    for item in range(queries.shape[0]):
        d_query, d_key, d_value = d_queries[item], d_keys[item], d_values[item]
        shares = _shares(queries[item], keys[item])
        d_scores = row_softmax_vjp(shares, d_out[item] @ values[item].T) * scale
        d_query += d_scores @ keys[item]
        d_key += d_scores.T @ queries[item]
        d_value += shares.T @ d_out[item]
    return d_queries.reshape(q.shape), d_keys.reshape(k.shape), d_values.reshape(v.shape)


def _shares(queries: Array, keys: Array) -> Array:
    """How much each query attends to each key; rows sum to one.  # (t, d), (s, d) -> (t, s)"""
    return row_softmax(queries @ keys.T * (1 / math.sqrt(queries.shape[1])))


def _checked_stacks(q: Array, k: Array, v: Array) -> tuple[Array, Array, Array]:
    if q.ndim < 2 or k.ndim != q.ndim or v.ndim != q.ndim:
        refuse("attention", (q.shape, k.shape, v.shape), "q (..., t, d), k (..., s, d), v (..., s, e), axes alike")
    if q.shape[:-2] != k.shape[:-2] or q.shape[:-2] != v.shape[:-2]:
        refuse("attention", (q.shape, k.shape, v.shape), "q, k and v with equal batch axes")
    if q.shape[-1] != k.shape[-1] or q.shape[-1] == 0:
        refuse("attention", (q.shape, k.shape), "q (..., t, d) and k (..., s, d) with equal d > 0")
    if k.shape[-2] != v.shape[-2] or k.shape[-2] == 0:
        refuse("attention", (k.shape, v.shape), "one value for each key: k (..., s, d) and v (..., s, e), s > 0")
    return _stack(q), _stack(k), _stack(v)


def _stack(x: Array) -> Array:
    """All batch axes in one.  # (…, t, d) -> (b, t, d)"""
    count = 1
    for length in x.shape[:-2]:
        count *= length
    return np.ascontiguousarray(x).reshape((count, x.shape[-2], x.shape[-1]))
