"""Slopes of ``scipy.special``: elementwise, of the shape of x, unless they say otherwise. Numbers are of the DLMF."""

import numpy as np
from numpy.typing import NDArray
from scipy import special

Array = NDArray[np.float64]


def erf(x: Array) -> Array:
    """7.2.1"""
    return 2.0 / np.sqrt(np.pi) * np.exp(-x * x)


def erfc(x: Array) -> Array:
    """7.2.2"""
    return -erf(x)


def erfcx(x: Array) -> Array:
    """7.10.2, scaled by exp(x²)."""
    return 2.0 * x * special.erfcx(x) - 2.0 / np.sqrt(np.pi)


def erfinv(x: Array) -> Array:
    """Of the inverse: one over the slope at the value."""
    return 0.5 * np.sqrt(np.pi) * np.exp(special.erfinv(x) ** 2)


def dawsn(x: Array) -> Array:
    """7.5.1: the differential equation F' = 1 − 2xF."""
    return 1.0 - 2.0 * x * special.dawsn(x)


def ndtr(x: Array) -> Array:
    """The normal density."""
    return np.exp(-0.5 * x * x) / np.sqrt(2.0 * np.pi)


def log_ndtr(x: Array) -> Array:
    """Density over distribution, through logarithms so that the left tail keeps its digits."""
    return np.exp(-0.5 * x * x - 0.5 * np.log(2.0 * np.pi) - special.log_ndtr(x))


def ndtri(p: Array) -> Array:
    """Of the inverse."""
    return 1.0 / ndtr(special.ndtri(p))


def gamma(x: Array) -> Array:
    """5.2.2"""
    return special.gamma(x) * special.digamma(x)


def digamma(x: Array) -> Array:
    """5.15"""
    return special.polygamma(1, x)


def betaln(a: Array, b: Array) -> tuple[Array, Array]:
    """5.12.1, by logarithms."""
    both = special.digamma(a + b)
    return special.digamma(a) - both, special.digamma(b) - both


def gammainc(a: Array, x: Array) -> Array:
    """8.8.13, in x."""
    return np.exp((a - 1.0) * np.log(x) - x - special.gammaln(a))


def betainc(a: Array, b: Array, x: Array) -> Array:
    """8.17.1, in x."""
    return np.exp((a - 1.0) * np.log(x) + (b - 1.0) * np.log1p(-x) - special.betaln(a, b))


def j0(x: Array) -> Array:
    """10.6.3"""
    return -special.j1(x)


def k0(x: Array) -> Array:
    """10.29.3"""
    return -special.k1(x)


def spherical_bessel(x: Array, order: int) -> Array:
    """The spherical Bessel function itself: scipy takes the order first."""
    return special.spherical_jn(order, x)


def spherical_bessel_slope(x: Array, order: int) -> Array:
    """10.51.2"""
    return special.spherical_jn(order, x, derivative=True)


def first(x: Array, function: str, numbers: list[float]) -> Array:
    """The first value of a function of SciPy that gives several, after its orders and parameters."""
    return np.asarray(getattr(special, function)(*numbers, x)[0])


def second(x: Array, function: str, numbers: list[float]) -> Array:
    """The second: the slope that SciPy gives beside the value."""
    return np.asarray(getattr(special, function)(*numbers, x)[1])


def by_degrees(x: Array, function: str, numbers: list[float]) -> Array:
    """The first value, of an angle that SciPy takes in degrees and differentiates in radians."""
    return first(np.rad2deg(x), function, numbers)


def by_degrees_slope(x: Array, function: str, numbers: list[float]) -> Array:
    """Its slope by radians."""
    return second(np.rad2deg(x), function, numbers)


def harmonic(theta: Array, phi: Array, n: int, m: int) -> Array:
    """The real part of a spherical harmonic."""
    return np.real(special.sph_harm_y(n, m, theta, phi))


def harmonic_slopes(theta: Array, phi: Array, n: int, m: int) -> tuple[Array, Array]:
    """Its slopes, as SciPy has them."""
    slopes = np.real(special.sph_harm_y(n, m, theta, phi, diff_n=1)[1])
    return slopes[..., 0], slopes[..., 1]


def associated_legendre(x: Array, n: int, m: int) -> Array:
    """An associated Legendre function."""
    return np.asarray(special.assoc_legendre_p(n, m, x))


def associated_legendre_slope(x: Array, n: int, m: int) -> Array:
    """Its slope, as SciPy has it."""
    return np.asarray(special.assoc_legendre_p(n, m, x, diff_n=1)[1])


