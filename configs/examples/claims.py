"""NumPy functions with hand-written derivatives: one example of every kind of claim that a suite may name.

Shapes stand in the trailing comments of the docstrings; the derivatives follow from the formulas by the usual rules.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Array = NDArray[np.float64]


def rosenbrock(x: Array) -> float:
    """Σ 100(x_{i+1} − x_i²)² + (1 − x_i)² (Rosenbrock, 1960).  # (n,) -> ()"""
    return float(np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2))


def rosenbrock_gradient(x: Array) -> Array:
    """Each term touches two neighbours."""
    residual = x[1:] - x[:-1] ** 2
    gradient = np.zeros_like(x)
    gradient[:-1] = -400.0 * x[:-1] * residual - 2.0 * (1.0 - x[:-1])
    gradient[1:] += 200.0 * residual
    return gradient


def rosenbrock_hessian(x: Array) -> Array:
    """Tridiagonal."""
    diagonal = np.zeros_like(x)
    diagonal[:-1] = 1200.0 * x[:-1] ** 2 - 400.0 * x[1:] + 2.0
    diagonal[1:] += 200.0
    return np.diag(diagonal) + np.diag(-400.0 * x[:-1], 1) + np.diag(-400.0 * x[:-1], -1)


def rosenbrock_hvp(x: Array, vector: Array) -> Array:
    """The Hessian times ``vector``, without the Hessian."""
    product = np.zeros_like(x)
    product[:-1] = (1200.0 * x[:-1] ** 2 - 400.0 * x[1:] + 2.0) * vector[:-1] - 400.0 * x[:-1] * vector[1:]
    product[1:] += 200.0 * vector[1:] - 400.0 * x[:-1] * vector[:-1]
    return product


def logistic_loss(weight: Array, features: Array, labels: Array) -> float:
    """Mean of log(1 + exp(−y·w·x)) for labels ±1.  # (k,), (n, k), (n,) -> ()"""
    return float(np.mean(np.logaddexp(0.0, -labels * (features @ weight))))


def logistic_loss_and_gradient(weight: Array, features: Array, labels: Array) -> tuple[float, Array]:
    """Both at once, as optimisers want them."""
    margin = labels * (features @ weight)
    share = 1.0 / (1.0 + np.exp(margin))
    return float(np.mean(np.logaddexp(0.0, -margin))), -(labels * share) @ features / len(labels)


def distance(a: Array, b: Array) -> float:
    """Sum of the distances between rows.  # (n, k), (n, k) -> ()"""
    return float(np.sqrt(np.sum((a - b) ** 2, axis=1)).sum())


def distance_gradient(a: Array, b: Array) -> tuple[Array, Array]:
    """One array for each input."""
    direction = (a - b) / np.sqrt(np.sum((a - b) ** 2, axis=1, keepdims=True))
    return direction, -direction


def arm(angles: Array, lengths: Array) -> Array:
    """Where the end of a planar arm stands.  # (k,), (k,) -> (2,)"""
    heading = np.cumsum(angles)
    return np.array([np.sum(lengths * np.cos(heading)), np.sum(lengths * np.sin(heading))])


def arm_jacobian(angles: Array, lengths: Array) -> tuple[Array, Array]:
    """A joint moves every link behind it.  # (2, k), (2, k)"""
    heading = np.cumsum(angles)
    sine, cosine = np.sin(heading), np.cos(heading)
    behind = np.array([-lengths * sine, lengths * cosine])[:, ::-1]
    return np.cumsum(behind, axis=1)[:, ::-1], np.array([cosine, sine])


def spherical(point: Array) -> Array:
    """(r, θ, φ) to (x, y, z).  # (3,) -> (3,)"""
    r, theta, phi = point
    return r * np.array([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)])


def spherical_jacobian(point: Array) -> Array:
    """Columns are the three tangents."""
    r, theta, phi = point
    outward = spherical(np.array([1.0, theta, phi]))
    polar = r * np.array([np.cos(theta) * np.cos(phi), np.cos(theta) * np.sin(phi), -np.sin(theta)])
    azimuthal = r * np.array([-np.sin(theta) * np.sin(phi), np.sin(theta) * np.cos(phi), 0.0])
    return np.stack([outward, polar, azimuthal], axis=1)


def reaction_diffusion(u: Array) -> Array:
    """Second differences plus u − u³, zero outside.  # (n,) -> (n,)"""
    padded = np.pad(u, 1)
    return padded[2:] - 2.0 * u + padded[:-2] + u - u**3


def reaction_diffusion_jacobian(u: Array) -> Any:
    """Tridiagonal, as a SciPy sparse matrix."""
    return sparse.diags_array([np.ones(u.size - 1), -1.0 - 3.0 * u**2, np.ones(u.size - 1)], offsets=[-1, 0, 1]).tocsr()


def softmax(x: Array) -> Array:
    """exp(x)/Σ exp(x).  # (n,) -> (n,)"""
    weight = np.exp(x - x.max())
    return weight / weight.sum()


def softmax_jvp(x: Array, tangent: Array) -> Array:
    """y·(t − y·t)."""
    y = softmax(x)
    return y * (tangent - y @ tangent)


def moments(x: Array) -> tuple[float, float]:
    """Mean and variance: two outputs.  # (n,) -> (), ()"""
    return float(x.mean()), float(x.var())


def moments_vjp(x: Array, cotangents: tuple[float, float]) -> Array:
    """The cotangent of several outputs is a tuple."""
    of_mean, of_variance = cotangents
    return (of_mean + 2.0 * of_variance * (x - x.mean())) / x.size


def product(a: Array, b: Array) -> Array:
    """Outer product.  # (m,), (n,) -> (m, n)"""
    return np.outer(a, b)


def product_jvp(a: Array, b: Array, a_tangent: Array, b_tangent: Array) -> Array:
    """One tangent for each input."""
    return np.outer(a_tangent, b) + np.outer(a, b_tangent)


def product_vjp(a: Array, b: Array, cotangent: Array) -> tuple[Array, Array]:
    """The transpose of the above."""
    return cotangent @ b, a @ cotangent
