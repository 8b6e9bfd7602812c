"""Functions that Numba compiles, with hand-written derivatives: plain loops, no temporaries.

``cache=True`` keeps the machine code beside this file, so that only the first run compiles.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]


@njit(cache=True)
def rosenbrock(x: Array) -> float:
    """Σ 100(x_{i+1} − x_i²)² + (1 − x_i)².  # (n,) -> ()"""
    total = 0.0
    for i in range(x.size - 1):
        residual = x[i + 1] - x[i] * x[i]
        total += 100.0 * residual * residual + (1.0 - x[i]) ** 2
    return total


@njit(cache=True)
def rosenbrock_gradient(x: Array) -> Array:
    """Both neighbours of each term, in one pass."""
    gradient = np.zeros(x.size)
    for i in range(x.size - 1):
        residual = x[i + 1] - x[i] * x[i]
        gradient[i] += -400.0 * x[i] * residual - 2.0 * (1.0 - x[i])
        gradient[i + 1] += 200.0 * residual
    return gradient


@njit(cache=True)
def fused_loss(scores: Array, labels: Array) -> float:
    """Mean of log(1 + exp(−y·s)) for labels ±1, stable on both sides.  # (n,), (n,) -> ()"""
    total = 0.0
    for i in range(scores.size):
        margin = labels[i] * scores[i]
        total += max(-margin, 0.0) + math.log1p(math.exp(-abs(margin)))
    return total / scores.size


@njit(cache=True)
def fused_loss_gradient(scores: Array, labels: Array) -> Array:
    """−y·σ(−y·s)/n for the scores; the labels are not differentiated."""
    gradient = np.empty(scores.size)
    for i in range(scores.size):
        margin = labels[i] * scores[i]
        gradient[i] = -labels[i] / (1.0 + math.exp(margin)) / scores.size
    return gradient


@njit(cache=True)
def gravity(x: Array) -> float:
    """Potential energy −Σ 1/√(r² + ε²) of equal bodies, softened by ε = 1/2 (Plummer, 1911).  # (n, 3) -> ()"""
    total = 0.0
    for i in range(x.shape[0]):
        for j in range(i):
            dx, dy, dz = x[i, 0] - x[j, 0], x[i, 1] - x[j, 1], x[i, 2] - x[j, 2]
            total -= 1.0 / math.sqrt(dx * dx + dy * dy + dz * dz + 0.25)
    return total


@njit(cache=True)
def gravity_gradient(x: Array) -> Array:
    """Each pair pulls with (x_i − x_j)/(r² + ε²)^{3/2}, on both bodies alike."""
    gradient = np.zeros(x.shape)
    for i in range(x.shape[0]):
        for j in range(i):
            dx, dy, dz = x[i, 0] - x[j, 0], x[i, 1] - x[j, 1], x[i, 2] - x[j, 2]
            pull = (dx * dx + dy * dy + dz * dz + 0.25) ** -1.5
            for k, d in enumerate((dx, dy, dz)):
                gradient[i, k] += pull * d
                gradient[j, k] -= pull * d
    return gradient
