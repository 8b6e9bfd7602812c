"""Check ``hessian``: a claimed Hessian against differences of the claimed gradient (which is audited before it)."""

from typing import Any

import numpy as np

from gradaudit.checks._comparison import Comparison
from gradaudit.checks._matrix import Claimed, matrix_block, written_out
from gradaudit.checks._offered import need_digits_of_a_gradient, need_gradient_beside
from gradaudit.checks._products import compare_hessian, products_of
from gradaudit.checks._subject import Subject, Unfit
from gradaudit.checks.gradient import claimed_gradient, slopes_at
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.perturb.steps import Coordinates

claims = ("hessian",)


def compare(subject: Subject, rng: np.random.Generator) -> list[Comparison]:
    """Every entry of the claim beside differences of the gradient along every coordinate."""
    need_gradient_beside("hessian", subject)
    need_digits_of_a_gradient(subject)
    moves, returned = subject.moves, subject.claimed("hessian")
    if products_of(returned) is not None:
        _require_one_input(subject)
        return compare_hessian(subject, rng)
    claimed = Claimed(
        check="hessian",
        function=lambda flat: slopes_at(subject, flat),
        base=moves.along(claimed_gradient(subject)),
        moves=moves,
        matrix=_matrix(subject, returned),
        inputs=subject.axis,
        outputs=subject.axis.prefixed("gradient "),
        primal=False,
        worth=moves.scale,
    )
    return [claimed.compared(rng)]


def _require_one_input(subject: Subject) -> None:
    count = len(subject.arguments.arrays)
    if count != 1:
        raise Unfit(Diagnosis.SHAPE, f"hessian over {count} inputs is not supported; allowed: one, or claim an hvp")


def _matrix(subject: Subject, returned: Any) -> Any:
    """The claim by the slopes along every move: an array (D, n), or sparse where it is."""
    _require_one_input(subject)
    (array,) = subject.arguments.arrays
    if array.dtype.kind == "c":
        raise Unfit(Diagnosis.DTYPE, "a hessian by a complex input is not supported; allowed: claim an hvp")
    block = matrix_block("hessian", returned, array.shape, array.shape)
    return block if isinstance(subject.moves, Coordinates) else subject.moves.along(written_out(block))
