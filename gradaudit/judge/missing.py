"""The pattern of a missing term: what the claim lacks is a constant, a multiple of x, or a line in x.

A forgotten penalty or linear term shows in all elements alike. Normalisations (a mean, a length, a variance taken for a
constant) show along one axis: what is missing there is the same for all elements of a row, or a line in their x, with
coefficients of each row's own.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.failure import Failure, Part
from gradaudit.perturb.samples import Array

#: Differences count as constant, and fits as exact, where they are off by less than this.
EXACT = 1e-3
#: A fit is evidence where it has this many elements more than coefficients.
SPARE = 2
#: The fits, simplest first: powers of x, and what they tell.
FITS = (
    ((0,), "the same for all elements", "a sum or a mean"),
    ((1,), "a multiple of x", "a projection onto x"),
    ((0, 1), "a line in x", "a mean and a projection onto x"),
)


def missing_term(failure: Failure) -> tuple[Diagnosis, str] | None:
    """What is missing in all failing elements alike, or along an axis of the only input that fails."""
    return _alike(failure) or _along_an_axis(failure)


def _alike(failure: Failure) -> tuple[Diagnosis, str] | None:
    failed = failure.failed[:, 0]
    if failed.sum() < 3 or failure.failed.shape[1] > 2:
        return None
    missing = (failure.numeric - failure.analytic)[failed, 0]
    x = failure.evidence.x[failed]
    if is_constant(missing):
        return Diagnosis.MISSING_TERM, f"numeric − analytic is {np.median(missing):.6g} in all {len(missing)} elements"
    if (np.abs(x) > 0).all() and np.ptp(x) > 0 and is_constant(missing / x):
        return Diagnosis.MISSING_TERM, f"numeric − analytic is {np.median(missing / x):.6g}·x in all elements"
    return None


def _along_an_axis(failure: Failure) -> tuple[Diagnosis, str] | None:
    if len(failure.inputs) != 1:
        return None
    for lines in _lines(failure):
        for powers, said, term in FITS:
            if lines.fit(powers):
                where = f"along axis {lines.axis} of {lines.name}, for each of {lines.count} rows of {lines.length}"
                return Diagnosis.MISSING_TERM, f"numeric − analytic is {said} {where}; the claim lacks {term}"
    return None


@dataclass(frozen=True)
class _Lines:
    """What is missing along one axis of one input, in the rows where anything is."""

    name: str
    axis: int
    x: Array  #: (rows, length)
    missing: Array  #: (rows, length, R)

    @property
    def count(self) -> int:
        return self.x.shape[0]

    @property
    def length(self) -> int:
        return self.x.shape[1]

    def fit(self, powers: tuple[int, ...]) -> bool:
        """Whether Σ c_p·x^p describes what is missing in every row, with coefficients of its own that all count."""
        if self.count < 2 or self.length < len(powers) + SPARE:
            return False
        return all(_fits(x, missing, powers) for x, missing in zip(self.x, self.missing, strict=True))


def _lines(failure: Failure) -> Iterator[_Lines]:
    for part in failure.parts():
        mine = slice(part.start, part.stop)
        x = failure.evidence.x[mine]
        if part.name != failure.name(failure.inputs[0]) or len(part.shape) < 2 or not np.isfinite(x).all():
            continue
        failed, missing = failure.failed[mine].astype(np.float64), (failure.numeric - failure.analytic)[mine]
        for axis in reversed(range(len(part.shape))):
            wrong = _rows(failed, part, axis).any(axis=(1, 2))
            yield _Lines(part.name, axis, _rows(x[:, None], part, axis)[wrong, :, 0], _rows(missing, part, axis)[wrong])


def _rows(values: Array, part: Part, axis: int) -> Array:
    """(rows, length, R) the values (elements, R) of one input along one axis of it."""
    shaped = values.reshape(*part.shape, -1)
    return np.moveaxis(shaped, axis, -2).reshape(-1, part.shape[axis], shaped.shape[-1])


def _fits(x: Array, missing: Array, powers: tuple[int, ...]) -> bool:
    basis = np.stack([x**power for power in powers], axis=1)
    coefficients, _, rank, _ = np.linalg.lstsq(basis, missing, rcond=None)
    largest = np.abs(missing).max()
    off = np.abs(basis @ coefficients - missing).max()
    return bool(np.isfinite(largest) and rank == len(powers) and largest > 0 and off <= EXACT * largest)


def is_constant(values: Array) -> bool:
    """Whether all values are the same, and not zero."""
    middle = float(np.median(values))
    return middle != 0 and bool(np.abs(values - middle).max() <= EXACT * abs(middle))
