"""Scores: derivatives of log-densities of ``scipy.stats`` in the variable and the parameters."""

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

Array = NDArray[np.float64]


def normal_score(x: Array, mean: Array, std: Array) -> tuple[Array, Array, Array]:
    """In x, location and scale."""
    z = (x - mean) / std
    return -z / std, z / std, (z * z - 1.0) / std


def student_score(x: Array, df: Array) -> tuple[Array, Array]:
    """In x and in the degrees of freedom."""
    ratio = x * x / df
    by_df = special.digamma((df + 1.0) / 2.0) - special.digamma(df / 2.0) - 1.0 / df - np.log1p(ratio)
    return -(df + 1.0) * x / (df + x * x), 0.5 * (by_df + (df + 1.0) * ratio / (df * (1.0 + ratio)))


def gamma_score(x: Array, shape: Array) -> tuple[Array, Array]:
    """In x and in the shape."""
    return (shape - 1.0) / x - 1.0, np.log(x) - special.digamma(shape)


def beta_score(x: Array, a: Array, b: Array) -> tuple[Array, Array, Array]:
    """In x and both parameters."""
    both = special.digamma(a + b)
    by_x = (a - 1.0) / x - (b - 1.0) / (1.0 - x)
    return by_x, np.log(x) - special.digamma(a) + both, np.log1p(-x) - special.digamma(b) + both


def poisson_score(count: NDArray[np.int64], rate: Array) -> Array:
    """In the rate: counts are not differentiated."""
    return count / rate - 1.0


def von_mises_score(x: Array, kappa: Array) -> tuple[Array, Array]:
    """In the angle and the concentration."""
    return -kappa * np.sin(x), np.cos(x) - special.i1e(kappa) / special.i0e(kappa)


def multivariate_normal(x: Array, mean: Array, root: Array) -> float:
    """log-density with the covariance root·rootᵀ + 1.  # (k,), (k,), (k, k) -> ()"""
    return float(stats.multivariate_normal.logpdf(x, mean, root @ root.T + np.eye(mean.size)))


def multivariate_normal_score(x: Array, mean: Array, root: Array) -> tuple[Array, Array, Array]:
    """Through the covariance Σ: −½(Σ⁻¹ − Σ⁻¹rrᵀΣ⁻¹)."""
    inverse = np.linalg.inv(root @ root.T + np.eye(mean.size))
    pull = inverse @ (x - mean)
    return -pull, pull, (np.outer(pull, pull) - inverse) @ root


def normal_cdf(x: Array) -> Array:
    """The density."""
    return stats.norm.pdf(x)


#: Distributions of positive numbers, or of all, and shapes for them.
DISTRIBUTIONS: dict[str, tuple[float, ...]] = {
    "norm": (),
    "t": (3.5,),
    "gamma": (2.5,),
    "lognorm": (0.9,),
    "weibull_min": (1.8,),
    "invgauss": (0.7,),
    "f": (5.0, 7.0),
    "betaprime": (3.0, 4.0),
    "burr12": (2.0, 3.0),
    "genextreme": (-0.3,),
    "johnsonsu": (0.6, 1.4),
    "skewnorm": (2.0,),
    "exponnorm": (1.5,),
    "nct": (6.0, 0.5),
    "ncx2": (3.0, 1.2),
    "rice": (0.8,),
    "recipinvgauss": (0.6,),
    "loggamma": (1.7,),
    "vonmises": (1.3,),
    "gengamma": (2.0, 1.4),
}


def cumulated(x: Array, name: str) -> Array:
    """The distribution function of a distribution."""
    return np.asarray(getattr(stats, name)(*DISTRIBUTIONS[name]).cdf(x))


def density(x: Array, name: str) -> Array:
    """Its density, which is the slope of that."""
    return np.asarray(getattr(stats, name)(*DISTRIBUTIONS[name]).pdf(x))
