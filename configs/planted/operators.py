"""Wrong Jacobians, Hessians and products with them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Array = NDArray[np.float64]


def chain(x: Array) -> Array:
    """x_i² + 2·x_{i+1}, the last without a neighbour.  # (n,) -> (n,)"""
    return x * x + 2.0 * np.append(x[1:], 0.0)


def _chain_jacobian(x: Array) -> Any:
    """The right one, sparse."""
    return sparse.diags_array([2.0 * x, np.full(x.size - 1, 2.0)], offsets=[0, 1]).tolil()


def chain_dropped(x: Array) -> Any:
    """An entry outside of the claimed pattern."""
    jacobian = _chain_jacobian(x)
    jacobian[2, 3] = 0.0
    return jacobian.tocsr()


def chain_transposed(x: Array) -> Array:
    """The transpose."""
    return _chain_jacobian(x).toarray().T


def chain_row(x: Array) -> Any:
    """Row 1 belongs to another function."""
    jacobian = _chain_jacobian(x)
    jacobian[1] = np.full((1, x.size), 0.5)
    return jacobian.tocsr()


def chain_row_scaled(x: Array) -> Any:
    """Row 4 has forgotten its unit."""
    jacobian = _chain_jacobian(x)
    jacobian[[4]] *= 1000.0
    return jacobian.tocsr()


def chain_extra(x: Array) -> Any:
    """An entry where the function has none."""
    jacobian = _chain_jacobian(x)
    jacobian[0, 5] = 0.3
    return jacobian.tocsr()


def chain_jvp_primal(x: Array, tangent: Array) -> Array:
    """The neighbour's tangent is replaced by the neighbour."""
    return 2.0 * x * tangent + 2.0 * np.append(x[1:], 0.0)


def product(a: Array, b: Array) -> Array:
    """a·b, elementwise."""
    return a * b


def product_vjp(a: Array, b: Array, cotangent: Array) -> tuple[Array, Array]:
    """The right one."""
    return b * cotangent, a * cotangent


def product_jvp_one(a: Array, b: Array, a_tangent: Array, b_tangent: Array) -> Array:
    """The second tangent is not used."""
    return a_tangent * b


def product_jvp_sign(a: Array, b: Array, a_tangent: Array, b_tangent: Array) -> Array:
    """Minus between the two terms, as in the quotient rule."""
    return a_tangent * b - a * b_tangent


def coupled(x: Array) -> float:
    """Σ sin(x_i)·x_{i+1} + x⁴.  # (n,) -> ()"""
    return float((np.sin(x[:-1]) * x[1:]).sum() + (x**4).sum())


def coupled_gradient(x: Array) -> Array:
    """The right gradient."""
    gradient = 4.0 * x**3
    gradient[:-1] += np.cos(x[:-1]) * x[1:]
    gradient[1:] += np.sin(x[:-1])
    return gradient


def _coupled_hessian(x: Array) -> Array:
    """The right Hessian."""
    diagonal = 12.0 * x**2
    diagonal[:-1] -= np.sin(x[:-1]) * x[1:]
    beside = np.cos(x[:-1])
    return np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1)


def hessian_triangle(x: Array) -> Array:
    """Only the upper triangle is filled."""
    return np.triu(_coupled_hessian(x))


def hessian_diagonal(x: Array) -> Array:
    """Only the diagonal."""
    return np.diag(np.diag(_coupled_hessian(x)))


def hessian_gauss_newton(x: Array) -> Array:
    """The second derivative of the sine is left out."""
    beside = np.cos(x[:-1])
    return np.diag(12.0 * x**2) + np.diag(beside, 1) + np.diag(beside, -1)


def hvp_half(x: Array, vector: Array) -> Array:
    """The 1/2 of the Taylor term got into the product."""
    return 0.5 * _coupled_hessian(x) @ vector


def hvp_diagonal(x: Array, vector: Array) -> Array:
    """The coupling is left out."""
    return np.diag(_coupled_hessian(x)) * vector


def hvp_ignores_vector(x: Array, vector: Array) -> Array:
    """The Hessian times ones, whatever the vector."""
    return _coupled_hessian(x) @ np.ones_like(vector)
