"""Claims about a gradient: the right ones, and wrong ones of the kinds that people write."""

from collections.abc import Callable
from dataclasses import dataclass, replace

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
    value: Array  #: (n,) at x
    error: float
    at: Callable[[Array], Array]  #: the claim anywhere: a point (n,) -> (n,)


#: A claim, made from the true gradient (n,) at a point (n,).
Mutation = Callable[[Array, Array], Array]


def right_claims(situation: Situation) -> list[Claim]:
    """The exact gradient, and the same with the rounding of a careful program; at a kink both sides and their mean."""
    low, high = situation.low, situation.high
    sign = np.where(np.arange(low.size) % 2, -1.0, 1.0) * situation.problem.precision
    claims = [_made(situation, "exact", lambda g, _: g)]
    if situation.problem.kink:
        sides = {"other side": high, "mean": (low + high) / 2}
        claims += [Claim(name, value, 0.0, situation.gradient) for name, value in sides.items()]
    return [*claims, _made(situation, "rounded", lambda g, _: g * (1 + sign))]


def wrong_claims(situation: Situation) -> list[Claim]:
    """Every mutation whose error is visible in f, at least 3e-4 of the element, and unlike the ones before it."""
    claims: list[Claim] = []
    for name, mutate in _mutations(situation).items():
        claim = _made(situation, name, mutate)
        error = _largest_error(situation, claim.value)
        new = not any(np.array_equal(claim.value, other.value, equal_nan=True) for other in claims)
        if error >= min(BINS) and new:
            claims.append(replace(claim, error=error))
    return claims


def _made(situation: Situation, name: str, mutate: Mutation) -> Claim:
    """The claim that makes the same mistake everywhere."""
    value = mutate(situation.low, np.asarray(situation.x, dtype=np.float64))
    return Claim(name, value, 0.0, lambda x: mutate(situation.gradient(x), x))


def bin_of(error: float) -> str:
    """The name of the bin that an error falls into."""
    return next(name for edge, name in BINS.items() if error >= edge)


def _mutations(situation: Situation) -> dict[str, Mutation]:
    size, n = np.abs(situation.low).max(), situation.low.size
    rng = np.random.default_rng(situation.seed)
    i = int(rng.integers(n))
    j = (i + 1) % n
    term = 0.3 * size * rng.uniform(0.2, 1, n)
    return {
        "sign, all": lambda g, _: -g,
        "sign, one": lambda g, _: _one(g, i, -g[i]),
        "twice": lambda g, _: 2 * g,
        "half": lambda g, _: g / 2,
        "+1 %, all": lambda g, _: 1.01 * g,
        "+1 %, one": lambda g, _: _one(g, i, 1.01 * g[i]),
        "+0.1 %, all": lambda g, _: 1.001 * g,
        "+0.1 %, one": lambda g, _: _one(g, j, 1.001 * g[j]),
        "+10 %, one": lambda g, _: _one(g, j, 1.1 * g[j]),
        "zeroed": lambda g, _: 0 * g,
        "one zero": lambda g, _: _one(g, i, 0.0),
        "swapped": lambda g, _: _swapped(g, i, j),
        "rolled": lambda g, _: np.roll(g, 1),
        "stale x": lambda g, _: situation.elsewhere,
        "missing term": lambda g, _: g - term,
        "chain factor": lambda g, x: g * x,
        "divided by n": lambda g, _: g / n,
        "absolute": lambda g, _: np.abs(g),
        "NaN": lambda g, _: _one(g, i, np.nan),
    }


def _swapped(g: Array, i: int, j: int) -> Array:
    result = g.copy()
    result[[i, j]] = g[[j, i]]
    return result


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
