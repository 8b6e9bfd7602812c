"""Elementary functions, applied to every element; and the choice between two arrays, element by element."""

import numpy as np

from gradaudit.ops._axes import Array, unbroadcast


def exp(x: Array) -> Array:
    """eˣ."""
    return np.exp(x)


def exp_vjp(x: Array, cotangent: Array) -> Array:
    """c·eˣ."""
    return cotangent * np.exp(x)


def log(x: Array) -> Array:
    """The natural logarithm; NaN below 0."""
    return np.log(x)


def log_vjp(x: Array, cotangent: Array) -> Array:
    """c / x."""
    return cotangent / x


def sin(x: Array) -> Array:
    """sin x, x in radians."""
    return np.sin(x)


def sin_vjp(x: Array, cotangent: Array) -> Array:
    """c·cos x."""
    return cotangent * np.cos(x)


def cos(x: Array) -> Array:
    """cos x, x in radians."""
    return np.cos(x)


def cos_vjp(x: Array, cotangent: Array) -> Array:
    """−c·sin x."""
    return -cotangent * np.sin(x)


def tan(x: Array) -> Array:
    """tan x, x in radians."""
    return np.tan(x)


def tan_vjp(x: Array, cotangent: Array) -> Array:
    """c·(1 + tan² x)."""
    slope = np.tan(x)
    return cotangent * (1.0 + slope * slope)


def clip(x: Array, low: float = -np.inf, high: float = np.inf) -> Array:
    """x, no lower than ``low`` and no higher than ``high`` (plain numbers)."""
    return np.minimum(np.maximum(x, low), high)


def clip_vjp(x: Array, cotangent: Array, low: float = -np.inf, high: float = np.inf) -> Array:
    """c where low ≤ x ≤ high, else 0: at the ends themselves the slope of the inside."""
    return np.where((x >= low) & (x <= high), cotangent, 0.0)


def maximum(a: Array, b: Array) -> Array:
    """The larger of a and b; shapes broadcast; NaN where either is."""
    return np.maximum(a, b)


def maximum_vjp(a: Array, b: Array, cotangent: Array) -> tuple[Array, Array]:
    """c goes to the larger; to ``a`` where both are equal."""
    first = a >= b
    return (
        unbroadcast(np.where(first, cotangent, 0.0), np.shape(a)),
        unbroadcast(np.where(first, 0.0, cotangent), np.shape(b)),
    )


def minimum(a: Array, b: Array) -> Array:
    """The smaller of a and b; shapes broadcast; NaN where either is."""
    return np.minimum(a, b)


def minimum_vjp(a: Array, b: Array, cotangent: Array) -> tuple[Array, Array]:
    """c goes to the smaller; to ``a`` where both are equal."""
    first = a <= b
    return (
        unbroadcast(np.where(first, cotangent, 0.0), np.shape(a)),
        unbroadcast(np.where(first, 0.0, cotangent), np.shape(b)),
    )
