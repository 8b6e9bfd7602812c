"""The pattern of claimed Hessians that are not symmetric, as second derivatives are wherever they are continuous."""

import numpy as np

from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.failure import Failure


def not_symmetric(failure: Failure) -> tuple[Diagnosis, str] | None:
    """Two mirror images in the claim differ where the measured ones do not, and one of them is off."""
    if failure.check != "hessian":
        return None
    evidence = failure.evidence
    which = evidence.directions
    # a row is a direction, a column a derivative of the gradient: both stand for the same coordinates
    g, d, slack = (values[:, which] for values in (failure.analytic, failure.numeric, failure.slack))
    failed = failure.failed[:, which]
    apart, accepted = np.abs(g - g.T), slack + slack.T
    off = (apart > accepted) & (np.abs(d - d.T) <= accepted) & (failed | failed.T)
    if not off.any():
        return None
    i, j = (int(k) for k in np.unravel_index(int(np.argmax(np.where(off, apart, 0.0))), off.shape))
    first, second = (evidence.inputs.label(int(which[k])) for k in (i, j))
    to_first, to_second = (evidence.outputs.label(int(which[k])) for k in (i, j))
    sentence = (
        f"d {to_second}/d {first} is {g[i, j]:.6g} and d {to_first}/d {second} is {g[j, i]:.6g},"
        f" numeric {d[i, j]:.6g} for both"
    )
    return Diagnosis.NOT_SYMMETRIC, sentence + _how_many(int(off.sum()) // 2) + _half_empty(g)


def _how_many(pairs: int) -> str:
    return f"; {pairs} pairs differ" if pairs > 1 else ""


def _half_empty(g: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> str:
    lower, upper = np.tril(g, -1).any(), np.triu(g, 1).any()
    return "" if lower and upper else "; one triangle of the claim is zero"
