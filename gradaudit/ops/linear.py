"""Matrix products: general (batched, broadcast, vectors too) and as a layer.

All are reduced to a loop over a stack of 2-d products, the only product of arrays that Numba compiles.
"""

import numpy as np

from gradaudit.ops._axes import Array, Shape, refuse, unbroadcast


def matmul(a: Array, b: Array) -> Array:
    """a @ b as NumPy defines it: (…, m, k) times (…, k, n), leading axes broadcast, 1-d operands as vectors."""
    _check_product(a, b)
    return _stack_product(_as_rows(a), _as_columns(b)).reshape(_product_shape(a, b))


def matmul_vjp(a: Array, b: Array, cotangent: Array) -> tuple[Array, Array]:
    """(c·bᵀ, aᵀ·c), each summed over the axes that were broadcast."""
    left, right = _as_rows(a), _as_columns(b)
    batch = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
    c = np.ascontiguousarray(cotangent).reshape((*batch, left.shape[-2], right.shape[-1]))
    by_a = unbroadcast(_stack_product(c, _transposed(right)), left.shape)
    by_b = unbroadcast(_stack_product(_transposed(left), c), right.shape)
    return by_a.reshape(a.shape), by_b.reshape(b.shape)


def linear(x: Array, weight: Array) -> Array:
    """x · weightᵀ for ``x`` (…, inputs) and ``weight`` (outputs, inputs), as in torch.nn.Linear."""
    _check_linear(x, weight)
    return np.dot(_flattened(x), weight.T).reshape((*x.shape[:-1], weight.shape[0]))


def linear_vjp(x: Array, weight: Array, cotangent: Array) -> tuple[Array, Array]:
    """(c·weight, cᵀ·x), the second summed over all leading axes."""
    c = _flattened(cotangent)
    return np.dot(c, np.ascontiguousarray(weight)).reshape(x.shape), np.dot(c.T, _flattened(x))


def linear_bias(x: Array, weight: Array, bias: Array) -> Array:
    """x · weightᵀ + bias for ``bias`` (outputs,)."""
    if bias.ndim != 1 or bias.shape[0] != weight.shape[0]:
        refuse("linear_bias", (weight.shape, bias.shape), "a weight (outputs, inputs) with a bias (outputs,)")
    return linear(x, weight) + bias


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


def _product_shape(a: Array, b: Array) -> Shape:
    batch = np.broadcast_shapes(_as_rows(a).shape[:-2], _as_columns(b).shape[:-2])
    if a.ndim == 1 and b.ndim == 1:
        return ()
    if a.ndim == 1:
        return (*batch, b.shape[-1])
    if b.ndim == 1:
        return (*batch, a.shape[-2])
    return (*batch, a.shape[-2], b.shape[-1])


def _transposed(x: Array) -> Array:
    return np.ascontiguousarray(np.swapaxes(x, -1, -2))


def _flattened(x: Array) -> Array:
    rows = 1
    for k in range(x.ndim - 1):
        rows *= x.shape[k]
    return np.ascontiguousarray(x).reshape((rows, x.shape[-1]))


def _stack_product(a: Array, b: Array) -> Array:
    """(…, m, k) times (…, k, n) for contiguous operands with at least two axes."""
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    left, right = _stacked(a, batch), _stacked(b, batch)
    out = np.empty((left.shape[0], left.shape[1], right.shape[2]))
    for k in range(left.shape[0]):
        out[k] = np.dot(left[k], right[k])
    return out.reshape((*batch, a.shape[-2], b.shape[-1]))


def _stacked(x: Array, batch: Shape) -> Array:
    count = 1
    for length in batch:
        count *= length
    whole = np.broadcast_to(x, (*batch, x.shape[-2], x.shape[-1]))
    return np.ascontiguousarray(whole).reshape((count, x.shape[-2], x.shape[-1]))
