"""Weighted least-squares fits of differences against h²: where noise is what widens the bar, many steps average it out.

D(h) = d + c₁h² + c₂h⁴ + … over every window of neighbouring steps. A fit counts only where each residual lies inside
the noise bound of its step; its truncation is how far the next degree moves d.

All windows are fitted at once. One QR decomposition A = QR of a window's largest design has the fits of all lower
degrees in its leading columns: with w the solution of wR = e₀ᵀ, the fit of degree k has at h = 0 the value
Σ_{j≤k} w_j·(Qᵀy)_j, whose noise is √Σ_{j≤k} w_j² (Golub and Van Loan, "Matrix Computations", section 5.3).
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

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
    if len(h) < SPARE + 2:
        return None
    windows = _Windows.over(len(h))
    fits = _fitted(windows, h, quotient, noise)
    bar = np.abs(np.diff(fits.value, axis=1)) + fits.spread[:, :-1]
    bar = np.fmax(bar, _to_agree(windows, fits.value[:, :-1], quotient, noise))
    bar = np.where(fits.good[:, :-1] & fits.good[:, 1:], bar, np.inf)
    window, degree = np.unravel_index(int(np.argmin(bar)), bar.shape)
    best = float(bar[window, degree])
    if best == np.inf:
        return None
    value, spread = float(fits.value[window, degree]), float(fits.spread[window, degree])
    return value, best, spread, float(h[windows.stop[window] - 1])


@dataclass(frozen=True)
class _Windows:
    """W ranges of neighbouring steps among K, each long enough for two fits."""

    start: NDArray[np.intp]  #: (W,)
    stop: NDArray[np.intp]  #: (W,)
    inside: NDArray[np.bool_]  #: (W, K)

    @classmethod
    def over(cls, count: int) -> "_Windows":
        start, last = np.triu_indices(count, SPARE + 1)
        step = np.arange(count)
        return cls(start, last + 1, (step >= start[:, None]) & (step <= last[:, None]))


@dataclass(frozen=True)
class _Fits:
    """Fits of rising degrees over each window: (W, G) arrays."""

    value: Array  #: at h = 0
    spread: Array  #: its noise
    good: NDArray[np.bool_]  #: all residuals are inside the noise, from the first degree where they are


def _fitted(windows: _Windows, h: Array, quotient: Array, noise: Array) -> _Fits:
    degrees = np.arange(min(DEGREES + 1, len(h) - SPARE - 1) + 1)
    weight = np.where(windows.inside, 1 / noise, 0.0)
    z = np.where(windows.inside, (h / h[windows.start, None]) ** 2, 0.0)
    q, r = np.linalg.qr(weight[..., None] * z[..., None] ** degrees)
    y = weight * quotient
    projected = np.einsum("wkg,wk->wg", q, y)
    row = _first_row_of_inverse(r)
    residual = np.cumsum(q * projected[:, None], axis=2) - y[..., None]
    with np.errstate(invalid="ignore"):  # of degrees that a window is too short for
        value, spread = np.cumsum(row * projected, axis=1), np.sqrt(np.cumsum(row**2, axis=1))
    met = (np.abs(residual) <= 1).all(axis=1) & (degrees < (windows.stop - windows.start - SPARE)[:, None])
    missed_after = np.logical_or.accumulate(np.logical_or.accumulate(met, axis=1) & ~met, axis=1)
    return _Fits(value, spread, met & ~missed_after)


def _first_row_of_inverse(r: Array) -> Array:
    """w with wR = e₀ᵀ for upper triangles r (W, G, G): (W, G); its first entries belong to the leading triangle."""
    row = np.zeros(r.shape[:2])
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # of degrees that a window is too short for
        row[:, 0] = 1 / r[:, 0, 0]
        for g in range(1, r.shape[1]):
            row[:, g] = -np.einsum("wg,wg->w", row[:, :g], r[:, :g, g]) / r[:, g, g]
    return row


def _to_agree(windows: _Windows, value: Array, quotient: Array, noise: Array) -> Array:
    """(W, G) how wide a bar must be to agree with every finer difference within its own noise."""
    finer = np.arange(quotient.size) >= windows.stop[:, None]
    with np.errstate(invalid="ignore"):
        excess = np.abs(quotient[:, None] - value[:, None, :]) - noise[:, None]
    return np.asarray(np.where(finer[..., None], excess, -np.inf).max(axis=1))
