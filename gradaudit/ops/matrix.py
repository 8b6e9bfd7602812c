"""Matrix products: general (batched, broadcast, vectors too) and as a layer.

All are reduced to a loop over a stack of 2-d products, the only product of arrays that Numba compiles.
"""

import numpy as np

from gradaudit.ops._axes import Array, Shape, refuse, unbroadcast
from gradaudit.ops.arithmetic import add


def matmul(a: Array, b: Array) -> Array:
    """a @ b as NumPy defines it: (…, m, k) times (…, k, n), leading axes broadcast, 1-d operands as vectors."""
    _check_product(a, b)
    return _without_vectors(_product(_as_rows(a), _as_columns(b)), a, b)


def matmul_vjp(a: Array, b: Array, cotangent: Array) -> tuple[Array, Array]:
    """(c·bᵀ, aᵀ·c), each summed over the axes that were broadcast."""
    rows, columns = _as_rows(a), _as_columns(b)
    c = _with_vectors(np.ascontiguousarray(cotangent), a, b)
    by_a = unbroadcast(_product(c, _transposed(columns)), rows.shape)
    by_b = unbroadcast(_product(_transposed(rows), c), columns.shape)
    return by_a.reshape(a.shape), by_b.reshape(b.shape)


def linear(x: Array, weight: Array) -> Array:
    """x · weightᵀ for ``x`` (…, inputs) and ``weight`` (outputs, inputs), as in torch.nn.Linear."""
    _check_linear(x, weight)
    return np.dot(_flattened(x), np.ascontiguousarray(weight).T).reshape((*x.shape[:-1], weight.shape[0]))


def linear_vjp(x: Array, weight: Array, cotangent: Array) -> tuple[Array, Array]:
    """(c·weight, cᵀ·x), the second summed over all leading axes."""
    c = _flattened(cotangent)
    return np.dot(c, np.ascontiguousarray(weight)).reshape(x.shape), np.dot(c.T, _flattened(x))


def linear_bias(x: Array, weight: Array, bias: Array) -> Array:
    """x · weightᵀ + bias for ``bias`` (outputs,)."""
    if bias.ndim != 1 or bias.shape[0] != weight.shape[0]:
        refuse("linear_bias", (weight.shape, bias.shape), "a weight (outputs, inputs) with a bias (outputs,)")
    return add(linear(x, weight), bias)


def linear_bias_vjp(x: Array, weight: Array, bias: Array, cotangent: Array) -> tuple[Array, Array, Array]:
    """(c·weight, cᵀ·x, c summed over all leading axes)."""
    by_x, by_weight = linear_vjp(x, weight, cotangent)
    return by_x, by_weight, unbroadcast(cotangent, bias.shape)


def _check_product(a: Array, b: Array) -> None:
    if a.ndim == 0 or b.ndim == 0:
        refuse("matmul", (a.shape, b.shape), "operands with at least one axis; mul takes numbers")
    if a.shape[-1] != _as_columns(b).shape[-2]:
        refuse("matmul", (a.shape, b.shape), "(..., m, k) times (..., k, n) with equal k")


def _check_linear(x: Array, weight: Array) -> None:
    if x.ndim == 0 or weight.ndim != 2 or x.shape[-1] != weight.shape[-1]:
        refuse("linear", (x.shape, weight.shape), "x (..., inputs) with a weight (outputs, inputs)")


def _as_rows(a: Array) -> Array:
    if a.ndim == 1:
        return a.copy().reshape((1, a.size))
    return np.ascontiguousarray(a)


def _as_columns(b: Array) -> Array:
    if b.ndim == 1:
        return b.copy().reshape((b.size, 1))
    return np.ascontiguousarray(b)


def _without_vectors(product: Array, a: Array, b: Array) -> Array:
    """The product without the axes of length 1 that 1-d operands were given."""
    if a.ndim == 1 and b.ndim == 1:
        return product.reshape(product.shape[:-2])
    if a.ndim == 1:
        return product.reshape((*product.shape[:-2], product.shape[-1]))
    if b.ndim == 1:
        return product.reshape(product.shape[:-1])
    return product


def _with_vectors(cotangent: Array, a: Array, b: Array) -> Array:
    """The cotangent with the axes of length 1 that 1-d operands are given."""
    if a.ndim == 1 and b.ndim == 1:
        return cotangent.reshape((1, 1))
    if a.ndim == 1:
        return cotangent.reshape((*cotangent.shape[:-1], 1, cotangent.shape[-1]))
    if b.ndim == 1:
        return cotangent.reshape((*cotangent.shape, 1))
    return cotangent


def _transposed(x: Array) -> Array:
    return np.ascontiguousarray(np.swapaxes(x, -1, -2))


def _flattened(x: Array) -> Array:
    rows = 1
    for k in range(x.ndim - 1):
        rows *= x.shape[k]
    return np.ascontiguousarray(x).reshape((rows, x.shape[-1]))


def _product(a: Array, b: Array) -> Array:
    """(…, m, k) times (…, k, n) for contiguous operands with at least two axes."""
    if a.ndim == 2 and b.ndim == 2:
        return np.dot(a, b)
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    left, right = _stacked(a, batch), _stacked(b, batch)
    out = np.empty((left.shape[0], left.shape[1], right.shape[2]), (left[:0, :1, :1] * right[:0, :1, :1]).dtype)
    for k in range(left.shape[0]):
        out[k] = np.dot(left[k], right[k])
    return out.reshape((*batch, a.shape[-2], b.shape[-1]))


def _stacked(x: Array, batch: Shape) -> Array:
    """``x`` repeated to the leading axes ``batch``, and those flattened: (count, m, k)."""
    whole = np.ascontiguousarray(np.broadcast_to(x, (*batch, x.shape[-2], x.shape[-1])))
    count = 1
    for k in range(whole.ndim - 2):
        count *= whole.shape[k]
    return whole.reshape((count, x.shape[-2], x.shape[-1]))
