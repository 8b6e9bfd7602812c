"""From differences at several steps to a derivative with an error bar.

Richardson extrapolation in a Neville table; every entry carries a truncation estimate from the *observed* rate of
convergence, and the noise that its weights let through. The entry with the smallest bar wins, after each has been held
against every finer difference (the pointwise adaptive choice of Lepski and Spokoiny, Ann. Stat. 25, 1997).
"""

from dataclasses import dataclass
from functools import cache, reduce
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gradaudit.perturb.samples import Array

#: Of the error series, 1 or 2: one for all elements, or an array that broadcasts over them.
Orders = NDArray[np.int_]

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

    value: Array  #: where there are fewer than two steps, NaN or the only quotient
    truncation: Array
    noise: Array
    bar: Array  #: truncation + noise, widened to agree with every finer difference; inf where unknown
    h: Array  #: the finest step of the winning entry
    candidates: Array  #: (C, …) all extrapolated values,
    candidate_bars: Array  #: (C, …) and their own bars

    def take(self, which: slice) -> "Limit":
        """The limits of some elements only, along their first axis."""
        return Limit(
            self.value[which],
            self.truncation[which],
            self.noise[which],
            self.bar[which],
            self.h[which],
            self.candidates[:, which],
            self.candidate_bars[:, which],
        )


def extrapolate(h: Array, quotient: Array, noise: Array, *, order: int | NDArray[np.int_]) -> Limit:
    """The limit of ``quotient`` (K, …) at steps ``h`` (K, …), largest first, whose error is a series in h^``order``.

    ``order`` is 2 for central differences and 1 for one-sided slopes: of all elements, or (…) of each; ``noise`` (K, …)
    bounds the noise of each quotient. NaN quotients are left out. Raises nothing: where fewer than two steps are
    finite, bar is inf.
    """
    order = np.asarray(order)
    h, quotient, noise = _without_gaps(h, quotient, noise)
    if len(h) < 2:
        return _unknown(quotient)
    entries = _entries(h, quotient, noise, order=order)
    return _smallest(h, quotient, noise, entries, order=order)


@dataclass(frozen=True)
class _Places:
    """Where the entries of the table stand: one column after the other. Entry k of column j uses steps k−j … k."""

    row: NDArray[np.intp]  #: (C,) k
    columns: tuple[slice, ...]  #: those of columns 1 …
    first: NDArray[np.intp]  #: the first entry of each: none is before it to compare with

    @classmethod
    @cache
    def of(cls, steps: int, columns: int) -> "_Places":
        """Those of the first ``columns`` columns beyond the raw differences of so many steps."""
        ends = np.cumsum([0, *(steps - j for j in range(1, columns + 1))])
        row = np.concatenate([np.arange(j, steps) for j in range(1, columns + 1)])
        return cls(row, tuple(map(slice, ends[:-1], ends[1:])), ends[:-1])


@dataclass(frozen=True)
class _Entries:
    """The table without its raw differences: (C, …) arrays."""

    places: _Places
    value: Array
    truncation: Array
    noise: Array


def _without_gaps(h: Array, quotient: Array, noise: Array) -> tuple[Array, Array, Array]:
    """Missing steps moved to the end of each element's own list, and rows that nobody has cut off."""
    finite = np.isfinite(quotient) & np.isfinite(h)
    finite[1:] &= ~(h[1:] >= np.fmin.accumulate(h, axis=0)[:-1])  # two steps may land alike in half precision
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


def _power(ratio: Array, order: Orders, *, times: int = 1) -> Array:
    """ratio^(order·times); of both orders at once, each to the bit that it has alone."""
    if not order.ndim:
        return np.asarray(ratio ** (int(order) * times))
    with np.errstate(over="ignore"):  # of those that are of the other order
        return np.where(order > 1, ratio ** (2 * times), ratio**times)


def _neville(h: Array, quotient: Array, *, order: Orders, columns: int) -> list[Array]:
    """Columns 0 … of the table; column j (K − j, …) holds polynomials in h^order through j + 1 neighbouring steps, at
    h = 0."""
    tables = [quotient]
    for j in range(1, columns + 1):
        table, ratio = tables[-1], _power(h[:-j] / h[j:], order)
        tables.append(table[1:] + (table[1:] - table[:-1]) / (ratio - 1))
    return tables


def _weights_noise(h: Array, noise: Array, *, order: Orders, columns: int) -> list[Array]:
    """For columns 1 …, sqrt(Σ (c_i n_i)²) with Lagrange weights c_i = Π_{l≠i} h_l^p / (h_l^p − h_i^p): (K − j, …) each.

    A factor depends on where its two steps are, and is the same in all weights.
    """
    z = _power(h / h[0], order)  # of x = 1e160, squares would overflow
    factors = {}
    for apart in range(1, columns + 1):
        coarse, fine = z[:-apart], z[apart:]
        factors[-apart], factors[apart] = coarse / (coarse - fine), fine / (fine - coarse)
    found = []
    for column in range(1, columns + 1):
        rows = len(h) - column
        parts = [np.abs(_weight(factors, i, column, rows) * noise[i : i + rows]) for i in range(column + 1)]
        found.append(reduce(np.hypot, parts))  # squares would overflow
    return found


