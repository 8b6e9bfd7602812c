"""Check ``jacobian``: every entry of a claimed Jacobian, dense or SciPy sparse; or an operator, by its products.

The differences are taken of every output along every coordinate, so a sparse claim's pattern is never trusted.
"""

from collections.abc import Sequence

import numpy as np

from gradaudit.checks._comparison import Comparison
from gradaudit.checks._products import compare_jacobian, products_of
from gradaudit.checks._subject import Subject, Unfit, require_array
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.perturb.samples import Array

claims = ("jacobian",)


def compare(subject: Subject, rng: np.random.Generator) -> list[Comparison]:
    """The claim beside differences of every output along every coordinate, or every move within a structure."""
    returned = subject.claimed("jacobian")
    _require_one_output(subject)
    blocks = products_of(returned)
    if blocks is not None:
        _require_blocks(subject, blocks)
        return compare_jacobian(subject, blocks, rng)
    return [
        Comparison(
            check="jacobian",
            function=subject.evaluate,
            base=subject.value,
            directions=subject.moves,
            readout=None,
            analytic=subject.moves.along(_dense(subject, returned).T),
            inputs=subject.axis,
            outputs=subject.outputs,
            confined=subject.moves.confined,
        )
    ]


def _require_one_output(subject: Subject) -> None:
    if subject.several:
        raise Unfit(
            Diagnosis.SHAPE, "a jacobian of several outputs is not supported; allowed: one array, or claim a vjp"
        )


def _require_blocks(subject: Subject, blocks: Sequence[object]) -> None:
    count = len(subject.arguments.arrays)
    if len(blocks) != count:
        raise Unfit(Diagnosis.SHAPE, f"jacobian returned {len(blocks)} arrays for {count} differentiated inputs")


def _dense(subject: Subject, returned: object) -> Array:
    """The claim as (m, n), one block of columns per differentiated input."""
    arrays = subject.arguments.arrays
    if any(array.dtype.kind == "c" for array in arrays):
        raise Unfit(Diagnosis.DTYPE, "a jacobian by a complex input is not supported; allowed: claim a vjp or jvp")
    blocks = returned if isinstance(returned, tuple | list) and len(arrays) > 1 else (returned,)
    _require_blocks(subject, blocks)
    m = subject.value.size
    return np.concatenate(
        [_block(block, subject.shapes[0], a.shape).reshape(m, a.size) for block, a in zip(blocks, arrays, strict=True)],
        axis=1,
    )


def _block(block: object, output: tuple[int, ...], input_: tuple[int, ...]) -> Array:
    if hasattr(block, "toarray"):
        block = block.toarray()
        if np.asarray(block).shape == (int(np.prod(output)), int(np.prod(input_))):
            return np.asarray(block, dtype=np.float64)
    require_array("jacobian", block, output + input_)
    return np.asarray(block, dtype=np.float64)
