"""The entries of a matrix that is known by its products only, where it is known which of them may differ from zero."""

from collections.abc import Callable, Iterator

import numpy as np

from gradaudit.checks._comparison import random_directions
from gradaudit.perturb.pattern import Indices, Pattern
from gradaudit.perturb.samples import Array

#: The matrix (m, n) times a vector that is zero but for these columns, with these weights: -> (m,).
Product = Callable[[Indices, Array], Array]

#: So many entries outside the pattern are looked for among the columns of each colour.
NAMED = 8
#: Two products agree within this, relative to the entry, or to the largest beside it.
ROUNDING, BESIDE = 2.0**-40, 2.0**-46


def recovered(product: Product, dependence: Pattern, rng: np.random.Generator) -> tuple[Pattern, Array]:
    """All entries that may differ from zero, and what the matrix has there (E,).

    Two products a colour. Its columns share no output, so each output of their sum is one entry; unless the matrix has
    others, which a second product with random weights brings to light. Those are traced to their columns by halves,
    the largest first, and join the pattern.
    """
    value = np.zeros(dependence.output.size)
    others: dict[tuple[int, int], float] = {}
    for colour in range(dependence.colours):
        columns = np.flatnonzero(dependence.colour == colour)
        which, entry = dependence.entries_of(columns)
        owner = np.full(dependence.outputs, -1)
        owner[dependence.output[entry]] = which
        whole = product(columns, np.ones(columns.size))
        value[entry] = whole[dependence.output[entry]]
        for output in _strayed(product, columns, owner, whole, rng):
            others.update(_traced(product, columns, output, but=int(owner[output])))
    return _joined(dependence, value, others)


def _strayed(product: Product, columns: Indices, owner: Indices, whole: Array, rng: np.random.Generator) -> list[int]:
    """Outputs that more of the columns change than the ``owner`` (m,) of each, −1 where there is none."""
    weights = random_directions(rng, 1, columns.size)[0]
    expected = np.where(owner < 0, 0.0, weights[owner]) * whole
    apart = np.abs(product(columns, weights) - expected)
    largest = float(np.max(np.abs(whole[np.isfinite(whole)]), initial=0.0))
    # what is claimed to be no number is one by its own entry, unless it has none
    apart[~(apart > ROUNDING * np.abs(whole) + BESIDE * largest) & ((owner >= 0) | (apart == 0))] = 0.0
    apart = np.nan_to_num(apart, nan=np.inf)
    return [output for output in np.argsort(-apart, kind="stable")[:NAMED].tolist() if apart[output] > 0]


def _traced(product: Product, columns: Indices, output: int, *, but: int) -> Iterator[tuple[tuple[int, int], float]]:
    """A column beside the one at ``but`` that changes ``output``, and what the matrix has for both."""

    def there(inside: Indices) -> float:
        return float(product(inside, np.ones(inside.size))[output])

    inside = np.delete(columns, but) if but >= 0 else columns
    if not inside.size or there(inside) == 0:  # it was the rounding of a sum
        return
    while inside.size > 1:
        left, right = np.array_split(inside, 2)
        inside = left if there(left) != 0 else right
    yield (output, int(inside[0])), there(inside)
    if but >= 0:
        yield (output, int(columns[but])), there(columns[but : but + 1])


def _joined(dependence: Pattern, value: Array, others: dict[tuple[int, int], float]) -> tuple[Pattern, Array]:
    output, coordinate = np.array(list(others), dtype=np.intp).reshape(-1, 2).T
    pattern = dependence.with_entries(output, coordinate)
    every = np.zeros(pattern.output.size)
    every[pattern.place(dependence.output, dependence.coordinate)] = value
    every[pattern.place(output, coordinate)] = list(others.values())
    return pattern, every
