"""Elementary functions, applied to every element; and the choice between two arrays, element by element."""

import numpy as np

from gradaudit.ops._axes import Array, unbroadcast
from gradaudit.ops._elementwise import elementwise


@elementwise
def exp(x: Array) -> Array:
    """eˣ."""
    return np.exp(x)


@elementwise
def exp_vjp(x: Array, cotangent: Array) -> Array:
    """c·eˣ."""
    return cotangent * np.exp(x)


@elementwise
def log(x: Array) -> Array:
    """The natural logarithm; NaN below 0."""
    return np.log(x)


@elementwise
def log_vjp(x: Array, cotangent: Array) -> Array:
    """c / x."""
    return cotangent / x


@elementwise
def sin(x: Array) -> Array:
    """sin x, x in radians."""
    return np.sin(x)


@elementwise
def sin_vjp(x: Array, cotangent: Array) -> Array:
    """c·cos x."""
    return cotangent * np.cos(x)


@elementwise
def cos(x: Array) -> Array:
    """cos x, x in radians."""
    return np.cos(x)


@elementwise
def cos_vjp(x: Array, cotangent: Array) -> Array:
    """−c·sin x."""
    return -cotangent * np.sin(x)


@elementwise
def tan(x: Array) -> Array:
    """tan x, x in radians."""
    return np.tan(x)


@elementwise
def tan_vjp(x: Array, cotangent: Array) -> Array:
    """c·(1 + tan² x)."""
    slope = np.tan(x)
    return cotangent * (1.0 + slope * slope)


@elementwise
def clip(x: Array, low: float = -np.inf, high: float = np.inf) -> Array:
    """x, no lower than ``low`` and no higher than ``high`` (plain numbers)."""
    return np.minimum(np.maximum(x, low), high)


@elementwise
def clip_vjp(x: Array, cotangent: Array, low: float = -np.inf, high: float = np.inf) -> Array:
    """c where low ≤ x ≤ high, else 0: at the ends themselves the slope of the inside."""
    return np.where((x >= low) & (x <= high), cotangent, 0.0)


@elementwise
def maximum(a: Array, b: Array) -> Array:
    """The larger of a and b; shapes broadcast; NaN where either is."""
    return np.maximum(a, b)


def maximum_vjp(a: Array, b: Array, cotangent: Array) -> tuple[Array, Array]:
    """c goes to the larger; to ``a`` where both are equal."""
    return (
        unbroadcast(_where_not_less(a, b, cotangent, 0.0), np.shape(a)),
        unbroadcast(_where_not_less(a, b, 0.0, cotangent), np.shape(b)),
    )


@elementwise
def minimum(a: Array, b: Array) -> Array:
    """The smaller of a and b; shapes broadcast; NaN where either is."""
    return np.minimum(a, b)


def minimum_vjp(a: Array, b: Array, cotangent: Array) -> tuple[Array, Array]:
    """c goes to the smaller; to ``a`` where both are equal."""
    return (
        unbroadcast(_where_not_more(a, b, cotangent, 0.0), np.shape(a)),
        unbroadcast(_where_not_more(a, b, 0.0, cotangent), np.shape(b)),
    )


@elementwise
def _where_not_less(a: Array, b: Array, yes: Array | float, no: Array | float) -> Array:
    return np.where(a >= b, yes, no)


@elementwise
def _where_not_more(a: Array, b: Array, yes: Array | float, no: Array | float) -> Array:
    return np.where(a <= b, yes, no)
