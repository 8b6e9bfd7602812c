"""Activation functions, elementwise, written so that no element overflows and no slope is lost to cancellation."""

import math

import numpy as np

from gradaudit.ops._axes import Array
from gradaudit.ops._elementwise import elementwise


@elementwise
def tanh(x: Array) -> Array:
    """tanh x."""
    return np.tanh(x)


@elementwise
def tanh_vjp(x: Array, cotangent: Array) -> Array:
    """c / cosh² x, as 4e/(1 + e)² with e = exp(−2|x|): 1 − tanh² x would cancel far from 0."""
    decay = np.exp(-2.0 * np.abs(x))
    return cotangent * 4.0 * decay / ((1.0 + decay) * (1.0 + decay))


@elementwise
def sigmoid(x: Array) -> Array:
    """1 / (1 + e⁻ˣ), through exp(−|x|) so that it never overflows."""
    decay = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, decay) / (1.0 + decay)


@elementwise
def sigmoid_vjp(x: Array, cotangent: Array) -> Array:
    """c·σ(x)·σ(−x), as e/(1 + e)² with e = exp(−|x|)."""
    decay = np.exp(-np.abs(x))
    return cotangent * decay / ((1.0 + decay) * (1.0 + decay))


@elementwise
def relu(x: Array) -> Array:
    """max(x, 0)."""
    return np.maximum(x, 0.0)


@elementwise
def relu_vjp(x: Array, cotangent: Array) -> Array:
    """c where x > 0, else 0 (at 0 itself too)."""
    return np.where(x > 0, cotangent, 0.0)


@elementwise
def leaky_relu(x: Array, slope: float = 0.01) -> Array:
    """x where x > 0, else slope·x."""
    return np.where(x > 0, x, slope * x)


@elementwise
def leaky_relu_vjp(x: Array, cotangent: Array, slope: float = 0.01) -> Array:
    """c where x > 0, else slope·c."""
    return np.where(x > 0, cotangent, slope * cotangent)


@elementwise
def gelu(x: Array) -> Array:
    """x·Φ(x) with the normal distribution function itself, not its tanh approximation (Hendrycks and Gimpel, 2016)."""
    return x * _normal_distribution(np.asarray(x))


@elementwise
def gelu_vjp(x: Array, cotangent: Array) -> Array:
    """c·(Φ(x) + x·φ(x))."""
    density = np.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)
    return cotangent * (_normal_distribution(np.asarray(x)) + x * density)


def _normal_distribution(x: Array) -> Array:
    # Through erfc, which keeps its relative accuracy where 1 + erf cancels. NumPy has no erf, hence the loop.
    flat = x.ravel()
    distribution = flat * 1.0
    for k in range(flat.size):
        distribution[k] = 0.5 * math.erfc(-flat[k] * math.sqrt(0.5))
    return distribution.reshape(x.shape)


@elementwise
def softplus(x: Array) -> Array:
    """log(1 + eˣ), as max(x, 0) + log1p(exp(−|x|))."""
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


@elementwise
def softplus_vjp(x: Array, cotangent: Array) -> Array:
    """c·σ(x)."""
    return cotangent * sigmoid(x)
