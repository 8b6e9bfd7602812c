"""What tests of the judge's parts share: one element, its differences made from a formula, and a claim about it."""

from collections.abc import Callable, Sequence

import numpy as np

from gradaudit.judge.element import Claim
from gradaudit.perturb.samples import Samples


def samples_of(f: Callable[[float], float], h: Sequence[float], *, x: float = 0.0, noise: float = 0.0) -> Samples:
    """Differences of f along one coordinate, over steps h, each in float64 as it comes; NaN where f has no value."""
    step = np.array(h, dtype=float)[:, None]
    rise = np.array([f(x + k) - f(x) for k in h])[:, None, None]
    fall = np.array([f(x) - f(x - k) for k in h])[:, None, None]
    return Samples(step, step, rise, fall, np.full(rise.shape, noise))


def claim_of(
    analytic: float,
    *,
    largest: float = 1.0,
    quiet: float = 0.0,
    rtol: float = 1e-6,
    resolution: float = 1e-3,
    atol: float = 0.0,
    rounding: float = 0.0,
) -> Claim:
    """A claim about one element of a function whose natural scale and magnitude are 1."""
    return Claim(
        analytic=np.array([[analytic]]),
        largest=np.array([[largest]]),
        natural=np.ones(1),
        quiet=np.array([quiet]),
        magnitude=np.ones(1),
        rtol=rtol,
        resolution=resolution,
        atol=atol,
        rounding=rounding,
    )
