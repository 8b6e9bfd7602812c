"""The pattern of claims that are wrong only where f decides between equals: at tied values, and at kinks."""

import numpy as np
from numpy.typing import NDArray

from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.evidence import Evidence
from gradaudit.judge.failure import Failure, the_others
from gradaudit.perturb.samples import Array

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
    return Diagnosis.TIE, f"{which} are off, such as {example}; {the_others(int((~tied).sum()))}"


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
        found = _occurs_again(evidence.x[mine], evidence.inputs.parts[which][1])
        # an input of equal values is one that was initialised: what is wrong in all of it is no matter of ties
        tied[mine] = found & ~found.all()
    return tied


def _occurs_again(x: Array, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Whether each of the values (n,) of an input occurs again; in a symmetric matrix, beside its mirror image."""
    _, place, count = np.unique(x, return_inverse=True, return_counts=True)
    own = np.ones(x.size, dtype=int)  #: times that each counts for itself
    if len(shape) == 2 and shape[0] == shape[1] and x.size == shape[0] ** 2:
        matrix = x.reshape(shape)
        if (matrix == matrix.T).all():
            own += ~np.eye(shape[0], dtype=bool).ravel()
    return np.asarray(count[place] > own)
