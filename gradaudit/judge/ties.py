"""The pattern of claims that are wrong only where f decides between equals: at tied values, and at kinks."""

import numpy as np
from numpy.typing import NDArray

from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.evidence import Evidence
from gradaudit.judge.failure import Failure

#: One-sided slopes make a kink where they differ by more than this fraction of the element's scale,
APART = 0.1
#: and by more than this many times what equal numbers may be measured apart.
CLEAR = 30.0


def wrong_at_a_tie(failure: Failure) -> tuple[Diagnosis, str] | None:
    """The failing elements are exactly those whose value occurs again in the same input, or those at a kink."""
    return _at_equal_values(failure) or _at_kinks(failure)


def _at_equal_values(failure: Failure) -> tuple[Diagnosis, str] | None:
    tied = _tied(failure.evidence)
    if not tied.any() or tied.all() or (failure.failed.any(axis=1) != tied).any():
        return None
    first = int(np.argmax(tied))
    value = failure.evidence.x[first]
    which = f"the {int(tied.sum())} elements whose value occurs more than once"
    example = f"{failure.label(first)} = {value:.6g}"
    return Diagnosis.TIE, f"{which} are off, such as {example}; the other {int((~tied).sum())} agree"


def _at_kinks(failure: Failure) -> tuple[Diagnosis, str] | None:
    rulings = failure.evidence.rulings
    gap = np.abs(rulings.forward - rulings.backward)
    kinked = np.isfinite(gap) & (gap > APART * rulings.scale) & (gap > CLEAR * failure.slack)
    if (kinked != failure.failed).any():
        return None
    d, r = (int(i) for i in np.argwhere(kinked)[0])
    slopes = f"{rulings.backward[d, r]:.6g} and {rulings.forward[d, r]:.6g}"
    example = f"{failure.label(d)} has slopes {slopes}, and the claim {failure.analytic[d, r]:.6g} is not between them"
    return Diagnosis.TIE, f"the elements at a kink are off, {len(failure.rows)} of {len(kinked)}: {example}"


def _tied(evidence: Evidence) -> NDArray[np.bool_]:
    """(D,) whether another checked element of the same input has the same value; False along tangents."""
    inputs = evidence.inputs.parts_of(evidence.places)
    tied = np.zeros(inputs.shape, dtype=bool)
    if evidence.pattern:  # the entries of one coordinate have its value, all of them
        return tied
    for which in np.unique(inputs):
        mine = np.flatnonzero((inputs == which) & np.isfinite(evidence.x))
        _, place, count = np.unique(evidence.x[mine], return_inverse=True, return_counts=True)
        tied[mine] = count[place] > 1
    return tied
