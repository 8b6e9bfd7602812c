"""Claims that are wrong by a rule: a sign, a factor, a term, a function. All are gradients of scalar functions."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def waves(x: Array) -> float:
    """Σ sin x."""
    return float(np.sin(x).sum())


def waves_sign(x: Array) -> Array:
    """The sign is wrong."""
    return -np.cos(x)


def waves_thousandth(x: Array) -> Array:
    """Off by 0.1 %."""
    return 1.001 * np.cos(x)


def waves_absolute(x: Array) -> Array:
    """The size without the sign."""
    return np.abs(np.cos(x))


def waves_clipped(x: Array) -> Array:
    """Clipped, as for training; not the gradient any more."""
    return np.clip(np.cos(x), -0.5, 0.5)


def waves_float16(x: Array) -> Array:
    """Accumulated in half precision: three digits are left."""
    return np.cos(x).astype(np.float16).astype(np.float64)


def waves_integer(x: Array) -> Array:
    """Rounded to integers on the way."""
    return np.rint(np.cos(x)).astype(np.int64)


def waves_primal(x: Array) -> Array:
    """The function instead of its derivative."""
    return np.sin(x)


def waves_coarse(x: Array) -> Array:
    """A central difference with a step that is too long, sold as a gradient."""
    return (np.sin(x + 0.1) - np.sin(x - 0.1)) / 0.2


def squares(x: Array) -> float:
    """Σ x²."""
    return float((x * x).sum())


def squares_half(x: Array) -> Array:
    """The factor 2 is forgotten."""
    return x.copy()


def squares_zero(x: Array) -> Array:
    """Zero, as from a graph that was cut."""
    return np.zeros_like(x)


def mean_square(x: Array) -> float:
    """Σ x²/n."""
    return float((x * x).mean())


def mean_square_summed(x: Array) -> Array:
    """The 1/n is forgotten."""
    return 2.0 * x


def sample_variance(x: Array) -> float:
    """Σ (x − mean)²/(n − 1)."""
    return float(x.var(ddof=1))


def sample_variance_divisor(x: Array) -> Array:
    """Divided by n, not by n − 1."""
    return 2.0 * (x - x.mean()) / x.size


def degrees(x: Array) -> float:
    """Σ sin x, x in degrees."""
    return float(np.sin(np.radians(x)).sum())


def degrees_unscaled(x: Array) -> Array:
    """The π/180 of the conversion is forgotten."""
    return np.cos(np.radians(x))


def decades(x: Array) -> float:
    """Σ log₁₀ x."""
    return float(np.log10(x).sum())


def decades_natural(x: Array) -> Array:
    """The derivative of the natural logarithm."""
    return 1.0 / x


def chirp(x: Array) -> float:
    """Σ sin x²."""
    return float(np.sin(x * x).sum())


def chirp_chain(x: Array) -> Array:
    """The inner derivative 2x is forgotten."""
    return np.cos(x * x)


def ramp(x: Array) -> float:
    """Σ x·eˣ."""
    return float((x * np.exp(x)).sum())


def ramp_product(x: Array) -> Array:
    """One of the two terms of the product rule."""
    return np.exp(x)


def penalised(x: Array) -> float:
    """Σ log cosh x + 0.3·Σ x²/2."""
    return float(np.log(np.cosh(x)).sum() + 0.15 * (x * x).sum())


def penalised_bare(x: Array) -> Array:
    """The penalty's gradient is missing."""
    return np.tanh(x)


def tilted(x: Array) -> float:
    """Σ log cosh x + 0.7·Σ x."""
    return float(np.log(np.cosh(x)).sum() + 0.7 * x.sum())


def tilted_bare(x: Array) -> Array:
    """The linear term's gradient is missing."""
    return np.tanh(x)


def smooth_size(x: Array) -> float:
    """Σ √(x² + 0.01)."""
    return float(np.sqrt(x * x + 0.01).sum())


def smooth_size_bare(x: Array) -> Array:
    """The epsilon under the root is forgotten."""
    return x / np.abs(x)


def huber(x: Array) -> float:
    """Σ of x²/2 where |x| ≤ 1, |x| − 1/2 beyond."""
    near = np.minimum(np.abs(x), 1.0)
    return float((near * (np.abs(x) - near / 2)).sum())


def huber_branch(x: Array) -> Array:
    """The quadratic branch's slope is used beyond it too."""
    return x.copy()


def sigmoids(x: Array) -> float:
    """Σ σ(x)."""
    return float((1.0 / (1.0 + np.exp(-x))).sum())


def sigmoids_of_output(x: Array) -> Array:
    """y(1 − y), but of the input instead of the output."""
    return x * (1.0 - x)


def series(x: Array) -> float:
    """Σ_{k=1}^{5} xᵏ/k, summed over x."""
    return float(sum((x**k / k).sum() for k in range(1, 6)))


def series_short(x: Array) -> Array:
    """The loop ends one term early."""
    return sum((x ** (k - 1) for k in range(1, 5)), np.zeros_like(x))


def roughness(x: Array) -> float:
    """Σ (x_{i+1} − x_i)²."""
    return float((np.diff(x) ** 2).sum())


def roughness_short(x: Array) -> Array:
    """The last difference is left out."""
    step = 2.0 * np.diff(x)
    step[-1] = 0.0
    return np.append(0.0, step) - np.append(step, 0.0)


def log_partition(x: Array) -> float:
    """log Σ eˣ."""
    return float(np.log(np.exp(x).sum()))


def log_partition_unnormalised(x: Array) -> Array:
    """Not divided by the sum."""
    return np.exp(x)


def corner(x: Array) -> float:
    """Σ |x|."""
    return float(np.abs(x).sum())


def corner_outside(x: Array) -> Array:
    """2 at the kink, which lies outside of [−1, 1]."""
    return np.where(x == 0, 2.0, np.sign(x))
