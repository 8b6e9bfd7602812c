"""Residuals and their Jacobians as ``scipy.optimize`` wants them, roots by the implicit function theorem, geometry."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, sparse
from scipy.spatial import distance
from scipy.spatial.transform import Rotation

Array = NDArray[np.float64]

_TIMES = np.linspace(0.0, 3.0, 9)


def decay(parameters: Array) -> Array:
    """Residuals of a·exp(−b·t) + c against measurements.  # (3,) -> (9,)"""
    a, b, c = parameters
    return a * np.exp(-b * _TIMES) + c - np.cos(_TIMES)


def decay_jacobian(parameters: Array) -> Array:
    """A column for each parameter."""
    a, b, _ = parameters
    falling = np.exp(-b * _TIMES)
    return np.stack([falling, -a * _TIMES * falling, np.ones_like(_TIMES)], axis=1)


def broyden(x: Array) -> Array:
    """Broyden's tridiagonal system (1965).  # (n,) -> (n,)"""
    padded = np.pad(x, 1)
    return (3.0 - 2.0 * x) * x - padded[:-2] - 2.0 * padded[2:] + 1.0


def broyden_jacobian(x: Array) -> Any:
    """Sparse."""
    beside = np.ones(x.size - 1)
    return sparse.diags_array([-beside, 3.0 - 4.0 * x, -2.0 * beside], offsets=[-1, 0, 1])


def soft_loss(x: Array) -> float:
    """Σ √(1 + r²) − 1 of Broyden's residuals."""
    return float((np.sqrt(1.0 + broyden(x) ** 2) - 1.0).sum())


def soft_loss_gradient(x: Array) -> Array:
    """Jᵀ·r/√(1 + r²)."""
    residual = broyden(x)
    return broyden_jacobian(x).T @ (residual / np.sqrt(1.0 + residual**2))


def kepler(mean_anomaly: Array, eccentricity: Array) -> float:
    """The root E of E − e·sin E = M, by Newton's method to the last digits."""
    m, e = float(mean_anomaly), float(eccentricity)
    return float(optimize.newton(lambda x: x - e * np.sin(x) - m, m, fprime=lambda x: 1.0 - e * np.cos(x), tol=1e-15))


def kepler_gradient(mean_anomaly: Array, eccentricity: Array) -> tuple[Array, Array]:
    """By the implicit function theorem."""
    root = kepler(mean_anomaly, eccentricity)
    slope = 1.0 - eccentricity * np.cos(root)
    return np.asarray(1.0 / slope), np.asarray(np.sin(root) / slope)


def distances_vjp(a: Array, b: Array, cotangent: Array) -> tuple[Array, Array]:
    """Of all Euclidean distances between two sets of points: unit vectors."""
    direction = (a[:, None] - b[None]) * (cotangent / distance.cdist(a, b))[..., None]
    return direction.sum(axis=1), -direction.sum(axis=0)


def rotated(vector: Array, point: Array) -> Array:
    """A point, turned by a rotation vector.  # (3,), (3,) -> (3,)"""
    return Rotation.from_rotvec(vector).apply(point)


def rotated_jacobian(vector: Array, point: Array) -> tuple[Array, Array]:
    """−R·[p]×·J_r with the right Jacobian of SO(3) (Chirikjian, 2012), and R."""
    matrix, angle, cross = Rotation.from_rotvec(vector).as_matrix(), np.linalg.norm(vector), _cross(vector)
    first = (1.0 - np.cos(angle)) / angle**2
    second = (angle - np.sin(angle)) / angle**3
    return -matrix @ _cross(point) @ (np.eye(3) - first * cross + second * cross @ cross), matrix


def _cross(v: Array) -> Array:
    return np.array([[0.0, -v[2], v[1]], [v[2], 0.0, -v[0]], [-v[1], v[0], 0.0]])