def _weight(factors: dict[int, Array], i: int, column: int, rows: int) -> Array:
    """c_i of each entry of a column; ``factors`` are those of two steps by their distance, from the coarsest on."""
    others = (other for other in range(column + 1) if other != i)
    return reduce(np.multiply, (factors[other - i][min(i, other) : min(i, other) + rows] for other in others))


def _entries(h: Array, quotient: Array, noise: Array, *, order: Orders) -> _Entries:
    columns = min(COLUMNS, len(h) - 1)
    places = _Places.of(len(h), columns)
    tables = _neville(h, quotient, order=order, columns=columns)
    change = np.abs(np.concatenate([table[1:] - table[:-1] for table in tables[:-1]]))  # |T[k, j−1] − T[k−1, j−1]|
    ratio = (h[:-1] / h[1:])[places.row - 1]
    rate, confirmed = _observed_rate(change, ratio, places, order=order)
    truncation = 2 * change / (rate - 1)
    _no_unconfirmed_gain(truncation, confirmed, places)
    spread = np.concatenate(_weights_noise(h, noise, order=order, columns=columns))
    return _Entries(places, np.concatenate(tables[1:]), truncation, spread)


def _observed_rate(change: Array, ratio: Array, places: _Places, *, order: Orders) -> tuple[Array, NDArray[np.bool_]]:
    """How fast the previous column converges, and whether theory (ratio^(order·column)) is confirmed within a factor 3.

    Where there is no earlier change to compare with, the rate counts as first order.
    """
    theory, rate = np.empty_like(ratio), ratio.copy()
    for j, mine in enumerate(places.columns, start=1):
        theory[mine] = _power(ratio[mine], order, times=j)
        if j > 1:
            rate[mine] = np.where(order > 1, ratio[mine] ** j, ratio[mine])
    observed = np.full(change.shape, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        np.divide(change[:-1], change[1:], out=observed[1:])
    observed[places.first] = np.nan
    known = np.isfinite(observed)
    rate = np.where(known, np.minimum(np.maximum(observed, SLOWEST_RATE), theory), rate)
    return rate, known & (observed * RATE_FACTOR >= theory) & (observed <= theory * RATE_FACTOR)


def _no_unconfirmed_gain(truncation: Array, confirmed: NDArray[np.bool_], places: _Places) -> None:
    """A higher column claims a smaller truncation than the one below only where its rate is confirmed."""
    for lower, higher in pairwise(places.columns):
        bound = np.where(confirmed[higher], 0.0, truncation[lower][1:])
        np.fmax(truncation[higher], bound, out=truncation[higher])


def _smallest(h: Array, quotient: Array, noise: Array, entries: _Entries, *, order: Orders) -> Limit:
    value, spread, row = entries.value, entries.noise, entries.places.row
    bars = _widened(h, quotient, noise, entries, order=order)
    finite = np.isfinite(value)
    by_entry = np.where(finite, bars.min(axis=0), np.inf)
    best = np.argmin(by_entry, axis=0).ravel()
    place = np.arange(best.size)

    def winner(a: Array) -> Array:
        return np.asarray(a.reshape(len(a), -1)[best, place].reshape(a.shape[1:]))

    bar = winner(by_entry)
    noise_part = np.minimum(winner(spread), bar)
    return Limit(
        np.where(bar < np.inf, winner(value), quotient[0]),
        bar - noise_part,
        noise_part,
        bar,
        winner(h[row]),
        value,
        np.where(finite, bars[0], np.inf),
    )


def _widened(h: Array, quotient: Array, noise: Array, entries: _Entries, *, order: Orders) -> Array:
    """Each entry's bar under each of the noises, (LOUDER, C, …), wide enough to agree with every finer difference l:

    |D_l − T| ≤ bar + n_l + 2|D_k − T|·(h_l/h_k)^p
    """
    value, row = entries.value, entries.places.row
    axes = [1] * (value.ndim - 1)
    louder = np.array(LOUDER).reshape(-1, 1, *axes)
    bar = entries.truncation + louder * entries.noise
    own_distance = 2 * np.abs(quotient[row] - value)
    together = max(1, ROOM // value.size)
    for start in range(1, len(h), together):
        finer = np.arange(start, min(start + together, len(h)))[:, None]  # (F, 1) beside the entries (C,)
        with np.errstate(over="ignore", invalid="ignore"):  # of those that are not finer, left out below
            excess = (
                np.abs(quotient[finer] - value)
                - louder[:, None] * noise[finer]
                - own_distance * _power(h[finer] / h[row], order)
            )
            later = (finer > row).reshape(*finer.shape[:1], -1, *axes)
            bar = np.fmax(bar, np.fmax.reduce(np.where(later, excess, np.nan), axis=1))
    return bar
