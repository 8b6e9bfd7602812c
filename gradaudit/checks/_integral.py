"""Calling the second witness: line integrals of the claim, where noise or rounding hides its elements at x.

It speaks only where it may decide the whole case, and over two reaches: a large one, and one a quarter shorter.
"""

import numpy as np
from numpy.typing import NDArray

from gradaudit.checks._comparison import Comparison
from gradaudit.judge.element import FAIL_FACTOR, LARGEST_FLOOR, Claim, Mask, Outcome, Rulings
from gradaudit.judge.integral import Testimony, open_to_help, rule_by_integral, testimony
from gradaudit.perturb.line_integral import Antiderivative, Discrepancy, discrepancy
from gradaudit.perturb.samples import KAPPA, Array, Samples
from gradaudit.perturb.sampling import Probe
from gradaudit.perturb.steps import Coordinates, Directions, Moves

#: The claim is integrated over x ± the scale of x, or the largest of these fractions on which it is smooth.
REACHES = (1.0, 1 / 2, 1 / 4, 1 / 8, 1 / 16)
#: The second reach, as a fraction of the first.
SECOND = 0.75
#: Segments a reach: as many as the resolution needs, between these.
FEWEST, MOST = 4, 64
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
        for fraction in REACHES:
            reach = fraction * float(self.direction.scale[0])
            said = self._testimonies(reach, claim, row, mine)
            if said is not None:
                rule_by_integral(rulings, claim, row, said, (reach, SECOND * reach))
                break
        return bool((rulings.outcome[row] != Outcome.INCONCLUSIVE).all())

    def _testimonies(self, reach: float, claim: Claim, row: int, mine: Mask) -> list[Testimony] | None:
        """What the integrals up to ``reach`` and up to a quarter less say; None where f or the claim has no value."""
        ends = self._sample(np.array([[reach]]))
        if not np.isfinite(ends.rise + ends.fall).all():
            return None
        floor, g = LARGEST_FLOOR * claim.largest[row], np.abs(claim.analytic[row])
        precise = QUADRATURE * claim.resolution * np.fmax(g, floor)[mine].min()
        claimed = Antiderivative.of(self._slope, reach, precise=float(precise))
        if claimed is None:
            return None
        size = np.fmax(np.fmin(g, np.abs(claimed.mean)), floor)
        noise = float(np.max((ends.noise[0, 0] / (claim.resolution * size))[mine]))
        found = [self._discrepancy(claimed, part * reach, noise) for part in (1.0, SECOND)]
        heard = [testimony(one, claim, row) for one in found if one is not None]
        return heard if len(heard) == len(found) else None

    def _discrepancy(self, claimed: Antiderivative, reach: float, noise: float) -> Discrepancy | None:
        """``noise`` is that of f over the slope that the resolution asks for."""
        needed = (FAIL_FACTOR * KAPPA * noise / (reach * USED)) ** 2
        return discrepancy(self._sample, claimed, reach, segments=int(np.clip(np.ceil(needed), FEWEST, MOST)))

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
