"""The failing elements of one comparison, beside what is needed to see a pattern in them."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np
from numpy.typing import NDArray

from gradaudit.judge.element import FAIL_FACTOR, Outcome
from gradaudit.judge.evidence import Evidence
from gradaudit.perturb.samples import Array


@dataclass(frozen=True)
class Part:
    """One input that was checked whole: its rows are ``start`` … ``stop`` − 1."""

    name: str
    shape: tuple[int, ...]
    start: int
    stop: int


@dataclass(frozen=True)
class Failure:
    """The failing elements of one comparison, and both sides of all."""

    evidence: Evidence
    failed: NDArray[np.bool_]  #: (D, R)
    analytic: Array  #: (D, R)
    numeric: Array
    slack: Array  #: (D, R) how far apart two equal numbers may be measured

    @classmethod
    def of(cls, evidence: Evidence) -> "Failure":
        """The failures in ``evidence``."""
        rulings = evidence.rulings
        with np.errstate(invalid="ignore"):  # an identity may have infinity on this side
            slack = FAIL_FACTOR * rulings.bar + evidence.claim.rtol * np.abs(rulings.numeric)
        return cls(evidence, rulings.outcome == Outcome.FAIL, evidence.claim.analytic, rulings.numeric, slack)

    @property
    def check(self) -> str:
        """The check that found them."""
        return self.evidence.check

    @property
    def count(self) -> int:
        """How many elements failed."""
        return int(self.failed.sum())

    @property
    def undecided(self) -> NDArray[np.bool_]:
        """(D, R) could neither pass nor fail; none where a certificate speaks of the elements that did not fail."""
        if self.evidence.certificate:
            return np.zeros_like(self.failed)
        return np.asarray(self.evidence.rulings.outcome == Outcome.INCONCLUSIVE)

    @property
    def judged(self) -> int:
        """How many elements were judged, those that a certificate speaks of included."""
        return self.evidence.elements if self.evidence.certificate else self.failed.size + self.evidence.proven

    @property
    def everywhere(self) -> bool:
        """Every element that has a derivative at all failed; where none has one, every element of all."""
        return bool(self.failed[self.sloped].all() if self.sloped.any() else self.failed.all())

    @cached_property
    def sloped(self) -> NDArray[np.bool_]:
        """(D, R) f has a derivative there that differs from zero."""
        return np.asarray(np.abs(self.numeric) > self.slack)

    @property
    def rows(self) -> NDArray[np.intp]:
        """Directions with a failure."""
        return np.flatnonzero(self.failed.any(axis=1))

    @property
    def inputs(self) -> list[int]:
        """Positions of the inputs with a failure."""
        return np.unique(self.evidence.inputs.parts_of(self.evidence.places[self.rows])).tolist()

    @property
    def relative(self) -> Array:
        """Error of each failing element over its size, at most 2; inf where one side is infinite."""
        g, d = self.analytic[self.failed], self.numeric[self.failed]
        with np.errstate(invalid="ignore"):
            found = np.abs(g - d) / np.fmax(np.abs(g), np.abs(d))
        return np.nan_to_num(found, nan=np.inf)

    def parts(self) -> Iterator[Part]:
        """Each input, where all of them were checked whole."""
        evidence = self.evidence
        if evidence.pattern or len(evidence.directions) != evidence.inputs.size:
            return
        start = 0
        for name, shape in evidence.inputs.parts:
            yield Part(name, shape, start, start + prod(shape))
            start += prod(shape)

    def covers(self, which: int) -> bool:
        """Every element of input ``which`` that has a derivative failed."""
        mine = self.evidence.inputs.parts_of(self.evidence.places) == which
        return bool(self.failed[self.sloped & mine[:, None]].all())

    def name(self, which: int) -> str:
        """The name of an input."""
        return self.evidence.inputs.parts[which][0]

    def label(self, row: int) -> str:
        """The name of the input element of a row; of an entry of a matrix, that of the output too."""
        direction = int(self.evidence.directions[row])
        name = self.evidence.input_label(direction)
        return f"d {self.evidence.output_label(direction, 0)}/d {name}" if self.evidence.pattern else name


def agree(analytic: Array, numeric: Array, slack: Array) -> bool:
    """Whether both are the same numbers, as far as they were measured."""
    return bool((np.abs(analytic - numeric) <= slack).all())


def the_others(count: int, undecided: int = 0) -> str:
    """What became of the ``count`` elements beside those that failed."""
    if not undecided:
        return "the other agrees" if count == 1 else f"the other {count} agree"
    if undecided == count:
        return "the other is undecided" if count == 1 else f"the other {count} are undecided"
    agreeing = count - undecided
    return f"of the others {agreeing} agree{'s' * (agreeing == 1)} and {undecided} {are(undecided)} undecided"


def are(count: int) -> str:
    """The verb of so many."""
    return "is" if count == 1 else "are"
