"""Calling the second witness: line integrals of the claim, where noise or rounding hides its elements at x.

It speaks only where it may decide the whole case, and over two reaches: a large one, and one a quarter shorter.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradaudit.checks._comparison import Comparison
from gradaudit.judge.element import FAIL_FACTOR, LARGEST_FLOOR, Claim, Mask, Outcome, Rulings
from gradaudit.judge.integral import Testimony, open_to_help, rule_by_integral, testimony
from gradaudit.perturb.line_integral import Antiderivative, discrepancy
from gradaudit.perturb.samples import KAPPA, Array, Samples
from gradaudit.perturb.sampling import Probe
from gradaudit.perturb.steps import Coordinates, Directions, Moves

#: The claim is integrated over x ± the scale of x, or the largest of these fractions on which that suffices.
REACHES = (1.0, 1 / 2, 1 / 4, 1 / 8, 1 / 16)
#: The second reach, as a fraction of the first.
SECOND = 0.75
#: Segments a reach: as many as the resolution needs, between these.
FEWEST, MOST = 4, 64
#: Where more than twice ``MOST`` were needed the claim cannot pass; so many still show a larger error.
HOPELESS_SEGMENTS = 8
#: The quadrature may be off by this fraction of what the resolution asks for, and the noise may use up that much.
QUADRATURE, USED = 0.05, 0.8
#: It stops when this many directions have stayed undecided, and does not begin where more than so many are.
HOPELESS, TOO_MANY = 8, 256


def ask_line_integrals(
    rulings: Rulings, claim: Claim, probe: Probe, comparison: Comparison, chosen: NDArray[np.intp]
) -> int:
    """Rule on the undecided among the ``chosen`` directions. Returns the evaluations spent."""
    undecided = rulings.outcome == Outcome.INCONCLUSIVE
    rows = np.flatnonzero(undecided.any(axis=1))
    if comparison.elsewhere is None or (rulings.outcome == Outcome.FAIL).any() or rows.size > TOO_MANY:
        return 0
    if (undecided & ~open_to_help(rulings)).any():
        return 0
    spent, hopeless = 0, 0
    for d in rows:
        line = _Line(probe, comparison, int(chosen[d]))
        hopeless += not line.rule(rulings, claim, int(d))
        spent += line.evaluations
        if hopeless >= HOPELESS:
            break
    return spent


@dataclass(frozen=True)
class _Plan:
    """The claim over a reach, and how many segments the resolution would need there."""

    claimed: Antiderivative
    segments: float


class _Line:
    """f and its claim along one direction."""

    def __init__(self, probe: Probe, comparison: Comparison, direction: int) -> None:
        assert comparison.elsewhere is not None
        self.probe, self.elsewhere, self.which = probe, comparison.elsewhere, direction
        self.direction = comparison.directions.take(np.array([direction]))
        self.evaluations = 0

    def rule(self, rulings: Rulings, claim: Claim, row: int) -> bool:
        """Whether every readout is decided now."""
        mine = open_to_help(rulings)[row]
        plan = self._planned(claim, row, mine)
        if plan is not None:
            said = [self._testimony(plan, part * plan.claimed.reach, claim, row, mine) for part in (1.0, SECOND)]
            heard = [one for one in said if one is not None]
            if len(heard) == len(said):
                rule_by_integral(rulings, claim, row, heard, reach=plan.claimed.reach)
        return bool((rulings.outcome[row] != Outcome.INCONCLUSIVE).all())

    def _planned(self, claim: Claim, row: int, mine: Mask) -> "_Plan | None":
        """The largest reach for which few segments are enough, or the one that needs the fewest; None: it is smooth on
        none."""
        plans: list[_Plan] = []
        for fraction in REACHES:
            plan = self._plan(fraction * float(self.direction.scale[0]), claim, row, mine)
            if plan is not None:
                plans.append(plan)
                if plan.segments <= MOST:
                    break
        return min(plans, key=lambda plan: plan.segments, default=None)

    def _plan(self, reach: float, claim: Claim, row: int, mine: Mask) -> "_Plan | None":
        ends = self._sample(np.array([[reach]]))
        if not np.isfinite(ends.rise + ends.fall).all():
            return None
        floor, g = LARGEST_FLOOR * claim.largest[row], np.abs(claim.analytic[row])
        precise = QUADRATURE * claim.resolution * np.fmax(g, floor)[mine].min()
        claimed = Antiderivative.of(self._slope, reach, precise=float(precise))
        if claimed is None:
            return None
        steepness = np.fmin(np.abs(claimed.mean(reach)), np.abs(claimed.mean(SECOND * reach)))
        asked = USED * claim.resolution * np.fmax(np.fmin(g, steepness), floor)
        with np.errstate(divide="ignore"):  # where all is claimed to be zero, no number is enough
            allowed = FAIL_FACTOR * KAPPA * ends.noise[0, 0] / (SECOND * reach)
            return _Plan(claimed, float(np.max(np.square(allowed / asked)[mine])))

    def _testimony(self, plan: "_Plan", reach: float, claim: Claim, row: int, mine: Mask) -> Testimony | None:
        """What the segments of about this reach say, of which there are more where f is noisier than it looked."""
        most = MOST if plan.segments <= 2 * MOST else HOPELESS_SEGMENTS
        needed = plan.segments
        while True:
            segments = int(np.clip(np.ceil(needed), FEWEST, most))
            found = discrepancy(self._sample, plan.claimed, reach, segments=segments)
            if found is None:
                return None
            said = testimony(found, claim, row)
            if segments == most or (said.agrees | said.differs)[mine].all():
                return said
            excess = float(np.max((said.allowed / (USED * claim.resolution * said.scale))[mine]))
            needed = segments * max(excess**2, 2.0)

    def _slope(self, t: float) -> Array | None:
        value = self.elsewhere(_along(self.direction, t))
        return None if value is None else value[self.which]

    def _sample(self, h: Array) -> Samples:
        samples = self.probe.sample(self.direction, h)
        self.evaluations += samples.evaluations
        return samples


def _along(direction: Directions, t: float) -> Array:
    """The point (n,) at t along a single direction."""
    x = direction.point.x
    if isinstance(direction, Coordinates | Moves):
        return x + direction.spread(np.array([[t]]))[0]
    return x + t * direction.v[0]
