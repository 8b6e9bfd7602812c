"""Weighted least-squares fits of differences against h²: where noise is what widens the bar, many steps average it out.

D(h) = d + c₁h² + c₂h⁴ + … over every window of neighbouring steps. A fit counts only where each residual lies inside
the noise bound of its step; its truncation is how far the next degree moves d.
"""

from dataclasses import replace
from itertools import pairwise

import numpy as np

from gradaudit.perturb.extrapolation import Limit
from gradaudit.perturb.samples import Array

#: Highest power of h² in a fit.
DEGREES = 3
#: A fit needs this many steps more than it has coefficients: without them it cannot be seen to fail.
SPARE = 2


def refined(limit: Limit, h: Array, quotient: Array, noise: Array) -> Limit:
    """``limit`` (…), replaced by the best fit where that has a smaller bar. Arrays as in ``extrapolate``, order 2."""
    value, bar, spread, finest = (a.copy() for a in (limit.value, limit.bar, limit.noise, limit.h))
    for place in np.ndindex(limit.value.shape):
        column = (slice(None), *place)
        fit = best_fit(h[column], quotient[column], noise[column])
        if fit is not None and fit[1] < bar[place]:
            value[place], bar[place], spread[place], finest[place] = fit
    truncation = np.subtract(bar, spread, out=np.full_like(bar, np.inf), where=np.isfinite(spread))
    return replace(limit, value=value, bar=bar, noise=spread, truncation=truncation, h=finest)


def best_fit(h: Array, quotient: Array, noise: Array) -> tuple[float, float, float, float] | None:
    """(value, bar, noise part of the bar, finest step) of the fit with the smallest bar over steps h (K,), or None."""
    finite = np.isfinite(quotient) & np.isfinite(noise) & (noise > 0)
    h, quotient, noise = h[finite], quotient[finite], noise[finite]
    best: tuple[float, float, float, float] | None = None
    for start in range(len(h)):
        for stop in range(start + SPARE + 2, len(h) + 1):
            window = slice(start, stop)
            fits = _fits(h[window], quotient[window], noise[window])
            for (value, spread), (next_value, _) in pairwise(fits):
                bar = abs(value - next_value) + spread
                bar = _agreeing(value, bar, quotient[stop:], noise[stop:])
                if best is None or bar < best[1]:
                    best = (value, bar, min(spread, bar), float(h[stop - 1]))
    return best


def _fits(h: Array, quotient: Array, noise: Array) -> list[tuple[float, float]]:
    """(value at h = 0, its noise) for rising degrees, from the first whose residuals are all inside the noise."""
    z = (h / h[0]) ** 2
    fits = []
    for degree in range(min(DEGREES + 1, len(h) - SPARE - 1) + 1):
        design = np.vander(z, degree + 1, increasing=True) / noise[:, None]
        inverse = np.linalg.pinv(design)
        coefficients = inverse @ (quotient / noise)
        inside = (np.abs(design @ coefficients - quotient / noise) <= 1).all()
        if inside:
            fits.append((float(coefficients[0]), float(np.sqrt((inverse[0] ** 2).sum()))))
        elif fits:
            break
    return fits


def _agreeing(value: float, bar: float, finer: Array, noise: Array) -> float:
    """The bar, at least wide enough to agree with every finer difference within its own noise."""
    if finer.size == 0:
        return bar
    return max(bar, float(np.max(np.abs(finer - value) - noise)))
