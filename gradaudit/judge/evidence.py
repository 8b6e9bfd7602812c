"""What the judge looks at: two ways to the same numbers, measured. Plain data, so that it can be judged again."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gradaudit.judge.certificate import Certificate
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.element import REASONS, Claim, Mask, Outcome, Rulings
from gradaudit.perturb.axis import Axis
from gradaudit.perturb.pattern import Pattern
from gradaudit.perturb.samples import Array, Samples

#: The place of each outcome, worse first.
RANK = np.array([2, 0, 1])


@dataclass(frozen=True)
class Evidence:
    """One comparison of one check. Arrays are (D, R) over the directions that were checked."""

    check: str
    inputs: Axis  #: names of all directions
    outputs: Axis  #: names of all readouts
    directions: NDArray[np.intp]  #: (D,) which directions were checked
    x: Array  #: (D,) the value of x there; NaN along a dense tangent
    claim: Claim
    rulings: Rulings
    witness: Samples  #: every difference taken along the worst direction
    witness_direction: int  #: which it is, among the D
    witness_readout: int  #: and its worst readout
    evaluations: int  #: of the function, the measurement of its noise included
    #: the next worst directions that did not pass, worst first, each with the differences along it
    others: tuple[tuple[int, Samples], ...] = ()
    surroundings: int = 0  #: those among them that decide nothing: the noise of f, and the reader's curve
    extended: bool = False  #: the suite's own steps could not decide, ours were added
    broken: Diagnosis | None = None  #: of two ways that need no differences: what it means where they part
    #: what second calls of a claim that failed have shown, with what shows it: stale, or another answer each time
    recalled: tuple[Diagnosis, str] | None = None
    certificate: Certificate | None = None  #: for all elements but those that failed; rows may then be directions
    remarks: tuple[str, ...] = ()  #: what a reader should know besides
    pattern: Pattern | None = None  #: the directions are its entries, R = 1; all others are zero on both sides
    saved: int = 0  #: evaluations that moving elements together has saved

    @property
    def proven(self) -> int:
        """Elements that no row stands for: f does not depend there, and the claim is zero."""
        return self.elements - len(self.pattern.output) if self.pattern else 0

    @property
    def places(self) -> NDArray[np.intp]:
        """(D,) where on ``inputs`` each row stands: an element has several rows where each is an entry of a matrix."""
        return self.pattern.coordinate[self.directions] if self.pattern else self.directions

    def input_label(self, direction: int) -> str:
        """The name of a direction."""
        return self.inputs.label(int(self.pattern.coordinate[direction]) if self.pattern else direction)

    def output_label(self, direction: int, readout: int) -> str:
        """The name of a readout, which for an entry of a matrix is its output."""
        return self.outputs.label(int(self.pattern.output[direction]) if self.pattern else readout)

    def after(self, evaluations: int, surroundings: int) -> "Evidence":
        """The same, with so many evaluations before it, and so many of those that decided nothing."""
        return replace(self, evaluations=self.evaluations + evaluations, surroundings=self.surroundings + surroundings)

    @property
    def elements(self) -> int:
        """How many elements there are in all, checked or not."""
        if self.certificate:
            return self.certificate.elements + self.certificate.excluded
        return self.inputs.size * self.outputs.size

    @cached_property
    def error(self) -> Array:
        """(D, R) |analytic − numeric|"""
        return np.abs(self.claim.analytic - self.rulings.numeric)

    @cached_property
    def ratio(self) -> Array:
        """(D, R) error ÷ allowed: the headline; at most 1 where an element passes, 0 for a subgradient at a kink."""
        ratio = error_over_allowed(self.error, self.rulings.allowed)
        ratio[self.subgradient] = 0.0
        return ratio

    @cached_property
    def bound(self) -> Array:
        """(D, R) the least error that would have failed, where an element passed; a proven zero has none.

        It is relative to the scale of the acceptance formula: the element itself, or where it is ``floored`` the larger
        one that it is held against. Where all elements were certified together, each has the bound of the certificate.
        """
        rulings = self.rulings
        passed = rulings.outcome == Outcome.PASS
        if self.certificate:
            return np.where(passed, self.certificate.bound, np.nan)
        size = np.fmax(np.abs(self.claim.analytic), np.abs(rulings.numeric))
        bounded = passed & (size > 0) & ~self.subgradient
        held = np.where(rulings.floored, rulings.scale, size)  # a pass by itself is bounded relative to itself
        return np.divide(rulings.allowed, held, out=np.full(size.shape, np.nan), where=bounded)

    @cached_property
    def subgradient(self) -> Mask:
        """(D, R) passes between the slopes of a kink, which the suite accepts: no bound can be given."""
        at_kink = self.rulings.reason == REASONS.index(Diagnosis.KINK)
        return np.asarray(at_kink & (self.rulings.outcome == Outcome.PASS))


def worst_first(outcome: NDArray[np.int8], ratio: Array) -> NDArray[np.intp]:
    """Flat positions of elements (D, R): failures, then the undecided, then passes; by error ÷ allowed among each."""
    return np.lexsort((-ratio.ravel(), RANK[outcome].ravel()))


def error_over_allowed(error: Array, allowed: Array) -> Array:
    """error ÷ allowed; 0 where both vanish, inf where nothing is allowed or the error is not a number."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.asarray(error / allowed)
    ratio[error == 0] = 0.0
    ratio[np.isnan(ratio)] = np.inf
    return ratio
