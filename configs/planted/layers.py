"""Layers with the vector–Jacobian products that people get wrong; the forward functions are ``gradaudit.ops``."""

import numpy as np
from numpy.typing import NDArray

from gradaudit import ops

Array = NDArray[np.float64]
Integers = NDArray[np.int64]


def tanh_cotangent_ignored(x: Array, cotangent: Array) -> Array:
    """The incoming cotangent is not used: right for a sum, and for nothing else."""
    return 1.0 - np.tanh(x) ** 2


def tanh_cotangent_clipped(x: Array, cotangent: Array) -> Array:
    """The cotangent is clipped on its way, against exploding gradients."""
    return np.clip(cotangent, -100.0, 100.0) * (1.0 - np.tanh(x) ** 2)


def tanh_cotangent_guarded(x: Array, cotangent: Array) -> Array:
    """The cotangent is kept away from zero."""
    return (cotangent + np.copysign(1e-8, cotangent)) * (1.0 - np.tanh(x) ** 2)


def tanh_cotangent_averaged(x: Array, cotangent: Array) -> Array:
    """One cotangent for all elements."""
    return cotangent.mean() * (1.0 - np.tanh(x) ** 2)


def tanh_of_input(x: Array, cotangent: Array) -> Array:
    """1 − x² instead of 1 − tanh² x."""
    return cotangent * (1.0 - x * x)


def relu_leaks(x: Array, cotangent: Array) -> Array:
    """The slope of leaky_relu on the negative side."""
    return np.where(x > 0, cotangent, 0.01 * cotangent)


def add_not_summed(a: Array, b: Array, cotangent: Array) -> tuple[Array, Array]:
    """b was broadcast, its gradient was not summed."""
    return cotangent, cotangent


def add_averaged(a: Array, b: Array, cotangent: Array) -> tuple[Array, Array]:
    """b's gradient is the mean over the rows, not the sum."""
    return cotangent, cotangent.mean(axis=0)


def sum_wrong_axis(x: Array, cotangent: Array, axis: int = 0) -> Array:
    """The cotangent is spread along the other axis of a square array."""
    return np.broadcast_to(np.expand_dims(cotangent, 1 - axis), x.shape).copy()


def softmax_diagonal(x: Array, cotangent: Array, axis: int = -1) -> Array:
    """Only the diagonal of the Jacobian: y(1 − y)."""
    y = ops.softmax(x, axis)
    return cotangent * y * (1.0 - y)


def softmax_wrong_axis(x: Array, cotangent: Array, axis: int = -1) -> Array:
    """The derivative along another axis than the function's."""
    return ops.softmax_vjp(x, cotangent, axis=0)


def cross_entropy_unshifted(logits: Array, targets: Integers, cotangent: Array) -> Array:
    """softmax/n without subtracting 1/n at the target."""
    return cotangent * ops.softmax(logits) / targets.size


def layer_norm_no_variance(x: Array, gain: Array, bias: Array, cotangent: Array) -> tuple[Array, Array, Array]:
    """The term through the variance is missing in x's gradient."""
    normal, inverse = _standardised(x, axis=-1)
    scaled = cotangent * gain
    d_x = inverse * (scaled - scaled.mean(axis=-1, keepdims=True))
    return d_x, (cotangent * normal).sum(axis=0), cotangent.sum(axis=0)


def batch_norm_constant_mean(x: Array, gain: Array, bias: Array, cotangent: Array) -> tuple[Array, Array, Array]:
    """Mean and variance of the batch are taken for constants."""
    normal, inverse = _standardised(x, axis=0)
    return inverse * cotangent * gain, (cotangent * normal).sum(axis=0), cotangent.sum(axis=0)


def max_all_ties(x: Array, cotangent: Array, axis: int = -1) -> Array:
    """Every element of the row gets the cotangent of its largest."""
    return np.broadcast_to(np.expand_dims(cotangent, axis), x.shape).copy()


def max_pool_everywhere(x: Array, cotangent: Array) -> Array:
    """Every element of a window gets the cotangent, not only the largest."""
    return np.repeat(np.repeat(cotangent, 2, axis=2), 2, axis=3)


def avg_pool_not_divided(x: Array, cotangent: Array) -> Array:
    """The mean's 1/4 is forgotten."""
    return np.repeat(np.repeat(cotangent, 2, axis=2), 2, axis=3)


def conv2d_not_flipped(x: Array, weight: Array, bias: Array, cotangent: Array) -> tuple[Array, Array, Array]:
    """x's gradient correlates with the kernel as it is, where it must be turned by 180°."""
    _, d_weight, d_bias = ops.conv2d_vjp(x, weight, bias, cotangent)
    d_x, _, _ = ops.conv2d_vjp(x, weight[:, :, ::-1, ::-1], bias, cotangent)
    return d_x, d_weight, d_bias


def dropout_not_scaled(x: Array, mask: NDArray[np.bool_], cotangent: Array, rate: float = 0.5) -> Array:
    """The scale 1/(1 − rate) is missing."""
    return cotangent * mask


def embedding_overwritten(weight: Array, indices: Integers, cotangent: Array) -> Array:
    """A word that occurs twice gets the gradient of one occurrence."""
    gradient = np.zeros_like(weight)
    gradient[indices] += cotangent
    return gradient


def attention_not_scaled(q: Array, k: Array, v: Array, cotangent: Array) -> tuple[Array, Array, Array]:
    """The 1/√d is missing in the gradients of q and k."""
    d_q, d_k, d_v = ops.attention_vjp(q, k, v, cotangent)
    return d_q * np.sqrt(q.shape[-1]), d_k * np.sqrt(q.shape[-1]), d_v


def lstm_forgets(
    x: Array, h: Array, c: Array, w_x: Array, w_h: Array, b: Array, cotangent: Array
) -> tuple[Array, Array, Array, Array, Array, Array]:
    """The cell's gradient passes without the forget gate."""
    d_x, d_h, _, d_w_x, d_w_h, d_b = ops.lstm_cell_vjp(x, h, c, w_x, w_h, b, cotangent)
    _, cell = ops.lstm_cell(x, h, c, w_x, w_h, b)
    output = 1.0 / (1.0 + np.exp(-(x @ w_x.T + h @ w_h.T + b)[:, -c.shape[1] :]))
    return d_x, d_h, cotangent[1] + cotangent[0] * output * (1.0 - np.tanh(cell) ** 2), d_w_x, d_w_h, d_b


def linear_transposed(x: Array, weight: Array, cotangent: Array) -> tuple[Array, Array]:
    """The weight's gradient as (inputs, outputs), and the two are equal."""
    d_x, d_weight = ops.linear_vjp(x, weight, cotangent)
    return d_x, d_weight.T.copy()


def unit_rows(x: Array) -> Array:
    """Each row divided by its length."""
    return x / np.sqrt((x * x).sum(axis=1, keepdims=True))


def unit_rows_constant_length(x: Array, cotangent: Array) -> Array:
    """The length is taken for a constant."""
    return cotangent / np.sqrt((x * x).sum(axis=1, keepdims=True))


def _standardised(x: Array, *, axis: int) -> tuple[Array, Array]:
    inverse = 1.0 / np.sqrt(x.var(axis=axis, keepdims=True) + 1e-5)
    return (x - x.mean(axis=axis, keepdims=True)) * inverse, inverse
