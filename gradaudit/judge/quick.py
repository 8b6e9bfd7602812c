"""First rulings, on two or four evaluations: enough for most elements of smooth functions; and the origin's plain rule.

Nothing fails here but by the plain rule: what these rulings do not pass is undecided. Source: NUMERICS procedure,
section 5.
"""

from dataclasses import replace

import numpy as np

from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.element import FAIL_FACTOR, Claim, Mask, Outcome, Rulings, reason, slope_of
from gradaudit.perturb.samples import Array, Samples

#: One-sided slopes that differ by less than this fraction have met.
MET = 0.05
#: The gap of one-sided slopes is their noise up to this many times that of the central one.
GAP_NOISE = 4.0
#: Of what does not pass, and of what does.
_OUTCOMES = np.array([Outcome.INCONCLUSIVE, Outcome.PASS], dtype=np.int8)
_REASONS = np.array([reason(Diagnosis.STEPS), reason(None)], dtype=np.int8)


def express(samples: Samples, claim: Claim) -> Rulings:
    """Two evaluations: one central difference that agrees with an independent claim is evidence enough.

    No truncation is estimated here: a difference that is off by its truncation would not agree. The bar shown is the
    noise and that distance.
    """
    d, noise = samples.central[-1], samples.central_noise[-1]
    size = np.fmax(claim.size, np.abs(d))
    tolerated = claim.rtol * size + claim.atol
    gap = np.abs(samples.forward[-1] - samples.backward[-1])
    met = gap <= min(MET, 2 * claim.resolution) * size + GAP_NOISE * noise  # the mean slope is off by half of it
    distance = np.abs(d - claim.analytic)
    passed = (distance <= noise + tolerated) & met
    allowed = FAIL_FACTOR * noise + tolerated
    passed &= (allowed <= claim.missable(size)) & (size > 0)
    return _first_rulings(passed, d, noise + distance, allowed, size, samples.h[-1])


def pair(samples: Samples, claim: Claim) -> Rulings:
    """Four evaluations: one Richardson step, its truncation taken as first order since no rate is known yet.

    Smooth means that the mismatch of the one-sided slopes falls like h.
    """
    h, coarse, fine = samples.h[-2:], samples.central[-2], samples.central[-1]
    ratio = h[0] / h[1]
    d = fine + (fine - coarse) / (ratio**2 - 1)
    noise = samples.central_noise[-1] * (1 + 2 / (ratio**2 - 1))
    bar = 2 * np.abs(fine - coarse) / (ratio - 1) + noise
    size = np.fmax(claim.size, np.abs(d))
    tolerated = claim.rtol * size + claim.atol + claim.rounding * slope_of(samples, claim)
    allowed = FAIL_FACTOR * bar + tolerated
    passed = (np.abs(d - claim.analytic) <= noise + tolerated) & (allowed <= claim.missable(size)) & (size > 0)
    passed &= _mismatch_vanishes(samples, ratio)
    return _first_rulings(passed, d, bar, allowed, size, h[1])


def plain(samples: Samples, claim: Claim) -> Rulings:
    """The origin's rule: one central difference, one tolerance; no error bar, so never inconclusive."""
    d = samples.central[-1]
    size = np.fmax(claim.size, np.abs(d))
    allowed = claim.rtol * size + claim.atol
    passed = np.abs(d - claim.analytic) <= allowed
    rulings = _first_rulings(passed, d, np.zeros(d.shape), allowed, size, samples.h[-1])
    unknown = np.isnan(d)
    outcome = np.where(passed, Outcome.PASS, np.where(unknown, Outcome.INCONCLUSIVE, Outcome.FAIL)).astype(np.int8)
    why = np.where(passed, 0, np.where(unknown, reason(Diagnosis.DOMAIN), reason(Diagnosis.WRONG))).astype(np.int8)
    return replace(rulings, outcome=outcome, reason=why)


def softened(rulings: Rulings) -> Rulings:
    """Rulings from a short list of steps: a pass that is not floored stands, everything else is undecided."""
    stands = rulings.decided & ~rulings.floored
    outcome = np.where(stands, Outcome.PASS, Outcome.INCONCLUSIVE).astype(np.int8)
    why = np.where(stands, 0, np.where(rulings.reason == 0, reason(Diagnosis.STEPS), rulings.reason)).astype(np.int8)
    why = np.where(why == reason(Diagnosis.WRONG), reason(Diagnosis.STEPS), why).astype(np.int8)
    return replace(rulings, outcome=outcome, reason=why, floored=np.zeros_like(rulings.floored))


def _first_rulings(passed: Mask, d: Array, bar: Array, allowed: Array, scale: Array, h: Array) -> Rulings:
    outcome, why = _OUTCOMES.take(passed), _REASONS.take(passed)
    nothing, no = np.full(d.shape, np.nan), np.zeros(d.shape, dtype=bool)
    return Rulings(outcome, why, d, bar, allowed, scale, h, no, nothing, nothing, no)


def _mismatch_vanishes(samples: Samples, ratio: Array) -> Mask:
    """The gap of the one-sided slopes falls like h, and its extrapolation is zero within noise."""
    coarse, fine = (samples.forward - samples.backward)[-2:]
    noise = GAP_NOISE * samples.central_noise[-2:]
    falls = (np.abs(fine) <= 0.3 * np.abs(coarse)) | (np.abs(fine) <= noise[1])
    return falls & has_no_limit((coarse, fine), (noise[0], noise[1]), ratio, curvature=0.05)


def has_no_limit(gap: tuple[Array, Array], noise: tuple[Array, Array], ratio: Array, *, curvature: float) -> Mask:
    """Whether a gap at two steps, the coarse one ``ratio`` times the fine one, extrapolates to zero within noise.

    ``curvature`` is what the next term of the series may be of it, at the coarse step.
    """
    coarse, fine = gap
    limit = fine + (fine - coarse) / (ratio - 1)
    return np.asarray(np.abs(limit) <= noise[1] + noise[0] / ratio + curvature * np.abs(coarse))
