"""Check ``jacobian``: every entry of a claimed Jacobian, dense or SciPy sparse; or an operator, by its products."""

from typing import Any

import numpy as np

from gradaudit.checks._comparison import Comparison
from gradaudit.checks._matrix import Claimed, matrix_block, written_out
from gradaudit.checks._products import compare_jacobian, products_of
from gradaudit.checks._subject import Subject, Unfit, require_one_each
from gradaudit.judge.diagnosis import Diagnosis

claims = ("jacobian",)


def compare(subject: Subject, rng: np.random.Generator) -> list[Comparison]:
    """The claim beside differences of every output along every coordinate, or every move within a structure."""
    returned = subject.claimed("jacobian")
    _require_one_output(subject)
    blocks = products_of(returned)
    if blocks is not None:
        require_one_each("jacobian", blocks, subject.arguments.arrays)
        return compare_jacobian(subject, blocks, rng)
    claimed = Claimed(
        check="jacobian",
        function=subject.evaluate,
        base=subject.value,
        moves=subject.moves,
        matrix=_matrix(subject, returned),
        inputs=subject.axis,
        outputs=subject.outputs,
    )
    return [claimed.compared(rng)]


def _require_one_output(subject: Subject) -> None:
    if subject.several:
        raise Unfit(
            Diagnosis.SHAPE, "a jacobian of several outputs is not supported; allowed: one array, or claim a vjp"
        )


def _matrix(subject: Subject, returned: object) -> Any:
    """The claim as (m, n), one block of columns per differentiated input: an array, or sparse where each block is."""
    arrays = subject.arguments.arrays
    if any(array.dtype.kind == "c" for array in arrays):
        raise Unfit(Diagnosis.DTYPE, "a jacobian by a complex input is not supported; allowed: claim a vjp or jvp")
    returned = returned if isinstance(returned, tuple | list) and len(arrays) > 1 else (returned,)
    require_one_each("jacobian", returned, arrays)
    output = subject.shapes[0]
    blocks = [matrix_block("jacobian", one, output, a.shape) for one, a in zip(returned, arrays, strict=True)]
    if len(blocks) == 1:
        return blocks[0]
    if all(hasattr(block, "tocsc") for block in blocks):
        from scipy.sparse import hstack

        return hstack(blocks, format="csc")
    return np.concatenate([written_out(block) for block in blocks], axis=1)
