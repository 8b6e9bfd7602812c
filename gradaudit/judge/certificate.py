"""What random directions have proved about the elements of a claim, as plain data, and how it reads."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import isnan


@dataclass(frozen=True)
class Decade:
    """The elements whose sensitivity |g|·s lies in 10^exponent … 10^(exponent + 1), s being the scale of x."""

    exponent: int
    elements: int
    limit: float  #: no error beyond this fraction of its element is left in any of them


@dataclass(frozen=True)
class Certificate:
    """No element is off by more than a limit, but for a small probability."""

    check: str
    elements: int  #: input elements × outputs or cotangents that it speaks of
    directions: int  #: random directions for each choice of weights
    weights: tuple[str, ...]  #: how the coordinates were weighted: plain, or balanced at a quantile of |g|·s
    seed: int  #: of the suite: another one draws other directions
    probability: float  #: of an error beyond the limits
    limit: float  #: largest error × scale of x that can be left, in units of f; of the worst output
    bound: float  #: the same over the root mean square of |g|·s of that output
    resolved: int  #: elements whose own limit is within the resolution; the others are bounded by larger ones only
    resolution: float
    decades: tuple[Decade, ...] = ()  #: of the worst output, most sensitive first
    excluded: int = 0  #: elements that were found wrong; it speaks of the others
    more: int | None = None  #: so many directions would bring ``bound`` within the resolution; None: no number would

    def without(self, excluded: int) -> "Certificate":
        """The same, where so many elements were found to be wrong."""
        elements = self.elements - excluded
        return replace(self, elements=elements, excluded=excluded, resolved=min(self.resolved, elements))

    @property
    def sentence(self) -> str:
        """What it says, and what was done for it."""
        weights = f", weights {' and '.join(self.weights)}" if len(self.weights) > 1 else ""
        return (
            f"{self.check}: certified along {self.directions} random directions (seed {self.seed}{weights}): with"
            f" probability 1 − {self.probability:.0e} {self._whom()} is off by more than {_number(self.bound)} of the"
            f" root mean square of |g|·s{''.join(self._limits())}"
        )

    @property
    def undecided(self) -> str:
        """Why it is not enough, and what would be."""
        help_ = f"'elements: {{directions: {self.more}}}' would do" if self.more else "no more directions would do"
        return (
            f"along {self.directions} random directions an error of {_number(self.bound)} of the root mean square of"
            f" |g|·s might be missed in a single element, allowed {self.resolution:g}; {help_}; 'elements: all'"
            " measures each element by itself"
        )

    def _whom(self) -> str:
        if not self.excluded:
            return "no element"
        return f"none of the other {self.elements:,} elements"

    def _limits(self) -> Iterator[str]:
        if self.decades:
            limits = ", ".join(f"1e{one.exponent:+d}: {_number(one.limit)}" for one in self.decades)
            yield f"; an error is seen for certain from this fraction of its element on, by |g|·s: {limits}"


def _number(value: float) -> str:
    return "an unknown part" if isnan(value) else f"{value:.1e}"
