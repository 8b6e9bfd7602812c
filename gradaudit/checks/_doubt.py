"""Second thoughts. About small failures: a solver that stops early has a derivative of its own between its jumps. About
gradients that stand still and then jump: those of a piecewise linear function do so at its kinks.
"""

import numpy as np

from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.element import Claim, Outcome, Rulings, reason
from gradaudit.perturb.jumps import Jump, nearest_jump
from gradaudit.perturb.samples import Array, Samples
from gradaudit.perturb.sampling import Probe
from gradaudit.perturb.steps import Directions

#: Errors above this fraction of the element are no solver's tolerance,
SMALL = 6e-3
#: nor are jumps above this fraction of what the element changes f by over the scale of x.
SMALL_JUMP = 1e-2
#: How far jumps are looked for, in natural scales of x.
REACHES = (1 / 4, 1 / 32, 1.0)
#: How much more than the nearest jump a discrepancy may add up to on the way there.
SLACK = 2.0
#: A gradient that was audited is not rounded to more than this fraction of its largest element,
ROUNDED = 1e-2
#: nor does a rounded one take fewer levels than these at the four largest steps, which double.
LEVELS, DOUBLING = 3, 4


def doubt_small_failures(rulings: Rulings, claim: Claim, probe: Probe, directions: Directions) -> int:
    """Take back failures that a jump of f nearby explains: they are inconclusive. Returns the evaluations spent.

    The first failure that stands ends it, for then the case fails whatever the others do.
    """
    failed = rulings.outcome == Outcome.FAIL
    error = np.abs(claim.analytic - rulings.numeric)
    if not failed.any() or (failed & ~(error <= SMALL * rulings.scale)).any():
        return 0
    spent = 0
    for d, r in np.argwhere(failed):
        direction = directions.take(np.array([d]))

        def sample(h: Array, direction: Directions = direction) -> Samples:
            nonlocal spent
            samples = probe.sample(direction, h)
            spent += samples.evaluations
            return samples

        natural = float(claim.natural[d])
        jumps = (nearest_jump(sample, natural * reach, readout=int(r)) for reach in REACHES)
        jump = next(filter(None, jumps), None)
        if jump is None or not _explains(jump, float(error[d, r]), float(rulings.scale[d, r]) * natural):
            return spent
        rulings.outcome[d, r] = Outcome.INCONCLUSIVE
        rulings.reason[d, r] = reason(Diagnosis.SCALE)
    return spent


def _explains(jump: Jump, error: float, change: float) -> bool:
    """The discrepancy, added up on the way to the jump, is no more than the jump; and the jump is a small one."""
    return jump.size <= SMALL_JUMP * change and error * jump.distance <= SLACK * jump.size


def jumps_at_kinks(samples: Samples, readout: int, step: float, *, size: float) -> bool:
    """The gradient of a piecewise linear function, rather than a rounded one: it stands still, and has large jumps.

    ``step`` is what the jumps are multiples of, ``size`` the largest element of the gradient. A rounded gradient goes
    in small steps, and about twice as far with twice the step of x. The largest steps come first in ``samples``.
    """
    if step <= ROUNDED * size:
        return False
    changes = np.concatenate([samples.rise[:DOUBLING, :, readout], samples.fall[:DOUBLING, :, readout]], axis=1)
    return not any(_is_staircase(change, step) for change in changes.T)


def _is_staircase(change: Array, step: float) -> bool:
    """Whether changes (4,) at steps of x that halve are those of a rounded line."""
    levels = np.unique(change[np.isfinite(change) & (change != 0)])
    return levels.size >= LEVELS and bool((np.abs(change[:-1] - 2 * change[1:]) <= 1.5 * step).all())
