"""What random directions have proved, as rows: for each decade of |g|·s how large an error can be left."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import nan

from gradaudit.judge.certificate import Certificate
from gradaudit.judge.verdict import Verdict
from gradaudit.running.record import Audit, Result

#: How the elements of a case were looked at.
DIRECTIONS, ELEMENTS = "directions", "elements"


@dataclass(frozen=True)
class Stratum:
    """What a certificate says of one decade of claimed sensitivities |g|·s: a row of ``certificates.csv``."""

    check: str
    method: str  #: ``directions``: random ones, all elements at once
    directions: int  #: of each choice of weights
    weights: str  #: how the coordinates were weighted, each choice by itself
    seed: int  #: of the suite: another one draws other directions
    probability: float  #: of an error beyond the limits, all decades together
    bound: float  #: largest error × scale of x that can be left, over the root mean square of |g|·s
    excluded: int  #: elements that were found wrong, of which nothing is said here
    decade: int | None  #: the elements with |g|·s from 10^decade on, s being the scale of x; empty: none is claimed
    elements: int  #: how many those are
    largest_missable: float  #: the largest error that can be left in one of them, as a fraction of it


def strata(verdict: Verdict) -> Iterator[Stratum]:
    """Every decade of every certificate, most sensitive first."""
    for one in verdict.certificates:
        for decade, elements, limit in _decades(one):
            yield Stratum(
                check=one.check,
                method=DIRECTIONS,
                directions=one.directions,
                weights=", ".join(one.weights),
                seed=one.seed,
                probability=one.probability,
                bound=one.bound,
                excluded=one.excluded,
                decade=decade,
                elements=elements,
                largest_missable=limit,
            )


def certified(audit: Audit) -> list[Result]:
    """The cases with a certificate, in plan order."""
    return [result for result in audit.results if result.verdict.certificates]


def way(verdict: Verdict) -> tuple[str, int | None, float | None]:
    """How the elements were looked at; where all at once, along how many directions, and how probably wrong.

    Several certificates hold together but for the sum of their probabilities.
    """
    found = verdict.certificates
    if not found:
        return ELEMENTS if verdict.counts.checked else "", None, None
    return DIRECTIONS, max(one.directions for one in found), sum(one.probability for one in found)


def _decades(one: Certificate) -> Iterator[tuple[int | None, int, float]]:
    for decade in one.decades:
        yield decade.exponent, decade.elements, decade.limit
    if not one.decades:
        yield None, one.elements, nan
