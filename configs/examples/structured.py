"""Functions of symmetric matrices and of points of a simplex, with their derivatives.

A gradient of a function of symmetric matrices may be given as it comes or symmetrised, one over a simplex up to a
constant in each row: both say the same of every move that stays inside.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def log_determinant(x: Array) -> float:
    """log det x by Cholesky, which reads one triangle and raises outside of the cone.  # (..., n, n) -> ()"""
    return float(2.0 * np.log(np.linalg.cholesky(x).diagonal(axis1=-2, axis2=-1)).sum())


def log_determinant_gradient(x: Array) -> Array:
    """(x⁻¹)ᵀ (Jacobi's formula)."""
    return np.linalg.inv(x).swapaxes(-1, -2)


def log_determinant_hvp(x: Array, v: Array) -> Array:
    """−x⁻¹ v x⁻¹ for symmetric v."""
    inverse = np.linalg.inv(x)
    return -inverse @ v @ inverse


def largest_eigenvalue(x: Array) -> float:
    """max λ(x).  # (n, n) -> ()"""
    return float(np.linalg.eigvalsh(x)[-1])


def largest_eigenvalue_gradient(x: Array) -> Array:
    """v vᵀ, with v the unit eigenvector (Hellmann–Feynman)."""
    v = np.linalg.eigh(x)[1][:, -1]
    return np.outer(v, v)


def root_trace(x: Array) -> float:
    """tr x^{1/2}.  # (n, n) -> ()"""
    return float(np.sqrt(np.linalg.eigvalsh(x)).sum())


def root_trace_gradient(x: Array) -> Array:
    """½ x^{−1/2}"""
    w, v = np.linalg.eigh(x)
    return 0.5 * (v / np.sqrt(w)) @ v.T


def inverse(x: Array) -> Array:
    """x⁻¹  # (n, n) -> (n, n)"""
    return np.linalg.inv(x)


def inverse_jvp(x: Array, tangent: Array) -> Array:
    """−x⁻¹ dx x⁻¹"""
    return -inverse(x) @ tangent @ inverse(x)


def inverse_vjp(x: Array, cotangent: Array) -> Array:
    """−x⁻ᵀ c x⁻ᵀ"""
    return -inverse(x).T @ cotangent @ inverse(x).T


def entropy(p: Array) -> float:
    """−Σ p log p  # (..., n) -> ()"""
    return float(-(p * np.log(p)).sum())


def entropy_gradient(p: Array) -> Array:
    """−log p − 1, of which no move within the simplex sees the constant."""
    return -np.log(p) - 1.0


def entropy_hessian(p: Array) -> Array:
    """diag(−1/p)"""
    return np.diag(-1.0 / p)


def cross_entropy(target: Array, logits: Array) -> float:
    """log Σ exp z − p·z, summed over rows.  # (m, n), (m, n) -> ()"""
    return float((np.log(np.exp(logits).sum(axis=-1)) - (target * logits).sum(axis=-1)).sum())


def cross_entropy_gradient(target: Array, logits: Array) -> tuple[Array, Array]:
    """−z and softmax z − p"""
    weights = np.exp(logits)
    return -logits, weights / weights.sum(axis=-1, keepdims=True) - target
