"""The pattern of claimed Hessians that are not symmetric, as second derivatives are wherever they are continuous."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.failure import Failure
from gradaudit.perturb.pattern import Indices, Pattern
from gradaudit.perturb.samples import Array

#: What stands at the places (P,) and at their mirror images, of values (D, R): (2, P).
Both = Callable[[NDArray[Any]], NDArray[Any]]


@dataclass(frozen=True)
class Mirrored:
    """Entries of a Hessian beside their mirror images. Arrays (P,) of places, and (2, P) of what is at both."""

    moved: Indices  #: the coordinate that is moved
    slope: Indices  #: that whose slope is read
    analytic: Array
    numeric: Array
    slack: Array
    failed: NDArray[np.bool_]

    @property
    def off(self) -> NDArray[np.bool_]:
        """(P,) the claim differs where the measured ones do not, and one of both is wrong."""
        apart, accepted = np.abs(self.analytic[0] - self.analytic[1]), self.slack.sum(axis=0)
        alike = np.abs(self.numeric[0] - self.numeric[1]) <= accepted
        return np.asarray((apart > accepted) & alike & self.failed.any(axis=0))


def not_symmetric(failure: Failure) -> tuple[Diagnosis, str] | None:
    """Two mirror images in the claim differ where the measured ones do not, and one of them is off."""
    evidence = failure.evidence
    if failure.check not in ("hessian", "hvp") or np.isnan(evidence.x).any():  # along dense tangents
        return None
    found = _of_columns(failure) if evidence.pattern is None else _of_entries(failure, evidence.pattern)
    off = found.off
    if not off.any():
        return None
    apart = np.abs(found.analytic[0] - found.analytic[1])
    k = int(np.argmax(np.where(off, apart, 0.0)))
    i, j = int(found.moved[k]), int(found.slope[k])
    (first, second), (to_first, to_second) = (
        (axis.label(i), axis.label(j)) for axis in (evidence.inputs, evidence.outputs)
    )
    sentence = (
        f"d {to_second}/d {first} is {found.analytic[0, k]:.6g} and d {to_first}/d {second} is"
        f" {found.analytic[1, k]:.6g}, numeric {found.numeric[0, k]:.6g} for both"
    )
    return Diagnosis.NOT_SYMMETRIC, sentence + _how_many(found, off) + _half_empty(found)


def _of_columns(failure: Failure) -> Mirrored:
    """Of the coordinates that were moved, all by all: a row is a direction, a column a slope."""
    which = failure.evidence.directions
    moved, slope = (places.ravel() for places in np.meshgrid(which, which, indexing="ij"))

    def both(values: NDArray[Any]) -> NDArray[Any]:
        square = values[:, which]
        return np.stack([square.ravel(), square.T.ravel()])

    return _mirrored(failure, moved, slope, both)


def _of_entries(failure: Failure, pattern: Pattern) -> Mirrored:
    """Of single entries: what is no entry is zero on both sides."""
    entries = failure.evidence.directions
    moved, slope = pattern.coordinate[entries], pattern.output[entries]
    mirror = pattern.place(moved, slope)
    row = np.searchsorted(entries, mirror)
    row = np.where(row < len(entries), row, 0)
    there = (mirror >= 0) & (entries[row] == mirror)

    kept = np.flatnonzero(there | (mirror < 0))  # a mirror image that is an entry may have been left out of a sample

    def both(values: NDArray[Any]) -> NDArray[Any]:
        mirrored = np.where(there[kept], values[row[kept], 0], values.dtype.type(0))
        return np.stack([values[kept, 0], mirrored])

    return _mirrored(failure, moved[kept], slope[kept], both)


def _mirrored(failure: Failure, moved: Indices, slope: Indices, both: Both) -> Mirrored:
    sides = (failure.analytic, failure.numeric, failure.slack, failure.failed)
    return Mirrored(moved, slope, *map(both, sides))


def _how_many(found: Mirrored, off: NDArray[np.bool_]) -> str:
    ends = np.stack([found.moved, found.slope])[:, off]
    pairs = len(np.unique(np.sort(ends, axis=0), axis=1).T)
    return f"; {pairs} pairs differ" if pairs > 1 else ""


def _half_empty(found: Mirrored) -> str:
    claimed = found.analytic[0] != 0
    lower, upper = (bool(claimed[side].any()) for side in (found.moved > found.slope, found.moved < found.slope))
    return "" if lower and upper else "; one triangle of the claim is zero"
