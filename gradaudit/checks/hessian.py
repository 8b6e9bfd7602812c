"""Check ``hessian``: a claimed Hessian against differences of the claimed gradient (which is audited before it)."""

import numpy as np

from gradaudit.checks._comparison import Comparison
from gradaudit.checks._subject import Subject, Unfit, require_array
from gradaudit.checks.gradient import claimed_gradient, slopes_at
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.perturb.samples import Array

claims = ("hessian",)


def compare(subject: Subject, rng: np.random.Generator) -> list[Comparison]:
    """Every entry of the claim beside differences of the gradient along every coordinate."""
    moves = subject.moves
    return [
        Comparison(
            check="hessian",
            function=lambda flat: slopes_at(subject, flat),
            base=moves.along(claimed_gradient(subject)),
            directions=moves,
            readout=None,
            analytic=moves.along(moves.along(_dense(subject)).T),
            inputs=subject.axis,
            outputs=subject.axis.prefixed("gradient "),
            confined=moves.confined,
            primal=False,
        )
    ]


def _dense(subject: Subject) -> Array:
    arrays = subject.arguments.arrays
    if any(array.dtype.kind == "c" for array in arrays):
        raise Unfit(Diagnosis.DTYPE, "a hessian by a complex input is not supported; allowed: claim an hvp")
    if len(arrays) != 1:
        raise Unfit(
            Diagnosis.SHAPE, f"hessian over {len(arrays)} inputs is not supported; allowed: one, or claim an hvp"
        )
    returned = subject.claimed("hessian")
    returned = returned.toarray() if hasattr(returned, "toarray") else returned
    require_array("hessian", returned, arrays[0].shape * 2)
    return np.asarray(returned, dtype=np.float64).reshape(arrays[0].size, arrays[0].size)
