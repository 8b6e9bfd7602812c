"""Claims that have not the form of a derivative: wrong shape, type or count, not finite, or with side effects."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def waves(x: Array) -> float:
    """Σ sin x."""
    return float(np.sin(x).sum())


def nothing(x: Array) -> None:
    """A forgotten return."""


def column(x: Array) -> Array:
    """(n, 1) instead of (n,)."""
    return np.cos(x)[:, None]


def shorter(x: Array) -> Array:
    """One element too few."""
    return np.cos(x)[:-1]


def number(x: Array) -> float:
    """Summed to one number."""
    return float(np.cos(x).sum())


def complex_numbers(x: Array) -> NDArray[np.complex128]:
    """The complex step, with the imaginary part still in it."""
    return np.cos(x) + 0.0j


def objects(x: Array) -> Any:
    """An array of Python objects with a None among them."""
    gradient = np.cos(x).astype(object)
    gradient[1] = None
    return gradient


def in_place(x: Array) -> Array:
    """The input's memory is used for the result."""
    np.cos(x, out=x)
    return x


def sinc(x: Array) -> float:
    """Σ sin x/x, 1 at zero."""
    return float(np.sinc(x / np.pi).sum())


def sinc_hole(x: Array) -> Array:
    """0/0 at zero, where the function is smooth."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.cos(x) / x - np.sin(x) / (x * x)


def logistic(x: Array) -> float:
    """Σ log(1 + eˣ)."""
    return float(np.logaddexp(0.0, x).sum())


def logistic_overflow(x: Array) -> Array:
    """eˣ/(1 + eˣ) is Inf/Inf for large x."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.exp(x) / (1.0 + np.exp(x))


def dot(a: Array, b: Array) -> float:
    """a·b."""
    return float(a @ b)


def dot_one_of_two(a: Array, b: Array) -> Array:
    """The gradient of one input where two are differentiated."""
    return b.copy()


def dot_three(a: Array, b: Array) -> tuple[Array, Array, Array]:
    """One gradient too many."""
    return b.copy(), a.copy(), a.copy()


def waves_other_value(x: Array) -> tuple[float, Array]:
    """The value beside the gradient is that of another function."""
    return float(np.sin(x).mean()), np.cos(x)
