"""Known faults: each turns the numbers of a right claim into those of a wrong one. One more is one more entry.

A fault is a function of the claim, float64[E, C] (E elements, each seen by C cotangents, 1 without any), and of the
random numbers that choose a place in it. It may write to the claim that it is given. A claim that it cannot spoil, it
gives back as it was.
"""

from collections.abc import Callable

import numpy as np

from gradaudit.perturb.samples import Array

Fault = Callable[[Array, np.random.Generator], Array]


def all_zero(claim: Array, _: np.random.Generator) -> Array:
    """Detached: nothing flows back."""
    return np.zeros_like(claim)


def times(factor: float) -> Fault:
    """Every element, off by a constant factor."""
    return lambda claim, _: factor * claim


def one_element_times(factor: float) -> Fault:
    """One element that is not zero, off by a constant factor."""

    def spoil(claim: Array, rng: np.random.Generator) -> Array:
        sloped = np.flatnonzero(claim.any(axis=1))
        if sloped.size:
            claim[rng.choice(sloped)] *= factor
        return claim

    return spoil


def two_elements_swapped(claim: Array, rng: np.random.Generator) -> Array:
    """Two unequal elements, each with the other's value."""
    first = int(rng.integers(len(claim)))
    unlike = np.flatnonzero((claim != claim[first]).any(axis=1))
    if unlike.size:
        pair = [first, int(rng.choice(unlike))]
        claim[pair] = claim[pair[::-1]]
    return claim


#: By the name that every output shows, coarse to fine.
FAULTS: dict[str, Fault] = {
    "all zero": all_zero,
    "wrong sign": times(-1.0),
    "twice as large": times(2.0),
    "1 % too large": times(1.01),
    "0.1 % too large": times(1.001),
    "one element zero": one_element_times(0.0),
    "one element 1 % too large": one_element_times(1.01),
    "two elements swapped": two_elements_swapped,
}
