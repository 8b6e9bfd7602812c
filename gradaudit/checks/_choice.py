"""Which elements, and how: one by one, along certified directions, or whichever pays: ``elements: auto``."""

from dataclasses import replace

import numpy as np

from gradaudit.checks._certify import certify, is_certified
from gradaudit.checks._ground import Ground
from gradaudit.checks._measure import measure
from gradaudit.checks._structure import LOOK, together_for
from gradaudit.judge.evidence import Evidence
from gradaudit.perturb.steps import Coordinates, Moves
from gradaudit.plan.case import Settings

#: Evaluations that an element takes, measured over ordinary functions.
EACH = 3
#: Below so many elements, directions take no fewer evaluations than elements.
FEW = 64
#: Directions of each family: any error above 3.3 times the worst residual is excluded but for one in a billion.
DIRECTIONS = 12
#: Seconds that elements may take one by one: this share of the timeout, as a failure takes more of it than a pass, and
#: loading some; or as long as a reader waits, where there is none.
SHARE, PATIENCE = 0.25, 10.0


def measured_as_chosen(
    ground: Ground, settings: Settings, rng: np.random.Generator, *, seconds: float, seed: int
) -> Evidence:
    """Measure a comparison as ``settings.elements``, ``directions`` or ``auto`` say; ``seconds`` are those of one
    evaluation, ``seed`` is the suite's.
    """
    decided, why = chosen_way(ground, settings, seconds=seconds)
    if not is_certified(ground.comparison, decided):
        return _remarking(why, measure(ground, decided, rng))
    count = len(ground.comparison.directions)
    look = together_for(ground.comparison, ground.probe, count, rng, budget=LOOK) if settings.auto else None
    if look is None or not look.saves:
        found = certify(ground, decided, rng, seed=seed)
        return _remarking(why, found.after(look.evaluations, look.evaluations) if look else found)
    together = measure(ground.measured_by(look), replace(decided, directions=None), rng)
    return _remarking(f"elements: auto took all {count:,} together, as f has a structure", together)


def _remarking(why: str, evidence: Evidence) -> Evidence:
    return replace(evidence, remarks=(*evidence.remarks, why)) if why else evidence


def chosen_way(ground: Ground, settings: Settings, *, seconds: float) -> tuple[Settings, str]:
    """``settings`` with ``auto`` decided, and what was decided and why; nothing to say where it was not asked for.

    ``seconds`` are those of one evaluation.
    """
    directions = ground.comparison.directions
    if not settings.auto:
        return settings, ""
    decided = replace(settings, auto=False)
    if not isinstance(directions, Coordinates | Moves) or ground.comparison.sparse is not None:
        return decided, ""
    count = len(directions)
    needed = EACH * count * seconds
    if ground.probe.kernel is not None:
        needed /= ground.probe.threads
    budget = PATIENCE if settings.timeout is None else SHARE * settings.timeout
    cost = f"about {EACH * count:,} evaluations of {_time(seconds)}, {_time(needed)} in all"
    if count <= FEW or needed <= budget:
        return decided, f"elements: auto took all {count:,} one by one: {cost}; up to {budget:g} s that is done"
    why = f"elements: auto took {DIRECTIONS} certified directions: one by one would be {cost}; {budget:g} s are allowed"
    return replace(decided, directions=DIRECTIONS), why


def _time(seconds: float) -> str:
    """One digit: the next run measures another second."""
    for size, unit in ((3600.0, "h"), (60.0, "min"), (1.0, "s"), (1e-3, "ms")):
        if seconds >= size:
            return f"{float(f'{seconds / size:.1g}'):g} {unit}"
    return f"{float(f'{seconds * 1e6:.1g}'):g} µs"
