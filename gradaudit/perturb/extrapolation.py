"""From differences at several steps to a derivative with an error bar.

Richardson extrapolation in a Neville table; every entry carries a truncation estimate from the *observed* rate of
convergence, and the noise that its weights let through. The entry with the smallest bar wins, after each has been held
against every finer difference (the pointwise adaptive choice of Lepski and Spokoiny, Ann. Stat. 25, 1997).
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gradaudit.perturb.samples import Array

#: Columns of the table beyond the raw differences.
COLUMNS = 3
#: Noise bounds are also tried at these multiples, for functions noisier than they looked.
LOUDER = (1.0, 4.0, 16.0, 64.0)
#: An observed rate within this factor of the theoretical one confirms the theory.
RATE_FACTOR = 3.0
SLOWEST_RATE = 1.25
#: Numbers that are looked at in one step: small tables at once, large ones in steps that stay in the cache.
ROOM = 2**14


@dataclass(frozen=True)
class Limit:
    """The limit of a difference quotient as h → 0, with its error bar. Arrays (…): one entry per element."""

    value: Array  #: NaN where there are too few steps
    truncation: Array
    noise: Array
    bar: Array  #: truncation + noise, widened to agree with every finer difference; inf where unknown
    h: Array  #: the finest step of the winning entry
    candidates: Array  #: (C, …) all extrapolated values,
    candidate_bars: Array  #: (C, …) and their own bars


def extrapolate(h: Array, quotient: Array, noise: Array, *, order: int) -> Limit:
    """The limit of ``quotient`` (K, …) at steps ``h`` (K, …), largest first, whose error is a series in h^``order``.

    ``order`` is 2 for central differences and 1 for one-sided slopes; ``noise`` (K, …) bounds the noise of each
    quotient. NaN quotients are left out. Raises nothing: where fewer than two steps are finite, bar is inf.
    """
    h, quotient, noise = _without_gaps(h, quotient, noise)
    if len(h) < 2:
        return _unknown(quotient)
    entries = [_column(h, quotient, noise, order=order, column=j) for j in range(1, min(COLUMNS, len(h) - 1) + 1)]
    _no_unconfirmed_gain(entries)
    return _smallest(h, quotient, noise, entries, order=order)


@dataclass
class _Entries:
    """Column j of the table: entry k uses steps k−j … k; rows 0 … j−1 do not exist (NaN)."""

    value: Array
    truncation: Array
    noise: Array
    confirmed: NDArray[np.bool_]


def _without_gaps(h: Array, quotient: Array, noise: Array) -> tuple[Array, Array, Array]:
    """Missing steps moved to the end of each element's own list, and rows that nobody has cut off."""
    finite = np.isfinite(quotient) & np.isfinite(h)
    if finite.all():
        return h, quotient, noise
    order = np.argsort(~finite, axis=0, kind="stable")
    rows = int(finite.sum(axis=0).max(initial=0))
    h, quotient, noise = (
        np.take_along_axis(np.where(finite, a, np.nan), order, axis=0)[:rows] for a in (h, quotient, noise)
    )
    return h, quotient, noise


def _unknown(quotient: Array) -> Limit:
    shape = quotient.shape[1:]
    value = quotient[0] if len(quotient) else np.full(shape, np.nan)
    infinite, empty = np.full(shape, np.inf), np.empty((0, *shape))
    return Limit(value, infinite, infinite, infinite, np.full(shape, np.nan), empty, empty)


def _neville(h: Array, quotient: Array, *, order: int, column: int) -> Array:
    """Column j of the table, (K − j, …): polynomials in h^order through j + 1 neighbouring steps, at h = 0."""
    table = quotient
    for j in range(1, column + 1):
        ratio = (h[:-j] / h[j:]) ** order
        table = table[1:] + (table[1:] - table[:-1]) / (ratio - 1)
    return table


def _weights_noise(h: Array, noise: Array, *, order: int, column: int) -> Array:
    """sqrt(Σ (c_i n_i)²) with the Lagrange weights c_i = Π_{l≠i} h_l^p / (h_l^p − h_i^p): (K − j, …)."""
    rows = len(h) - column
    z = h**order
    total = np.zeros(quotient_shape := (rows, *h.shape[1:]))
    for i in range(column + 1):
        weight = np.ones(quotient_shape)
        for other in range(column + 1):
            if other != i:
                weight *= z[other : other + rows] / (z[other : other + rows] - z[i : i + rows])
        total = np.hypot(total, weight * noise[i : i + rows])  # squares would overflow
    return total


