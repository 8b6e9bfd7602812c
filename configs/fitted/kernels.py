"""Covariance matrices of scikit-learn's Gaussian process kernels, by their hyperparameters, with its own gradients."""

from typing import Any

import numpy as np
from sklearn.gaussian_process import GaussianProcessRegressor, kernels

POINTS = np.array([[0.1, -0.4], [1.3, 0.2], [-0.7, 0.9], [0.5, 1.6]])
HEIGHTS = np.array([0.3, -1.2, 0.8, 0.5])

KERNELS: dict[str, Any] = {
    "rbf": kernels.RBF(),
    "rbf/anisotropic": kernels.RBF([1.0, 2.0]),
    "matern 1/2": kernels.Matern(nu=0.5),
    "matern 3/2": kernels.Matern(nu=1.5),
    "matern 5/2": kernels.Matern(nu=2.5),
    "matern 5/2, anisotropic": kernels.Matern([1.0, 2.0], nu=2.5),
    "rational quadratic": kernels.RationalQuadratic(),
    "periodic": kernels.ExpSineSquared(),
    "dot product": kernels.DotProduct(),
    "sum": kernels.ConstantKernel() * kernels.RBF() + kernels.WhiteKernel(),
    "power": kernels.RationalQuadratic() ** 2,
}


def covariance(theta: Any, name: str) -> Any:
    """K(theta), theta the logarithms of the hyperparameters."""
    return KERNELS[name].clone_with_theta(theta)(POINTS)


def covariance_jacobian(theta: Any, name: str) -> Any:
    """What scikit-learn gives beside K(theta) with ``eval_gradient=True``."""
    return KERNELS[name].clone_with_theta(theta)(POINTS, eval_gradient=True)[1]


def _regressor() -> Any:
    kernel = kernels.ConstantKernel() * kernels.RBF([1.0, 1.0]) + kernels.WhiteKernel(0.1)
    return GaussianProcessRegressor(kernel, optimizer=None).fit(POINTS, HEIGHTS)


def evidence(theta: Any) -> Any:
    """The log marginal likelihood of a regression beside its gradient."""
    return _regressor().log_marginal_likelihood(theta, eval_gradient=True)
