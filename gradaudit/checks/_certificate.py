"""From residuals along random directions to what is left possible for each element: issuing the certificate."""

from collections.abc import Sequence

import numpy as np

from gradaudit.checks._lines import Line, Lines
from gradaudit.judge.certificate import Certificate
from gradaudit.judge.leftover import Left
from gradaudit.perturb.certificate import Family, directions_needed, multiplier
from gradaudit.perturb.samples import Array

#: The certificate may be wrong with this probability.
PROBABILITY = 1e-9


def issue(lines: Lines, read: Sequence[Line], *, directions: int, seed: int) -> Certificate:
    """What follows for every element from ``read``: ``directions`` lines of each family, the plain one first.

    The probability is shared out over families and readouts. No element is credited with a tolerance of its own.
    """
    families = list(dict.fromkeys(one.drawn.family for one in read))
    share = PROBABILITY / (len(families) * lines.readouts)
    factor = multiplier(directions, share, lines.lattice)
    reach = np.array([np.max([one.reach for one in read if one.drawn.family == family], axis=0) for family in families])
    typical = lines.typical()
    bounds = _over(factor * reach[0], typical)
    worst = int(np.argmax(bounds))
    resolution = lines.ground.limits.resolution
    left = (_left(lines, families, factor * reach[:, readout], readout) for readout in range(lines.readouts))
    summaries = [
        (one.resolved(resolution), one.decades() if readout == worst else ()) for readout, one in enumerate(left)
    ]
    return Certificate(
        check=lines.ground.comparison.check,
        elements=lines.count * lines.readouts,
        directions=directions,
        weights=tuple(family.name for family in families),
        seed=seed,
        probability=PROBABILITY,
        limit=float(factor * reach[0, worst] * lines.ground.unit),
        bound=float(bounds[worst]),
        resolved=sum(resolved for resolved, _ in summaries),
        resolution=resolution,
        decades=summaries[worst][1],
        more=directions_needed(float(_over(resolution * typical, reach[0])[worst]), share, lines.lattice),
    )


def enough(lines: Lines, directions: int) -> Array:
    """(R,) a bar along a direction that shows errors of rtol in a typical element: finer ones show no more."""
    factor = multiplier(directions, PROBABILITY / lines.readouts, lines.lattice)
    return lines.ground.limits.rtol * lines.typical() / (10 * min(factor, 100.0))


def _left(lines: Lines, families: Sequence[Family], reach: Array, readout: int) -> Left:
    """What each element of a readout may still be off by, whichever family leaves least; in units of f."""
    limit = np.full(lines.count, np.inf)
    for family, widest in zip(families, reach, strict=True):
        np.fmin(limit, widest * lines.scale / lines.weights(family), out=limit)
    return Left(lines.sensitivity(readout) * lines.ground.unit, limit * lines.ground.unit)


def _over(part: Array, whole: Array) -> Array:
    """part / whole, 0 where there is no part: nothing is left of nothing. NaN where the part is not known."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(part == 0, 0.0, part / whole)
