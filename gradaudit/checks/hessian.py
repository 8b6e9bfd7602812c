"""Check ``hessian``: a claimed Hessian against differences of the claimed gradient (which is audited before it)."""

from typing import Any

import numpy as np

from gradaudit.checks._comparison import Comparison
from gradaudit.checks._products import compare_hessian, products_of
from gradaudit.checks._subject import Subject, Unfit, require_array
from gradaudit.checks.gradient import claimed_gradient, slopes_at
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.perturb.samples import Array

claims = ("hessian",)


def compare(subject: Subject, rng: np.random.Generator) -> list[Comparison]:
    """Every entry of the claim beside differences of the gradient along every coordinate."""
    moves, returned = subject.moves, subject.claimed("hessian")
    if products_of(returned) is not None:
        _require_one_input(subject)
        return compare_hessian(subject, rng)
    return [
        Comparison(
            check="hessian",
            function=lambda flat: slopes_at(subject, flat),
            base=moves.along(claimed_gradient(subject)),
            directions=moves,
            readout=None,
            analytic=moves.along(moves.along(_dense(subject, returned)).T),
            inputs=subject.axis,
            outputs=subject.axis.prefixed("gradient "),
            confined=moves.confined,
            primal=False,
            worth=moves.scale,
        )
    ]


def _require_one_input(subject: Subject) -> None:
    count = len(subject.arguments.arrays)
    if count != 1:
        raise Unfit(Diagnosis.SHAPE, f"hessian over {count} inputs is not supported; allowed: one, or claim an hvp")


def _dense(subject: Subject, returned: Any) -> Array:
    _require_one_input(subject)
    (array,) = subject.arguments.arrays
    if array.dtype.kind == "c":
        raise Unfit(Diagnosis.DTYPE, "a hessian by a complex input is not supported; allowed: claim an hvp")
    dense = returned.toarray() if hasattr(returned, "toarray") else returned
    require_array("hessian", dense, array.shape * 2)
    return np.asarray(dense, dtype=np.float64).reshape(array.size, array.size)
