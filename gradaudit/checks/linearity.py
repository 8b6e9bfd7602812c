"""Check ``linearity``: a vjp is linear in its cotangent, vjp(a·v + b·w) = a·vjp(v) + b·vjp(w).

Differences see the cotangents of the check ``vjp`` only, all of them near 1. A gradient that is clipped, rounded to
half precision or guarded by an epsilon is right there, and wrong for the cotangents that a loss of another size sends.
"""

import numpy as np

from gradaudit.checks._comparison import random_directions
from gradaudit.checks._identity import Identity
from gradaudit.checks._limits import HALF
from gradaudit.checks._offered import need
from gradaudit.checks._subject import Subject
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.perturb.axis import Axis
from gradaudit.perturb.samples import Array

claims = ("vjp",)
#: A thousand times the usual size, and a thousandth of it; a power of two, so that no cotangent is rounded.
LARGE = 2.0**10
#: The same for half precision, which knows nothing beyond 65504.
LARGE_HALF = 2.0**4


def compare(subject: Subject, rng: np.random.Generator) -> list[Identity]:
    """Analytic: the vjp of a combined cotangent. Numeric: the same combination of vjps. Rows are elements of x."""
    need(subject, "vjp")
    v, w = random_directions(rng, 2, subject.value.size)
    of_v, of_w = _pulled(subject, v), _pulled(subject, w)
    combined = _combined(LARGE_HALF if subject.epsilon > HALF else LARGE)
    numeric = np.stack([a * of_v + b * of_w for a, b, _ in combined], axis=1)
    # inside a claim, elements may cancel that are as large as the largest it returns
    largest = np.array([[_largest(a * of_v) + _largest(b * of_w) for a, b, _ in combined]])
    return [
        Identity(
            check="linearity",
            analytic=np.stack([_pulled(subject, a * v + b * w) for a, b, _ in combined], axis=1),
            numeric=numeric,
            magnitude=np.broadcast_to(largest, numeric.shape),
            inputs=subject.axis,
            outputs=Axis(tuple((name, ()) for _, _, name in combined)),
            broken=Diagnosis.NOT_LINEAR,
        )
    ]


def _combined(large: float) -> tuple[tuple[float, float, str], ...]:
    """Columns: a, b, and the name of a·v + b·w."""
    return (
        (1.0, 1.0, "out·(cotangent 1 + cotangent 2)"),
        (large, 0.0, f"out·({large:g} × cotangent 1)"),
        (1 / large, 0.0, f"out·(cotangent 1 / {large:g})"),
    )


def _pulled(subject: Subject, cotangent: Array) -> Array:
    """(D,) the vjp along every direction that x can move in."""
    return subject.moves.along(subject.per_input("vjp", subject.claimed("vjp", subject.cotangent(cotangent))))


def _largest(values: Array) -> float:
    return float(np.max(np.abs(values[np.isfinite(values)]), initial=0.0))