def _column(h: Array, quotient: Array, noise: Array, *, order: int, column: int) -> _Entries:
    coarser = _neville(h, quotient, order=order, column=column - 1)
    step = np.diff(coarser, axis=0)  # (K − j, …): T[k, j−1] − T[k−1, j−1]
    ratio = h[column - 1 : -1] / h[column:]
    rate, confirmed = _observed_rate(np.abs(step), ratio, order=order, column=column)
    return _Entries(
        value=_neville(h, quotient, order=order, column=column),
        truncation=2 * np.abs(step) / (rate - 1),
        noise=_weights_noise(h, noise, order=order, column=column),
        confirmed=confirmed,
    )


def _observed_rate(change: Array, ratio: Array, *, order: int, column: int) -> tuple[Array, NDArray[np.bool_]]:
    """How fast the previous column converges, and whether theory (ratio^(order·column)) is confirmed within a factor 3.

    Where there is no earlier change to compare with, the rate counts as first order.
    """
    theory = ratio ** (order * column)
    rate = ratio**column if order > 1 else ratio.copy()
    confirmed = np.zeros(change.shape, dtype=bool)
    if len(change) > 1:
        with np.errstate(divide="ignore", invalid="ignore"):
            observed = change[:-1] / change[1:]
        known = np.isfinite(observed)
        rate[1:] = np.where(known, np.clip(observed, SLOWEST_RATE, theory[1:]), rate[1:])
        confirmed[1:] = known & (observed * RATE_FACTOR >= theory[1:]) & (observed <= theory[1:] * RATE_FACTOR)
    return rate, confirmed


def _no_unconfirmed_gain(entries: list[_Entries]) -> None:
    """A higher column claims a smaller truncation than the one below only where its rate is confirmed."""
    for lower, higher in pairwise(entries):
        bound = np.where(higher.confirmed, 0.0, lower.truncation[1:])
        higher.truncation = np.fmax(higher.truncation, bound)


def _smallest(h: Array, quotient: Array, noise: Array, entries: list[_Entries], *, order: int) -> Limit:
    value = np.concatenate([entry.value for entry in entries])
    truncation = np.concatenate([entry.truncation for entry in entries])
    spread = np.concatenate([entry.noise for entry in entries])
    row = np.concatenate([np.arange(j, len(h)) for j in range(1, len(entries) + 1)])
    bars = _widened(h, quotient, noise, value, truncation, spread, row, order=order)
    by_entry = np.where(np.isfinite(value), bars.min(axis=0), np.inf)
    best = np.argmin(by_entry, axis=0)[None]

    def winner(a: Array) -> Array:
        return np.take_along_axis(a, best, axis=0)[0]

    bar = winner(by_entry)
    noise_part = np.minimum(winner(spread), bar)
    return Limit(
        winner(value),
        bar - noise_part,
        noise_part,
        bar,
        winner(h[row]),
        value,
        np.where(np.isfinite(value), bars[0], np.inf),
    )


def _widened(
    h: Array,
    quotient: Array,
    noise: Array,
    value: Array,
    truncation: Array,
    spread: Array,
    row: NDArray[np.intp],
    *,
    order: int,
) -> Array:
    """Each entry's bar under each of the noises, (LOUDER, C, …), wide enough to agree with every finer difference l:

    |D_l − T| ≤ bar + n_l + 2|D_k − T|·(h_l/h_k)^p
    """
    axes = [1] * (value.ndim - 1)
    louder = np.array(LOUDER).reshape(-1, 1, *axes)
    bar = truncation + louder * spread
    own_distance = 2 * np.abs(quotient[row] - value)
    together = max(1, ROOM // value.size)
    for start in range(1, len(h), together):
        finer = np.arange(start, min(start + together, len(h)))[:, None]  # (F, 1) beside the entries (C,)
        with np.errstate(invalid="ignore"):
            excess = (
                np.abs(quotient[finer] - value)
                - louder[:, None] * noise[finer]
                - own_distance * (h[finer] / h[row]) ** order
            )
            later = (finer > row).reshape(*finer.shape[:1], -1, *axes)
            bar = np.fmax(bar, np.fmax.reduce(np.where(later, excess, np.nan), axis=1))
    return bar
