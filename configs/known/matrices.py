"""Derivatives of ``scipy.linalg`` and ``scipy.sparse``; the rules are those of Giles (2008) where nothing is said."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse
from scipy.sparse import linalg as sparse_linalg

Array = NDArray[np.float64]


def log_det(a: Array) -> float:
    """log |det A|."""
    return float(np.linalg.slogdet(a)[1])


def log_det_gradient(a: Array) -> Array:
    """A⁻ᵀ."""
    return linalg.inv(a).T


def det_gradient(a: Array) -> Array:
    """det A·A⁻ᵀ (Jacobi)."""
    return linalg.det(a) * linalg.inv(a).T


def inverse_vjp(a: Array, cotangent: Array) -> Array:
    """−A⁻ᵀ·C·A⁻ᵀ."""
    inverse = linalg.inv(a)
    return -inverse.T @ cotangent @ inverse.T


def solve_vjp(a: Array, b: Array, cotangent: Array) -> tuple[Array, Array]:
    """b̄ = A⁻ᵀ·c, Ā = −b̄·xᵀ."""
    d_b = linalg.solve(a.T, cotangent)
    return -np.outer(d_b, linalg.solve(a, b)), d_b


def expm_jvp(a: Array, tangent: Array) -> Array:
    """The Fréchet derivative, which scipy has."""
    return linalg.expm_frechet(a, tangent, compute_expm=False)


def square_root(a: Array) -> Array:
    """The principal square root of AᵀA + 1."""
    return np.real(linalg.sqrtm(a.T @ a + np.eye(a.shape[0])))


def square_root_jvp(a: Array, tangent: Array) -> Array:
    """R·Ṙ + Ṙ·R = d(AᵀA), a Sylvester equation."""
    root = square_root(a)
    moved = tangent.T @ a
    return linalg.solve_sylvester(root, root, moved + moved.T)


def eigenvalues(a: Array) -> Array:
    """Of the symmetric part, ascending.  # (n, n) -> (n,)"""
    return linalg.eigvalsh((a + a.T) / 2.0)


def eigenvalues_vjp(a: Array, cotangent: Array) -> Array:
    """V·diag(c)·Vᵀ for simple eigenvalues."""
    _, vectors = linalg.eigh((a + a.T) / 2.0)
    return (vectors * cotangent) @ vectors.T


def singular_values_vjp(a: Array, cotangent: Array) -> Array:
    """U·diag(c)·Vᵀ for simple singular values."""
    left, _, right = linalg.svd(a, full_matrices=False)
    return (left * cotangent) @ right


def cholesky(a: Array) -> Array:
    """The lower factor of AᵀA + 1."""
    return linalg.cholesky(a.T @ a + np.eye(a.shape[0]), lower=True)


def cholesky_jvp(a: Array, tangent: Array) -> Array:
    """L·Φ(L⁻¹·d(AᵀA)·L⁻ᵀ): Φ takes the lower triangle and half of the diagonal."""
    factor = cholesky(a)
    moved = tangent.T @ a
    inner = linalg.solve_triangular(factor, moved + moved.T, lower=True)
    inner = linalg.solve_triangular(factor, inner.T, lower=True)
    return factor @ (np.tril(inner) - 0.5 * np.diag(np.diag(inner)))


LAPLACIAN = sparse.diags_array([np.ones(11), np.full(12, -2.0), np.ones(11)], offsets=[-1, 0, 1]).tocsc()


def laplacian(u: Array) -> Array:
    """A sparse operator on a vector."""
    return LAPLACIAN @ u


def laplacian_jacobian(u: Array) -> Any:
    """The operator itself."""
    return LAPLACIAN


def reaction(u: Array) -> Array:
    """Bratu's equation on a line: u'' + e^u."""
    return LAPLACIAN @ u + np.exp(u)


def reaction_jacobian(u: Array) -> Any:
    """Sparse plus diagonal."""
    return LAPLACIAN + sparse.diags_array(np.exp(u))


def steady_state(source: Array) -> Array:
    """(1 − Laplacian)⁻¹ of a source, by a sparse solver."""
    return sparse_linalg.spsolve((sparse.eye_array(12) - LAPLACIAN).tocsc(), source)


def steady_state_vjp(source: Array, cotangent: Array) -> Array:
    """The operator is symmetric."""
    return steady_state(cotangent)


def diffusion(u: Array) -> Array:
    """A step of the heat equation: the exponential of the Laplacian."""
    return sparse_linalg.expm_multiply(0.3 * LAPLACIAN, u)


def diffusion_jvp(u: Array, tangent: Array) -> Array:
    """Linear in u."""
    return diffusion(tangent)
