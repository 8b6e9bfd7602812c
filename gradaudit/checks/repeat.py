"""Check ``repeat``: every claimed derivative, asked twice at the same place, gives the same bits."""

from copy import deepcopy

import numpy as np

from gradaudit.checks import part
from gradaudit.checks._comparison import OTHER_ENTRIES, Comparison
from gradaudit.checks._identity import Identity
from gradaudit.checks._offered import first_of
from gradaudit.checks._subject import Subject, Unfit
from gradaudit.engines._differentiable import Absent
from gradaudit.judge.diagnosis import Diagnosis

claims = ("gradient", "value_and_gradient", "vjp", "jvp", "jacobian", "hessian", "hvp")
#: The check that asks for each kind of claim, and the other claims that it asks for.
ASKED_BY = {
    "gradient": "gradient",
    "value_and_gradient": "gradient",
    "vjp": "vjp",
    "jvp": "jvp",
    "jacobian": "jacobian",
    "hessian": "hessian",
    "hvp": "hvp",
}


def compare(subject: Subject, rng: np.random.Generator) -> list[Identity]:
    """Analytic: what all claims give. Numeric: what they give the second time.

    Raises Unfit where a matrix then has other entries.
    """
    first_of(subject, *claims)
    checks = dict.fromkeys(check for kind, check in ASKED_BY.items() if kind in subject.differentiable.claims)
    first, second = (_asked(subject, list(checks), deepcopy(rng)) for _ in range(2))
    pairs = list(zip(first, second, strict=False))
    if len(first) != len(second) or not all(before.has_entries_of(after) for before, after in pairs):
        raise Unfit(Diagnosis.NONDETERMINISTIC, OTHER_ENTRIES)
    return [_identity(before, after) for before, after in pairs]


def _asked(subject: Subject, checks: list[str], rng: np.random.Generator) -> list[Comparison]:
    found: list[Comparison] = []
    for check in checks:
        try:
            found += part(check).compare(subject, rng)
        except Absent:  # the check of that claim is what says so
            continue
    return found


def _identity(before: Comparison, after: Comparison) -> Identity:
    return Identity(
        check="repeat",
        analytic=before.analytic,
        numeric=after.analytic,
        magnitude=np.zeros(before.analytic.shape),
        inputs=before.inputs,
        outputs=before.outputs,
        broken=Diagnosis.NONDETERMINISTIC,
        exact=True,
        pattern=before.sparse.pattern if before.sparse else None,
        searching=before.searching + after.searching,
    )
