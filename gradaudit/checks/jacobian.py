"""Check ``jacobian``: every entry of a claimed Jacobian, dense or SciPy sparse; or an operator, by its products.

Where f depends on few of its inputs in each output, the entries are compared at which f or the claim may differ from
zero. Which those are is found from f: a claim's pattern may say what to look at first, but is never trusted.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradaudit.checks._comparison import Comparison, Sparse
from gradaudit.checks._products import compare_jacobian, products_of
from gradaudit.checks._structure import FEWEST, usual
from gradaudit.checks._subject import Subject, Unfit, require_array
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.perturb.dependency import Search
from gradaudit.perturb.pattern import Pattern
from gradaudit.perturb.samples import Array
from gradaudit.perturb.steps import Coordinates, Entries

claims = ("jacobian",)
#: A sparse claim of more entries, zeros included, is never written out, though each coordinate is then moved once more,
DENSE = 2**20
#: nor one that stores less than this part of them: zeros take more steps than that.
SPARSE = 1 / 4


def compare(subject: Subject, rng: np.random.Generator) -> list[Comparison]:
    """The claim beside differences of every output along every coordinate, or every move within a structure."""
    returned = subject.claimed("jacobian")
    _require_one_output(subject)
    blocks = products_of(returned)
    if blocks is not None:
        _require_blocks(subject, blocks)
        return compare_jacobian(subject, blocks, rng)
    claim = _matrix(subject, returned)
    return [_by_entries(subject, claim, rng) or _by_columns(subject, claim)]


def _by_columns(subject: Subject, claim: Any) -> Comparison:
    dense = claim.toarray() if hasattr(claim, "toarray") else claim
    return Comparison(
        check="jacobian",
        function=subject.evaluate,
        base=subject.value,
        directions=subject.moves,
        readout=None,
        analytic=subject.moves.along(dense.T),
        inputs=subject.axis,
        outputs=subject.outputs,
        confined=subject.moves.confined,
    )


def _by_entries(subject: Subject, claim: Any, rng: np.random.Generator) -> Comparison | None:
    """Those entries only at which f or the claim may differ from zero; None where f has no structure."""
    n, m = subject.point.x.size, subject.value.size
    if n < FEWEST or m < 2 or not isinstance(subject.moves, Coordinates) or not np.isfinite(subject.value).all():
        return None
    claimed, values = _entries_of(claim)
    # of its own: the noise of f is measured along the same line as without a search
    (own,) = rng.spawn(1)
    search = Search(subject.evaluate, subject.point, base=subject.value, rng=own, budget=n)
    dependence = search.pattern([claimed, *usual(n, m)])
    found = dependence
    if found is None and hasattr(claim, "tocsc") and (m * n > DENSE or claimed.output.size < SPARSE * m * n):
        found = search.column_by_column()
    if found is None:
        return None
    pattern = found.with_entries(claimed.output, claimed.coordinate)
    analytic, stored = np.zeros(pattern.output.size), np.zeros(pattern.output.size, dtype=bool)
    place = pattern.place(claimed.output, claimed.coordinate)
    analytic[place], stored[place] = values, True
    return Comparison(
        check="jacobian",
        function=subject.evaluate,
        base=subject.value,
        directions=Entries(subject.point, pattern.coordinate, pattern.output),
        readout=None,
        analytic=analytic[:, None],
        inputs=subject.axis,
        outputs=subject.outputs,
        confined=subject.moves.confined,
        sparse=Sparse(pattern, dependence, stored if hasattr(claim, "tocsc") else None, search.evaluations),
    )


def _entries_of(claim: Any) -> tuple[Pattern, Array]:
    """Where a matrix has entries, and what they are: all that a sparse one stores, of a dense one what is not zero."""
    if hasattr(claim, "tocsc"):
        stored = claim.tocsc(copy=True)
        stored.sum_duplicates()
        stored = stored.tocoo()
        output, coordinate, values = stored.row, stored.col, stored.data
    else:
        output, coordinate = np.nonzero(claim)
        values = claim[output, coordinate]
    pattern = Pattern.of(output, coordinate, shape=claim.shape)
    in_order = np.empty(values.size)
    in_order[pattern.place(output, coordinate)] = values
    return pattern, in_order


def _require_one_output(subject: Subject) -> None:
    if subject.several:
        raise Unfit(
            Diagnosis.SHAPE, "a jacobian of several outputs is not supported; allowed: one array, or claim a vjp"
        )


def _require_blocks(subject: Subject, blocks: Sequence[object]) -> None:
    count = len(subject.arguments.arrays)
    if len(blocks) != count:
        raise Unfit(Diagnosis.SHAPE, f"jacobian returned {len(blocks)} arrays for {count} differentiated inputs")


def _matrix(subject: Subject, returned: object) -> Any:
    """The claim as (m, n), one block of columns per differentiated input: an array, or sparse where each block is."""
    arrays = subject.arguments.arrays
    if any(array.dtype.kind == "c" for array in arrays):
        raise Unfit(Diagnosis.DTYPE, "a jacobian by a complex input is not supported; allowed: claim a vjp or jvp")
    returned = returned if isinstance(returned, tuple | list) and len(arrays) > 1 else (returned,)
    _require_blocks(subject, returned)
    blocks = [_block(one, subject.shapes[0], a.shape) for one, a in zip(returned, arrays, strict=True)]
    if len(blocks) == 1:
        return blocks[0]
    if all(hasattr(block, "tocsc") for block in blocks):
        from scipy.sparse import hstack

        return hstack(blocks, format="csc")
    return np.concatenate([b.toarray() if hasattr(b, "toarray") else b for b in blocks], axis=1)


def _block(block: Any, output: tuple[int, ...], input_: tuple[int, ...]) -> Any:
    """(m, n_i): as it is where it is sparse and has that shape, else a dense one in double precision."""
    flat = int(np.prod(output)), int(np.prod(input_))
    if hasattr(block, "tocsc"):
        if block.shape == flat:
            require_array("jacobian", block.data, block.data.shape)
            return block
        block = block.toarray()
    require_array("jacobian", block, output + input_)
    return np.asarray(block, dtype=np.float64).reshape(flat)
