"""What random directions prove about single elements of a gradient: lattices to draw from, weights, and the theorem.

Theorem. Let δ be the errors of a claim, fixed before the v_j are drawn, w > 0 the scales of its n elements, and
v_1 … v_k independent and uniform on a lattice of N values over [−a, a] in each coordinate. If r_j = ⟨w∘δ, v_j⟩ is known
to be at most T in size for every j, then with probability at least 1 − p, for any n and any δ,

    max_i w_i·|δ_i|  ≤  T / (a·(p^(1/k) − 1/N)).

Proof. Let i be where w_i·|δ_i| is largest. Given all other coordinates of v_j, |r_j| ≤ t puts v_ij into an interval of
length 2t/(w_i·|δ_i|). So long an interval holds at most a share t/(a·w_i·|δ_i|) + 1/N of the lattice. Were the element
above the limit, then T would be below a number that was fixed before drawing and at which each of the k shares is
p^(1/k): all k happen with probability p at most. T may therefore be read off the data. ∎

As N grows the multiplier goes to p^(−1/k)/√3 (a → √3). The norm ‖w∘δ‖₂ obeys the same with √(2/3) in place of 1/√3, by
Ball's bound √2 on sections of the cube ("Cube slicing in Rⁿ", Proc. AMS 97, 1986). Signs ±1 would prove nothing of the
kind: two opposite errors cancel in half of all draws.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, inf, log

import numpy as np

from gradaudit.perturb.samples import Array
from gradaudit.perturb.steps import power_of_two_below

#: Elements that are this many times smaller than others get a family of directions of their own.
MATERIAL = 10.0
#: The families beside the plain one: sensitivities above these quantiles are scaled down to them.
QUANTILES = {"median": 0.5, "lowest tenth": 0.1}


@dataclass(frozen=True)
class Lattice:
    """Odd multiples of half a grain, symmetric about zero, with a variance near 1: none of them is zero."""

    grain: float  #: a power of two, so that most x ± h·v are exact

    @property
    def half(self) -> int:
        """How many of them are positive."""
        return int(np.sqrt(3.0) / self.grain)

    @property
    def reach(self) -> float:
        """a: the largest is half a grain below it."""
        return self.half * self.grain

    def draw(self, rng: np.random.Generator, size: int) -> Array:
        """(size,) independent values, uniform on the lattice."""
        steps = rng.integers(-self.half, self.half, size, dtype=np.int32).astype(np.float64)
        steps += 0.5
        steps *= self.grain
        return steps


#: For double precision.
FINE = Lattice(2.0**-16)
#: For float32 and narrower, whose x ± h·v have few bits to spare.
COARSE = Lattice(2.0**-8)


def multiplier(directions: int, probability: float, lattice: Lattice) -> float:
    """The limit of w_i·|δ_i| over T, that holds but for ``probability``; inf where so few directions prove nothing."""
    chance = probability ** (1 / directions) - 0.5 / lattice.half
    return 1 / (lattice.reach * chance) if chance > 0 else inf


def directions_needed(factor: float, probability: float, lattice: Lattice) -> int | None:
    """The fewest directions whose multiplier is at most ``factor``; None where no number of them gets there."""
    chance = 1 / (factor * lattice.reach) + 0.5 / lattice.half if factor > 0 else inf
    return max(1, ceil(log(probability) / log(chance) - 1e-9)) if chance < 1 else None


@dataclass(frozen=True)
class Family:
    """Directions w∘v of one choice of weights: what is more sensitive than ``level`` moves less, so that it does not
    drown the others."""

    name: str
    level: float  #: in units of f

    def weights(self, scale: Array, sensitivity: Array) -> Array:
        """(n,) w = s·min(1, level/sensitivity), rounded down to a power of two."""
        if self.level == inf:
            return scale
        with np.errstate(divide="ignore"):
            return scale * power_of_two_below(np.minimum(1.0, self.level / sensitivity))


PLAIN = Family("plain", inf)


def families(sensitivity: Array) -> Sequence[Family]:
    """The weights worth drawing directions with, for sensitivities |g_i|·s_i (n,): the plain one first.

    Balanced ones only where they differ materially; elements claimed to be zero have no say in it.
    """
    sloped = sensitivity[(sensitivity > 0) & np.isfinite(sensitivity)]
    chosen = [PLAIN]
    if not sloped.size:
        return chosen
    above = float(sloped.max())
    levels = np.quantile(sloped, list(QUANTILES.values()), overwrite_input=True)
    for name, level in zip(QUANTILES, levels.tolist(), strict=True):
        if above > MATERIAL * level:
            chosen.append(Family(name, level))
            above = level
    return chosen
