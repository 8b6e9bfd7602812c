"""Curves for the reader: differences at many steps along the worst directions, which decide nothing."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradaudit.checks._ground import Ground
from gradaudit.judge.element import Claim, Outcome, Rulings
from gradaudit.judge.evidence import error_over_allowed, worst_first
from gradaudit.perturb.samples import Array, Samples
from gradaudit.perturb.sampling import Probe
from gradaudit.perturb.steps import Directions, given, octaves, untaken
from gradaudit.plan.case import Settings

#: The worst direction's error-against-h curve has steps s·2^−p for these.
CURVE = np.arange(1.0, 38.0, 3.0)
#: Where all has passed, few of them stand where noise rules: there the curve is a straight line.
CURVE_OF_A_PASS = np.array([1.0, 4.0, 7.0, 10.0, 13.0, 16.0, 19.0, 28.0, 37.0])
#: Of a case that does not pass, this many further directions have curves.
OTHERS = 4


@dataclass(frozen=True)
class Curves:
    """The worst direction's curve, of the readout that is worst along it, and those of the next that did not pass."""

    direction: int
    readout: int
    worst: Samples  #: none where all has passed and no reader asks
    others: tuple[tuple[int, Samples], ...]  #: with their directions

    @property
    def evaluations(self) -> int:
        """What they took."""
        return self.worst.evaluations + sum(samples.evaluations for _, samples in self.others)


def curves(
    ground: Ground,
    directions: Directions,
    claim: Claim,
    rulings: Rulings,
    settings: Settings,
    *,
    extended: bool,
    evaluations: int,
) -> Curves:
    """The curves of what was ruled on ``directions``; together they take no more than the verdict's ``evaluations``."""
    passed = rulings.all_decided
    if passed and not ground.curve:
        return Curves(0, 0, Samples.none(claim.analytic.shape[1]), ())
    direction, readout = worst_element(claim, rulings)
    alone = directions.take(np.array([direction]))
    steps = CURVE_OF_A_PASS if passed else CURVE
    worst = _witness(ground.probe, alone, settings, steps, extended=extended)
    if passed:
        return Curves(direction, readout, worst, ())
    affordable = evaluations // max(1, worst.evaluations)
    others = _others(ground.probe, directions, claim, rulings, settings, extended=extended, most=affordable)
    return Curves(direction, readout, worst, others)


def worst_element(claim: Claim, rulings: Rulings) -> tuple[int, int]:
    """(direction, readout) of the worst: failures before the undecided before passes, then by error ÷ allowed."""
    return divmod(int(_worst_first(claim, rulings)[0]), rulings.outcome.shape[1])


def _worst_first(claim: Claim, rulings: Rulings) -> NDArray[np.intp]:
    """Flat positions of the elements (D, R)."""
    ratio = error_over_allowed(np.abs(claim.analytic - rulings.numeric), rulings.allowed)
    return worst_first(rulings.outcome, ratio)


def _others(
    probe: Probe,
    directions: Directions,
    claim: Claim,
    rulings: Rulings,
    settings: Settings,
    *,
    extended: bool,
    most: int,
) -> tuple[tuple[int, Samples], ...]:
    """Curves of the next worst directions that did not pass, at ``most`` so many."""
    order = _worst_first(claim, rulings)
    bad = order[rulings.outcome.ravel()[order] != Outcome.PASS] // rulings.outcome.shape[1]
    return tuple(
        (direction, _witness(probe, directions.take(np.array([direction])), settings, CURVE, extended=extended))
        for direction in list(dict.fromkeys(bad.tolist()))[1 : 1 + min(most, OTHERS)]
    )


def _witness(probe: Probe, direction: Directions, settings: Settings, steps: Array, *, extended: bool) -> Samples:
    """Differences along one direction, for its error-against-h curve: the user's steps, ours where they count.

    ``steps`` are ours, in octaves below the scale.
    """
    if settings.h is None:
        return probe.sample(direction, octaves(direction, steps))
    samples = probe.sample(direction, given(direction, settings.h))
    if not extended:
        return samples
    ours = untaken(octaves(direction, steps), np.fmax(samples.ahead, samples.behind))
    return samples.and_then(probe.sample(direction, ours))
