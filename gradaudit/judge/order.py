"""The order in h at which plain differences are seen to converge: 2 for central differences of a smooth function.

From three neighbouring steps, without knowing the limit: Celik et al., "Procedure for estimation and reporting of
uncertainty due to discretization in CFD applications", J. Fluids Eng. 130 (2008), equation 3; after Roache.
"""

from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from math import expm1, isfinite, log, nan
from statistics import median

#: A change counts as truncation where it is so many times the noise of its two differences.
CLEAR = 10.0
#: The finest so many orders are looked at.
LAST = 3
#: Ratios of steps are one where their logarithms differ by less; where they are not, the order is looked for among
#: these, and found to within that.
SAME, HIGHEST, PRECISE = 1e-6, 20.0, 1e-6


def observed_order(h: Sequence[float], difference: Sequence[float], noise: Sequence[float]) -> float:
    """The median over the finest steps at which truncation dominates; NaN where there are no three such.

    ``h`` falls; ``noise`` bounds that of each difference. Missing ones are NaN.
    """
    steps = [step for step in zip(h, difference, noise, strict=True) if all(map(isfinite, step))]
    changes = [(b[1] - a[1], a[0], b[0], a[2] + b[2]) for a, b in pairwise(steps)]
    found = list(islice(_orders(changes), LAST))
    return median(found) if found else nan


def _orders(changes: Sequence[tuple[float, float, float, float]]) -> Iterator[float]:
    """Of any two neighbouring changes (change, coarse h, fine h, noise), the finest first."""
    for (second, _, h1, noise2), (first, h3, h2, noise3) in pairwise(reversed(changes)):
        if abs(first) > CLEAR * noise3 and abs(second) > CLEAR * noise2:
            yield _order(log(abs(first / second)), log(h3 / h2), log(h2 / h1))


def _order(fall: float, coarse: float, fine: float) -> float:
    """p with log((h₃ᵖ − h₂ᵖ)/(h₂ᵖ − h₁ᵖ)) = ``fall``, for logarithms of the ratios h₃/h₂ and h₂/h₁."""
    if abs(coarse - fine) <= SAME * fine:
        return fall / fine
    low, high = -HIGHEST, HIGHEST + 1.0  # not symmetric, so that no middle is 0
    while high - low > PRECISE:  # it rises with p
        p = (low + high) / 2
        if p * fine + _log_expm1(p * coarse) - _log_expm1(p * fine) < fall:
            low = p
        else:
            high = p
    return low


def _log_expm1(z: float) -> float:
    """log |eᶻ − 1|"""
    return max(z, 0.0) + log(-expm1(-abs(z)))
