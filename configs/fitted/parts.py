"""Elementwise parts of statsmodels' models with its own derivatives: links, robust norms, generators of copulas."""

from typing import Any

import numpy as np
from statsmodels.distributions.copula import transforms
from statsmodels.genmod.families import links
from statsmodels.robust import norms


def link(share: Any, name: str) -> Any:
    """A link of a generalised linear model."""
    return getattr(links, name)()(share)


def link_slope(share: Any, name: str) -> Any:
    """Its ``deriv``."""
    return getattr(links, name)().deriv(share)


def link_curvature(share: Any, name: str) -> Any:
    """Its ``deriv2``, as the Hessian of the sum over all elements."""
    return np.diag(getattr(links, name)().deriv2(share))


def inverse(share: Any, name: str) -> Any:
    """The inverse of a link."""
    return getattr(links, name)().inverse(share)


def inverse_slope(share: Any, name: str) -> Any:
    """Its ``inverse_deriv``."""
    return getattr(links, name)().inverse_deriv(share)


def inverse_curvature(share: Any, name: str) -> Any:
    """Its ``inverse_deriv2``, as the Hessian of the sum over all elements."""
    return np.diag(getattr(links, name)().inverse_deriv2(share))


def robust_loss(z: Any, name: str) -> Any:
    """``rho`` of a robust norm."""
    return getattr(norms, name)().rho(z)


def robust_slope(z: Any, name: str) -> Any:
    """Its ``psi``."""
    return getattr(norms, name)().psi(z)


def robust_curvature(z: Any, name: str) -> Any:
    """Its ``psi_deriv``, as the Hessian of the sum over all elements."""
    return np.diag(getattr(norms, name)().psi_deriv(z))


def generator(t: Any, name: str, theta: float) -> Any:
    """The generator of an Archimedean copula."""
    return getattr(transforms, f"Transf{name}")().evaluate(t, theta)


def generator_slope(t: Any, name: str, theta: float) -> Any:
    """Its ``deriv``."""
    return getattr(transforms, f"Transf{name}")().deriv(t, theta)
