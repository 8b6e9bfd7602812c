"""Second thoughts about small failures: a solver that stops early has a derivative of its own between its jumps."""

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
