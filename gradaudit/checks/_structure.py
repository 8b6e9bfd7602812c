"""Where f has a structure, many elements are measured at once: when that is tried, and what is said about it."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from gradaudit.checks._comparison import Comparison
from gradaudit.judge.element import Rulings
from gradaudit.perturb.dependency import Search
from gradaudit.perturb.pattern import Pattern
from gradaudit.perturb.sampling import Probe
from gradaudit.perturb.steps import Coordinates
from gradaudit.perturb.together import Together

#: Fewer elements than these are as cheap one by one, or by a compiled function.
FEWEST, FEWEST_COMPILED = 48, 512
#: Evaluations that may be spent on looking for a structure where there is another way to a verdict.
LOOK = 256
#: Where f has a batched form, so many of its points cost what one call does: what is looked for call by call must save
#: that many times as much.
BATCHED = 32


def together_for(
    comparison: Comparison, probe: Probe, count: int, rng: np.random.Generator, *, budget: int | None = None
) -> Together | None:
    """The way to move ``count`` of the coordinates together, where f has a structure that makes it pay.

    The search takes ``budget`` calls at most; where none is given, what half of those evaluations cost that it may
    save.
    """
    x, base = comparison.directions.point.x, comparison.base
    if comparison.sparse is not None:
        known = comparison.sparse
        return Together(comparison.function, x, base, known.dependence, rng, evaluations=known.evaluations)
    fewest = FEWEST if probe.kernel is None else FEWEST_COMPILED
    if probe.readout is None or base.size < 2 or count < fewest:
        return None
    if not isinstance(comparison.directions, Coordinates) or not np.isfinite(base).all():
        return None
    calls = budget or (count if probe.batch is None else count // BATCHED)
    search = Search(comparison.function, comparison.directions.point, base=base, rng=rng, budget=calls)
    pattern = search.pattern(usual(x.size, base.size))
    return Together(comparison.function, x, base, pattern, rng, evaluations=search.evaluations)


def moves_together(probe: Probe) -> bool:
    """Whether more directions cost little more than one."""
    return probe.together is not None and probe.together.saves


def usual(n: int, m: int) -> list[Pattern]:
    """What is asked first of a function of n elements with m outputs."""
    return [Pattern.diagonal(n)] if n == m else []


def one_by_one(comparison: Comparison, rng: np.random.Generator) -> Together | None:
    """What is left where f does not keep to its structure."""
    if comparison.sparse is None:
        return None
    return Together(comparison.function, comparison.directions.point.x, comparison.base, None, rng)


def saved_by(together: Together | None) -> int:
    """Evaluations that moving elements together has saved, what the search took counted against it."""
    if together is None or together.pattern is None:
        return 0
    return max(0, together.alone - together.evaluations)


def what_was_found(
    comparison: Comparison, together: Together | None, chosen: NDArray[np.intp], rulings: Rulings
) -> Iterator[str]:
    """The structure of f, what it saved, and where the claim's own differs from it."""
    if together is not None and together.pattern is not None:
        yield (
            f"found in f and confirmed at every step: {together.pattern.said}; {together.evaluations:,} evaluations"
            f" instead of {together.alone:,}"
        )
    if comparison.sparse is not None and comparison.sparse.stored is not None:
        yield from _of_another_density(comparison.sparse.pattern, comparison.sparse.stored[chosen], chosen, rulings)


def _of_another_density(
    pattern: Pattern, stored: NDArray[np.bool_], chosen: NDArray[np.intp], rulings: Rulings
) -> Iterator[str]:
    """What a sparse claim stores where f has nothing, or does not store where f has something."""
    moved = rulings.numeric[:, 0] != 0
    if (stored == moved).all():
        return
    rows = pattern.output[chosen]
    claimed, has = (int(np.bincount(rows[mask], minlength=1).max()) for mask in (stored, moved))
    yield (
        f"the claim stores {stored.sum():,} entries, at most {claimed} an output; f has {moved.sum():,}, at most {has}:"
        f" {int((stored & ~moved).sum()):,} are stored for nothing, {int((moved & ~stored).sum()):,} are missing"
    )
