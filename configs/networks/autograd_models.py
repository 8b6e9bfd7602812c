"""Functions over autograd.numpy: a network over a list of layers, a filter, and primitives with rules by hand."""

from collections.abc import Sequence
from typing import Any

import autograd.numpy as np
import numpy
from autograd.extend import defjvp, defvjp, primitive
from autograd.scipy.special import gammaln


def network(layers: Sequence[Any], x: Any) -> dict[str, Any]:
    """Linear layers with tanh between them; what it computes and what weight decay costs."""
    decay = 0.0
    for layer in layers:
        x = np.tanh(np.dot(x, layer["w"]) + layer["b"])
        decay = decay + np.sum(layer["w"] ** 2)
    return {"out": x, "decay": 0.01 * decay}


def kalman(transition: Any, noise: Any, y: Any) -> Any:
    """The log-likelihood of a scalar Kalman filter, step by step."""
    mean, variance, total = 0.0, 1.0, 0.0
    for observed in y:
        mean, variance = transition * mean, transition**2 * variance + noise[0] ** 2
        spread = variance + noise[1] ** 2
        total = total - 0.5 * ((observed - mean) ** 2 / spread + np.log(spread))
        gain = variance / spread
        mean, variance = mean + gain * (observed - mean), (1 - gain) * variance
    return total


def dirichlet(alpha: Any, p: Any) -> Any:
    """The log-density of a Dirichlet distribution."""
    return np.sum((alpha - 1) * np.log(p)) + gammaln(np.sum(alpha)) - np.sum(gammaln(alpha))


def gaussian(covariance: Any, y: Any) -> Any:
    """A zero-mean Gaussian's log-density."""
    return -0.5 * np.dot(y, np.linalg.solve(covariance, y)) - 0.5 * np.linalg.slogdet(covariance)[1]


@primitive
def logsumexp(x: Any) -> Any:
    """log Σ exp(x), which does not overflow."""
    largest = numpy.max(x)
    return largest + numpy.log(numpy.sum(numpy.exp(x - largest)))


defvjp(logsumexp, lambda out, x: lambda g: g * np.exp(x - out))
defjvp(logsumexp, lambda g, out, x: np.sum(g * np.exp(x - out)))


def evidence(x: Any, weight: Any) -> Any:
    """A primitive inside a function."""
    return logsumexp(x * weight) ** 2