def airy_slope(x: Array, function: str, numbers: list[float]) -> Array:
    """Of the integral of Ai."""
    del function, numbers
    return np.asarray(special.airy(x)[0])


def airy(x: Array) -> tuple[Array, Array]:
    """Ai and Bi: two outputs."""
    ai, _, bi, _ = special.airy(x)
    return ai, bi


def airy_vjp(x: Array, cotangents: tuple[Array, Array]) -> Array:
    """scipy gives the slopes beside the values."""
    _, ai_slope, _, bi_slope = special.airy(x)
    return cotangents[0] * ai_slope + cotangents[1] * bi_slope


def fresnel_vjp(x: Array, cotangents: tuple[Array, Array]) -> Array:
    """7.2.7 and 7.2.8: the integrands."""
    return cotangents[0] * np.sin(0.5 * np.pi * x * x) + cotangents[1] * np.cos(0.5 * np.pi * x * x)


def sici_vjp(x: Array, cotangents: tuple[Array, Array]) -> Array:
    """6.2.9 and 6.2.11: the integrands."""
    return cotangents[0] * np.sin(x) / x + cotangents[1] * np.cos(x) / x


def exp1(x: Array) -> Array:
    """6.2.1"""
    return -np.exp(-x) / x


def ellipk(m: Array) -> Array:
    """19.4.1, in the parameter m = k²."""
    return (special.ellipe(m) / (1.0 - m) - special.ellipk(m)) / (2.0 * m)


def ellipe(m: Array) -> Array:
    """19.4.2, in the parameter m = k²."""
    return (special.ellipe(m) - special.ellipk(m)) / (2.0 * m)


def lambert(x: Array) -> Array:
    """The real branch of W."""
    return special.lambertw(x).real


def lambert_slope(x: Array) -> Array:
    """4.13.4"""
    w = lambert(x)
    return w / (x * (1.0 + w))


def hyp1f1(a: Array, b: Array, x: Array) -> Array:
    """13.3.15, in x."""
    return a / b * special.hyp1f1(a + 1.0, b + 1.0, x)


def hyp2f1(a: Array, b: Array, c: Array, x: Array) -> Array:
    """15.5.1, in x."""
    return a * b / c * special.hyp2f1(a + 1.0, b + 1.0, c + 1.0, x)


def legendre(n: int, x: Array) -> Array:
    """18.9.17"""
    return n * (x * special.eval_legendre(n, x) - special.eval_legendre(n - 1, x)) / (x * x - 1.0)


def chebyshev(n: int, x: Array) -> Array:
    """18.9.21"""
    return n * special.eval_chebyu(n - 1, x)


def hermite(n: int, x: Array) -> Array:
    """18.9.25"""
    return 2.0 * n * special.eval_hermite(n - 1, x)


def expit(x: Array) -> Array:
    """σ(x)·σ(−x)."""
    return special.expit(x) * special.expit(-x)


def log_expit(x: Array) -> Array:
    """σ(−x)."""
    return special.expit(-x)


def logit(p: Array) -> Array:
    """1/(p(1 − p))."""
    return 1.0 / (p * (1.0 - p))


def xlogy(x: Array, y: Array) -> tuple[Array, Array]:
    """(log y, x/y)."""
    return np.log(y), x / y


def entr(x: Array) -> Array:
    """−x·log x has the slope −log x − 1."""
    return -np.log(x) - 1.0


def rel_entr(x: Array, y: Array) -> tuple[Array, Array]:
    """x·log(x/y)."""
    return np.log(x / y) + 1.0, -x / y


def pseudo_huber(delta: Array, r: Array) -> Array:
    """δ²(√(1 + (r/δ)²) − 1), in r."""
    return r / np.sqrt(1.0 + (r / delta) ** 2)


def huber(delta: Array, r: Array) -> Array:
    """r, cut at ±δ."""
    return np.clip(r, -delta, delta)


def softmax_vjp(x: Array, cotangent: Array, axis: int) -> Array:
    """y·(c − Σ c·y)."""
    y = special.softmax(x, axis=axis)
    return y * (cotangent - (cotangent * y).sum(axis=axis, keepdims=True))


def log_softmax_vjp(x: Array, cotangent: Array, axis: int) -> Array:
    """c − y·Σ c."""
    return cotangent - special.softmax(x, axis=axis) * cotangent.sum(axis=axis, keepdims=True)
