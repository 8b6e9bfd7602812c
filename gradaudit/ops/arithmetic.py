"""Arithmetic of two broadcast operands (arrays or plain numbers), and of one.

Where an operand was broadcast, its gradient is summed back to the operand's own shape; a plain number counts as 0-d.
"""

import numpy as np

from gradaudit.ops._axes import Array, unbroadcast
from gradaudit.ops._elementwise import elementwise


@elementwise
def add(a: Array, b: Array) -> Array:
    """a + b; shapes broadcast."""
    return a + b


def add_vjp(a: Array, b: Array, cotangent: Array) -> tuple[Array, Array]:
    """(c, c), each summed to its operand's shape."""
    return unbroadcast(cotangent, np.shape(a)), unbroadcast(cotangent, np.shape(b))


@elementwise
def sub(a: Array, b: Array) -> Array:
    """a − b; shapes broadcast."""
    return a - b


def sub_vjp(a: Array, b: Array, cotangent: Array) -> tuple[Array, Array]:
    """(c, −c), each summed to its operand's shape."""
    return unbroadcast(cotangent, np.shape(a)), unbroadcast(-cotangent, np.shape(b))


@elementwise
def mul(a: Array, b: Array) -> Array:
    """a · b; shapes broadcast."""
    return a * b


def mul_vjp(a: Array, b: Array, cotangent: Array) -> tuple[Array, Array]:
    """(c·b, c·a), each summed to its operand's shape."""
    return unbroadcast(mul(cotangent, b), np.shape(a)), unbroadcast(mul(cotangent, a), np.shape(b))


@elementwise
def div(a: Array, b: Array) -> Array:
    """a / b; shapes broadcast."""
    return a / b


def div_vjp(a: Array, b: Array, cotangent: Array) -> tuple[Array, Array]:
    """(c/b, −c·a/b²), each summed to its operand's shape; a/b first, so that b² cannot overflow."""
    by_a = div(cotangent, b)
    return unbroadcast(by_a, np.shape(a)), unbroadcast(-mul(by_a, div(a, b)), np.shape(b))


@elementwise
def neg(x: Array) -> Array:
    """−x."""
    return -x


@elementwise
def neg_vjp(x: Array, cotangent: Array) -> Array:
    """−c."""
    return -cotangent


@elementwise
def pow(base: Array, exponent: Array) -> Array:
    """base ** exponent; shapes broadcast."""
    return np.power(base, exponent)


def pow_vjp(base: Array, exponent: Array, cotangent: Array) -> tuple[Array, Array]:
    """(c·e·bᵉ⁻¹, c·bᵉ·log b), each summed to its operand's shape.

    The derivative in the exponent is NaN for a negative base, where it does not exist, and 0 at base 0, its limit for
    exponents above 0; a constant exponent such as ``pow(x, 3.0)`` is therefore right for every base.
    """
    return (
        unbroadcast(mul(cotangent, _slope_in_base(base, exponent)), np.shape(base)),
        unbroadcast(mul(cotangent, _slope_in_exponent(base, exponent)), np.shape(exponent)),
    )


@elementwise
def _slope_in_base(base: Array, exponent: Array) -> Array:
    lowered = np.where(exponent == 0, 1.0, exponent - 1.0)  # 0 at exponent 0, also where base⁻¹ is infinite
    return exponent * np.power(base, lowered)


@elementwise
def _slope_in_exponent(base: Array, exponent: Array) -> Array:
    logarithm = np.where(base < 0, np.nan, np.log(np.where(base > 0, base, 1.0)))
    return np.power(base, exponent) * logarithm


@elementwise
def square(x: Array) -> Array:
    """x²."""
    return x * x


@elementwise
def square_vjp(x: Array, cotangent: Array) -> Array:
    """2·c·x."""
    return 2.0 * cotangent * x


@elementwise
def sqrt(x: Array) -> Array:
    """√x; NaN below 0."""
    return np.sqrt(x)


@elementwise
def sqrt_vjp(x: Array, cotangent: Array) -> Array:
    """c / (2·√x); infinite at 0."""
    return 0.5 * cotangent / np.sqrt(x)
