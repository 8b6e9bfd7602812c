"""Derivatives of splines, integrals and transforms of SciPy."""

import numpy as np
from numpy.typing import NDArray
from scipy import fft, integrate, interpolate, ndimage, signal

Array = NDArray[np.float64]

_KNOTS = np.linspace(0.0, 6.0, 13)
_VALUES = np.sin(_KNOTS) + 0.3 * np.cos(3.0 * _KNOTS)
_SURFACE = np.outer(np.sin(_KNOTS), np.cos(0.7 * _KNOTS))

cubic = interpolate.CubicSpline(_KNOTS, _VALUES)
cubic_slope = cubic.derivative()
monotone = interpolate.PchipInterpolator(_KNOTS, _VALUES)
monotone_slope = monotone.derivative()
akima = interpolate.Akima1DInterpolator(_KNOTS, _VALUES)
akima_slope = akima.derivative()
quintic = interpolate.make_interp_spline(_KNOTS, _VALUES, k=5)
quintic_slope = quintic.derivative()
surface = interpolate.RectBivariateSpline(_KNOTS, _KNOTS, _SURFACE)


def height(x: Array, y: Array) -> Array:
    """A surface at the points (x, y)."""
    return surface.ev(x, y)


def height_slopes(x: Array, y: Array) -> tuple[Array, Array]:
    """The spline's own partial derivatives."""
    return surface.ev(x, y, dx=1), surface.ev(x, y, dy=1)


def interpolated(values: Array) -> Array:
    """A spline at fixed points, as a function of its values at the knots: linear.  # (5,) -> (4,)"""
    return interpolate.CubicSpline(np.arange(5.0), values)(np.array([0.3, 1.5, 2.2, 3.9]))


def interpolated_jacobian(values: Array) -> Array:
    """The cardinal splines."""
    return interpolate.CubicSpline(np.arange(5.0), np.eye(5))(np.array([0.3, 1.5, 2.2, 3.9]))


def integral(upper: Array) -> float:
    """∫₀ᵘ exp(−t²)·cos(3t) dt, adaptively."""
    return float(integrate.quad(_integrand, 0.0, float(upper))[0])


def integral_gradient(upper: Array) -> Array:
    """The integrand at the end."""
    return np.asarray(_integrand(upper))


def area(y: Array) -> float:
    """Simpson's rule over equal steps."""
    return float(integrate.simpson(y, dx=0.5))


def area_gradient(y: Array) -> Array:
    """The weights of the rule."""
    return 0.5 * np.array([1.0, 4.0, 2.0, 4.0, 2.0, 4.0, 1.0]) / 3.0


def populations(start: Array, rates: Array) -> Array:
    """Predator and prey after one unit of time.  # (2,), (4,) -> (2,)"""
    return _solved(lambda _, y: _growth(y, rates), start)


def populations_jacobian(start: Array, rates: Array) -> tuple[Array, Array]:
    """The variational equations, solved beside the state."""

    def grown(_: float, state: Array) -> Array:
        y, by_start, by_rates = state[:2], state[2:6].reshape(2, 2), state[6:].reshape(2, 4)
        slope, direct = _growth_jacobians(y, rates)
        return np.concatenate([_growth(y, rates), (slope @ by_start).ravel(), (slope @ by_rates + direct).ravel()])

    end = _solved(grown, np.concatenate([start, np.eye(2).ravel(), np.zeros(8)]))
    return end[2:6].reshape(2, 2), end[6:].reshape(2, 4)


def cosine_vjp(x: Array, cotangent: Array, norm: str) -> Array:
    """An orthonormal transform: the transpose is the inverse."""
    return fft.idct(cotangent, norm=norm)


def power(x: Array) -> Array:
    """The power spectrum |Σ x·exp(−2πi·jk/n)|².  # (n,) -> (n,)"""
    return np.abs(fft.fft(x)) ** 2


def power_vjp(x: Array, cotangent: Array) -> Array:
    """2·Re of the unscaled inverse of c·X."""
    return 2.0 * x.size * np.real(fft.ifft(cotangent * fft.fft(x)))


def convolve_vjp(a: Array, b: Array, cotangent: Array) -> tuple[Array, Array]:
    """Correlation with the other operand."""
    return signal.correlate(cotangent, b, mode="valid"), signal.correlate(cotangent, a, mode="valid")


def smoothed(x: Array) -> Array:
    """A recursive filter over x."""
    return signal.lfilter([0.2, 0.1], [1.0, -0.7], x)


def smoothed_vjp(x: Array, cotangent: Array) -> Array:
    """The same filter, backwards in time."""
    return smoothed(cotangent[::-1])[::-1].copy()


def blur_vjp(x: Array, cotangent: Array, sigma: float, mode: str) -> Array:
    """A symmetric kernel with zeros outside: the operator is its own transpose."""
    return ndimage.gaussian_filter(cotangent, sigma, mode=mode)


def _integrand(t: float | Array) -> float | Array:
    return np.exp(-t * t) * np.cos(3.0 * t)


def _growth(y: Array, rates: Array) -> Array:
    prey, predator = y
    return np.array([(rates[0] - rates[1] * predator) * prey, (rates[2] * prey - rates[3]) * predator])


def _growth_jacobians(y: Array, rates: Array) -> tuple[Array, Array]:
    prey, predator = y
    by_y = np.array(
        [[rates[0] - rates[1] * predator, -rates[1] * prey], [rates[2] * predator, rates[2] * prey - rates[3]]]
    )
    by_rates = np.array([[prey, -prey * predator, 0.0, 0.0], [0.0, 0.0, prey * predator, -predator]])
    return by_y, by_rates


def _solved(slope: object, start: Array) -> Array:
    return integrate.solve_ivp(slope, (0.0, 1.0), start, method="DOP853", rtol=1e-12, atol=1e-12).y[:, -1]
