"""Losses with gradients by hand, right: what scripts/draw_report.py spoils for the picture of the README."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Integers = NDArray[np.int64]


def huber(x: Array, delta: float = 1.0) -> float:
    size = np.abs(x)
    return float(np.where(size <= delta, 0.5 * x * x, delta * (size - 0.5 * delta)).sum())


def huber_grad(x: Array, delta: float = 1.0) -> Array:
    return np.where(np.abs(x) <= delta, x, delta * np.sign(x))


def softplus(x: Array) -> float:
    return float(np.logaddexp(0.0, x).sum())


def softplus_grad(x: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-x))


def gelu(x: Array) -> float:
    return float((x * _gate(x)).sum())


def gelu_grad(x: Array) -> Array:
    slope = np.sqrt(2.0 / np.pi) * (1.0 + 3.0 * 0.044715 * x**2)
    gate = _gate(x)
    return gate + 2.0 * x * gate * (1.0 - gate) * slope


def _gate(x: Array) -> Array:
    return 0.5 * (1.0 + np.tanh(np.sqrt(2.0 / np.pi) * (x + 0.044715 * x**3)))


def layer_norm(x: Array, weight: Array) -> float:
    centred = x - x.mean(axis=1, keepdims=True)
    return float((centred / np.sqrt((centred**2).mean(axis=1, keepdims=True)) * weight).sum())


def layer_norm_grad(x: Array, weight: Array) -> tuple[Array, Array]:
    centred = x - x.mean(axis=1, keepdims=True)
    scale = np.sqrt((centred**2).mean(axis=1, keepdims=True))
    normed = centred / scale
    inner = weight - weight.mean(axis=1, keepdims=True)
    inner = inner - normed * (weight * normed).mean(axis=1, keepdims=True)
    return inner / scale, normed


def embedding(table: Array, words: Integers) -> float:
    return float(np.sin(table[words]).sum())


def embedding_grad(table: Array, words: Integers) -> Array:
    gradient = np.zeros_like(table)
    np.add.at(gradient, words, np.cos(table[words]))
    return gradient


def cross_entropy(logits: Array, targets: Integers) -> float:
    shifted = logits - logits.max(axis=1, keepdims=True)
    shares = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return float(-shares[np.arange(len(targets)), targets].mean())


def cross_entropy_grad(logits: Array, targets: Integers) -> Array:
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    shares[np.arange(len(targets)), targets] -= 1.0
    return shares / len(targets)


def cosine(a: Array, b: Array) -> float:
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


def cosine_grad(a: Array, b: Array) -> tuple[Array, Array]:
    size = np.sqrt((a @ a) * (b @ b))
    likeness = a @ b / size
    return b / size - likeness * a / (a @ a), a / size - likeness * b / (b @ b)


def hinge(x: Array) -> float:
    return float(np.maximum(x - 1.0, 0.0).sum())


def hinge_grad(x: Array) -> Array:
    return (x >= 1.0).astype(float)
