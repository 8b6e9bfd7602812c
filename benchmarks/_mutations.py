"""Claims about a gradient: the right ones, and wrong ones of the kinds that people write."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks._problems import Situation

Array = NDArray[np.float64]

#: A claim's error must move f by this many units in its last place over the scale of x (or in that of the largest
#: change that any coordinate makes to f there), else nobody could see it.
VISIBLE = 8
#: Largest relative error of a wrong claim: lower edges of the bins, and their names.
BINS = {0.3: "≥ 0.3", 0.03: "0.03–0.3", 0.003: "0.003–0.03", 3e-4: "3e-4–3e-3"}


@dataclass(frozen=True)
class Claim:
    """A claimed gradient. ``error`` is its largest relative error, over elements where it is visible; 0 if right."""

    name: str
    value: Array  #: (n,)
    error: float


def right_claims(situation: Situation) -> list[Claim]:
    """The exact gradient, and the same with the rounding of a careful program; at a kink both sides and their mean."""
    low, high = situation.low, situation.high
    claims = {"exact": low}
    if situation.problem.kink:
        claims |= {"other side": high, "mean": (low + high) / 2}
    sign = np.where(np.arange(low.size) % 2, -1.0, 1.0)
    claims["rounded"] = low * (1 + sign * situation.problem.precision)
    return [Claim(name, value, 0.0) for name, value in claims.items()]


def wrong_claims(situation: Situation) -> list[Claim]:
    """Every mutation whose error is visible in f, at least 3e-4 of the element, and unlike the ones before it."""
    claims: list[Claim] = []
    for name, value in _mutations(situation).items():
        error = _largest_error(situation, value)
        new = not any(np.array_equal(value, claim.value, equal_nan=True) for claim in claims)
        if error >= min(BINS) and new:
            claims.append(Claim(name, value, error))
    return claims


def bin_of(error: float) -> str:
    """The name of the bin that an error falls into."""
    return next(name for edge, name in BINS.items() if error >= edge)


def _mutations(situation: Situation) -> dict[str, Array]:
    g, x, n = situation.low, np.asarray(situation.x, dtype=np.float64), situation.low.size
    rng = np.random.default_rng(situation.seed)
    i = int(rng.integers(n))
    j = (i + 1) % n
    swapped = g.copy()
    swapped[[i, j]] = g[[j, i]]
    return {
        "sign, all": -g,
        "sign, one": _one(g, i, -g[i]),
        "twice": 2 * g,
        "half": g / 2,
        "+1 %, all": 1.01 * g,
        "+1 %, one": _one(g, i, 1.01 * g[i]),
        "+0.1 %, all": 1.001 * g,
        "+0.1 %, one": _one(g, j, 1.001 * g[j]),
        "+10 %, one": _one(g, j, 1.1 * g[j]),
        "zeroed": 0 * g,
        "one zero": _one(g, i, 0.0),
        "swapped": swapped,
        "rolled": np.roll(g, 1),
        "stale x": situation.elsewhere,
        "missing term": g - 0.3 * np.abs(g).max() * rng.uniform(0.2, 1, n),
        "chain factor": g * x,
        "divided by n": g / n,
        "absolute": np.abs(g),
        "NaN": _one(g, i, np.nan),
    }


def _one(g: Array, i: int, value: float) -> Array:
    result = g.copy()
    result[i] = value
    return result


def _largest_error(situation: Situation, value: Array) -> float:
    """Over elements whose error f shows at all; a NaN is as wrong as can be."""
    if np.isnan(value).any():
        return np.inf
    x = np.abs(np.asarray(situation.x, dtype=np.float64))
    away = np.maximum(np.maximum(value - situation.high, situation.low - value), 0.0)
    nearest = np.clip(value, situation.low, situation.high)
    scale = np.exp2(np.floor(np.log2(np.maximum(x, 1))))
    largest = max(abs(situation.function(situation.x)), float(np.max(np.abs(nearest) * scale)))
    seen = away * scale > VISIBLE * np.spacing(largest)
    size = np.maximum(np.abs(nearest), np.abs(value))
    return float(np.max(np.where(seen, away / np.where(size > 0, size, 1), 0.0)))
