"""A matrix that is claimed entry by entry, a Jacobian or a Hessian: column by column, or by what may differ from 0.

Where the function depends on few of its inputs in each output, the entries are compared at which it or the claim may
differ from zero. Which those are is found from the function: a claim's pattern may say what to look at first, but is
never trusted.
"""

from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from gradaudit.checks._comparison import Comparison, Sparse
from gradaudit.checks._structure import FEWEST, usual
from gradaudit.checks._subject import require_array
from gradaudit.perturb.axis import Axis
from gradaudit.perturb.dependency import Search
from gradaudit.perturb.noise import Function
from gradaudit.perturb.pattern import Pattern
from gradaudit.perturb.samples import Array
from gradaudit.perturb.steps import Coordinates, Entries, Moves

#: A sparse claim of more entries, zeros included, is never written out, though each coordinate is then moved once more,
DENSE = 2**20
#: nor one that stores less than this part of them: zeros take more steps than that.
SPARSE = 1 / 4


@dataclass(frozen=True)
class Claimed:
    """What is claimed for every output of ``function`` by every coordinate: an array (m, n), or SciPy sparse."""

    check: str
    function: Function  #: float64[n] -> float64[m]
    base: Array  #: (m,) function(x)
    moves: Coordinates | Moves
    matrix: Any
    inputs: Axis
    outputs: Axis
    primal: bool = True  #: ``function`` is the case's own function, not its gradient
    worth: Array | None = None  #: (m,) the scales of x, where the outputs are the slopes of one function

    def compared(self, rng: np.random.Generator) -> Comparison:
        """The claim beside differences."""
        m, n = self.matrix.shape
        if n < FEWEST or m < 2 or not isinstance(self.moves, Coordinates) or not np.isfinite(self.base).all():
            return self._by_columns()
        # of its own: the noise of the function is measured along the same line as without a search
        (own,) = rng.spawn(1)
        search = Search(self.function, self.moves.point, base=self.base, rng=own, budget=n)
        return self._by_entries(search) or replace(self._by_columns(), searched=search.evaluations)

    def _by_columns(self) -> Comparison:
        return self._comparison(self.moves, self.moves.along(written_out(self.matrix).T))

    def _by_entries(self, search: Search) -> Comparison | None:
        """Those entries only at which the function or the claim may differ from zero; None without structure."""
        m, n = self.matrix.shape
        claimed, values = _entries_of(self.matrix)
        dependence = search.pattern([claimed, *usual(n, m)])
        found = dependence
        if found is None and self._stays_sparse(claimed):
            found = search.column_by_column()
        if found is None:
            return None
        pattern = found.with_entries(claimed.output, claimed.coordinate)
        if not pattern.output.size:  # a constant, or what is quantised and has not moved yet: one for each coordinate
            pattern = pattern.with_entries(np.arange(n) % m, np.arange(n))
        analytic, stored = np.zeros(pattern.output.size), np.zeros(pattern.output.size, dtype=bool)
        place = pattern.place(claimed.output, claimed.coordinate)
        analytic[place], stored[place] = values, True
        stores = stored if hasattr(self.matrix, "tocsc") else None
        entries = Entries(search.point, pattern.coordinate, pattern.output)
        return self._comparison(entries, analytic[:, None], Sparse(pattern, dependence, stores, search.evaluations))

    def _stays_sparse(self, claimed: Pattern) -> bool:
        size = claimed.outputs * claimed.coordinates
        return hasattr(self.matrix, "tocsc") and (size > DENSE or claimed.output.size < SPARSE * size)

    def _comparison(self, directions: Coordinates | Moves, analytic: Array, sparse: Sparse | None = None) -> Comparison:
        return Comparison(
            check=self.check,
            function=self.function,
            base=self.base,
            directions=directions,
            readout=None,
            analytic=analytic,
            inputs=self.inputs,
            outputs=self.outputs,
            confined=self.moves.confined,
            primal=self.primal,
            worth=self.worth,
            sparse=sparse,
        )


def matrix_block(kind: str, block: Any, output: tuple[int, ...], input_: tuple[int, ...]) -> Any:
    """(m, n): as it is where it is sparse and has that shape, else a dense one in double precision.

    Raises Unfit where it is neither sparse (m, n) nor an array of shape ``output`` + ``input_``.
    """
    flat = prod(output), prod(input_)
    if hasattr(block, "tocsc"):
        if block.shape == flat:
            require_array(kind, block.data, block.data.shape)
            return block
        block = block.toarray()
    require_array(kind, block, output + input_)
    return np.asarray(block, dtype=np.float64).reshape(flat)


def written_out(matrix: Any) -> Array:
    """(m, n) with its zeros."""
    return np.asarray(matrix.toarray() if hasattr(matrix, "toarray") else matrix)


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
