"""The full decision on single elements, from every difference there is. It evaluates no function.

Arrays are (D, R): D directions × R readouts. The acceptance formula stands in ``Tolerance``; each exception from it
below says which wrong verdict it prevents. Source: NUMERICS procedure, section 4.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.element import FAIL_FACTOR, LARGEST_FLOOR, Claim, Mask, Outcome, Rulings, reason, slope_of
from gradaudit.judge.quick import MET
from gradaudit.judge.stillness import largest_step, loudest, never_leaves_noise, still
from gradaudit.perturb.extrapolation import Limit, extrapolate
from gradaudit.perturb.fit import refined
from gradaudit.perturb.samples import KAPPA, Array, Samples

#: An element is not asked to be right relative to less than this fraction of the local slope of f, either. Such passes
#: are counted apart.
SLOPE_FLOOR = 1e-2
#: A discrepancy that moves f by fewer standard deviations than this, over the natural scale of x, is not visible.
VISIBLE = 27.0
#: A slope that has grown by half over each of this many steps (÷ 8 each) has no limit in sight.
GROWING = 4
#: A readout noisier than this fraction of its value is quantised: that it stands still proves nothing.
COARSEST = 2.0**-20


def table(samples: Samples, claim: Claim) -> Rulings:
    """The full decision, from every difference there is."""
    return decide(samples, claim, extrapolate(samples.h, samples.central, samples.central_noise, order=2))


def fitted(samples: Samples, claim: Claim) -> Rulings:
    """The full decision, with least-squares fits competing against the table."""
    central = extrapolate(samples.h, samples.central, samples.central_noise, order=2)
    return decide(samples, claim, refined(central, samples.h, samples.central, samples.central_noise))


def decide(samples: Samples, claim: Claim, central: Limit) -> Rulings:
    """The full decision, given the two-sided limit."""
    up = _one_sided(samples.ahead, samples.forward, samples.noise)
    down = _one_sided(samples.behind, samples.backward, samples.noise)
    chosen = _at_the_edge(samples, claim, central, up, down)
    d, bar = chosen.value, chosen.bar
    g, slope = claim.analytic, slope_of(samples, claim)
    constant = samples.constant
    bar = np.where(constant, KAPPA * claim.quiet / largest_step(samples), bar)
    d = np.where(constant, 0.0, d)

    size = np.fmax(np.abs(g), np.abs(d))
    tolerated = claim.rtol * size + claim.atol + claim.rounding * slope
    allowed = FAIL_FACTOR * bar + tolerated
    scale = np.fmax(size, np.fmax(SLOPE_FLOOR * slope, LARGEST_FLOOR * claim.largest))
    error = np.abs(d - g)

    apart = error > allowed
    fine_enough = allowed <= claim.resolution * scale
    passed = ~apart & fine_enough & np.isfinite(g)
    failed = apart & np.isfinite(g)
    why = np.where(apart, reason(Diagnosis.WRONG), _what_limits(chosen, samples, claim))

    unseen = error * claim.natural[:, None] < VISIBLE * np.fmax(
        _quietest(samples), np.where(constant, claim.quiet, 0.0)
    )
    why = np.where(failed & unseen, reason(Diagnosis.UNSEEN), why)
    blocked = failed & ~unseen & _some_scale_supports(samples, claim, chosen)
    why = np.where(blocked, reason(Diagnosis.SCALE), why)
    failed &= ~unseen & ~blocked

    drowned = (g == 0) & never_leaves_noise(samples, claim)
    passed |= drowned
    failed &= ~drowned
    d = np.where(drowned, 0.0, d)
    bar = np.where(drowned, KAPPA * loudest(samples) / largest_step(samples), bar)
    allowed = np.where(drowned, FAIL_FACTOR * bar + tolerated, allowed)
    scale = np.where(drowned, np.fmax(scale, claim.largest), scale)

    fine = claim.quiet <= COARSEST * claim.magnitude
    structural_zero = (constant & fine | still(samples, claim)) & (g == 0)
    passed |= structural_zero
    failed &= ~structural_zero
    allowed = np.where(structural_zero, tolerated, allowed)

    kink, inside, sharp = _kink(up, down, chosen, claim, scale, tolerated)
    two_sided = np.isfinite(up.bar) & np.isfinite(down.bar) & ~constant
    parted = two_sided & ~kink & ~_slopes_meet(samples, scale)
    passed = np.where(kink, inside & sharp & claim.accept_kinks, passed & ~parted)
    failed = np.where(kink, ~inside & np.isfinite(g), failed & ~parted)
    why = np.where(kink & inside | parted, reason(Diagnosis.KINK), why)
    allowed = np.where(kink & inside, np.fmax(allowed, error), allowed)

    singular = (_grows(samples.forward, samples) | _grows(samples.backward, samples)) & ~kink
    passed &= ~singular
    failed &= ~singular
    why = np.where(singular, reason(Diagnosis.SINGULAR), why)

    hollow = ~np.isfinite(g)
    failed |= hollow & (bar <= 0.3 * np.fmax(np.abs(d), slope)) & (np.isfinite(d))
    why = np.where(hollow, reason(Diagnosis.NOT_FINITE), why)

    said = np.where(kink, reason(Diagnosis.KINK), 0)  # a pass at a kink that the suite accepts says so
    outcome = np.where(passed, Outcome.PASS, np.where(failed, Outcome.FAIL, Outcome.INCONCLUSIVE)).astype(np.int8)
    floored = passed & ~structural_zero & (allowed > claim.resolution * size) & ~(kink & inside)
    return Rulings(
        outcome, np.where(passed, said, why).astype(np.int8), d, bar, allowed, scale, chosen.h, floored,
        up.value, down.value, np.zeros(outcome.shape, dtype=bool),
    )  # fmt: skip


def _one_sided(step: Array, slope: Array, noise: Array) -> Limit:
    h = np.where(np.isfinite(slope), step[..., None], np.nan)
    return extrapolate(h, slope, 2 * KAPPA * noise / h, order=1)


def _at_the_edge(samples: Samples, claim: Claim, central: Limit, up: Limit, down: Limit) -> Limit:
    """The two-sided limit; at the edge of the domain, the limit of the side that exists.

    It is the edge only where the other side is missing well inside the natural scale of x: a large step leaves the
    domain of log at 1e-8 too.
    """
    with np.errstate(invalid="ignore"):
        finest = np.fmin.reduce(np.fmin(samples.ahead, samples.behind), axis=0)[:, None]
    edge = ~np.isfinite(samples.h).any(axis=0) & (finest <= claim.natural[:, None] / 8)

    def pick(name: str) -> Array:
        two, one, other = (getattr(limit, name) for limit in (central, up, down))
        return np.where(edge, np.where(up.bar <= down.bar, one, other), two)

    picked = {name: pick(name) for name in ("value", "truncation", "noise", "bar", "h")}
    return replace(central, **picked)


def _quietest(samples: Samples) -> Array:
    return np.nan_to_num(np.fmin.reduce(samples.noise, axis=0))


def _what_limits(limit: Limit, samples: Samples, claim: Claim) -> NDArray[np.int_]:
    """Why the bar is too wide to decide."""
    one_side = ~np.isfinite(samples.h).any(axis=0)
    noisy = limit.noise > limit.truncation
    rounding = _quietest(samples) <= 2.0**-50 * claim.magnitude
    why = np.where(
        noisy, np.where(rounding, reason(Diagnosis.PRECISION), reason(Diagnosis.NOISE)), reason(Diagnosis.STEPS)
    )
    return np.where(one_side & ~np.isfinite(limit.bar), reason(Diagnosis.DOMAIN), why)


def _some_scale_supports(samples: Samples, claim: Claim, chosen: Limit) -> Mask:
    """At some scale of h the claim is right and the limit is not: jumps, quantised values, a solver's tolerance.

    Either an extrapolated value with a bar of its own agrees with the claim and excludes the limit, or a raw
    difference sits at the claim and its distance to the limit does not decay as h shrinks.
    """
    d, g = chosen.value, claim.analytic
    error = np.abs(d - g)
    with np.errstate(invalid="ignore"):
        candidate, bars = chosen.candidates, FAIL_FACTOR * chosen.candidate_bars
        sharp = bars < np.minimum(error / 2, 0.2 * np.fmax(np.abs(candidate), np.abs(g)))
        agrees = np.abs(candidate - g) <= bars + claim.rtol * np.abs(g)
        extrapolated = (sharp & agrees).any(axis=0)
        raw = samples.central
        near = np.abs(raw - g) <= 0.2 * np.minimum(error, np.fmax(np.abs(g), np.abs(raw)))
        stays = np.abs(raw[1:] - d) >= 0.25 * np.abs(raw[:-1] - d)
        coarse = (near[:-1] & stays).any(axis=0)
    return np.asarray(extrapolated | coarse)


def _kink(
    up: Limit, down: Limit, chosen: Limit, claim: Claim, scale: Array, tolerated: Array
) -> tuple[Mask, Mask, Mask]:
    """Where the one-sided limits differ, where the claim lies between them (both ends included), and where both ends
    are known well enough to say so."""
    with np.errstate(invalid="ignore"):
        gap = np.abs(up.value - down.value)
        width = FAIL_FACTOR * (up.bar + down.bar)
        kink = (
            (gap > width) & (gap > FAIL_FACTOR * chosen.bar) & (gap > claim.resolution * scale) & (gap > 1e-5 * scale)
        )
        slack = FAIL_FACTOR * np.fmax(up.bar, down.bar) + tolerated
        low, high = np.fmin(up.value, down.value) - slack, np.fmax(up.value, down.value) + slack
        inside = (low <= claim.analytic) & (claim.analytic <= high)
        return kink, kink & inside, slack <= claim.resolution * scale


def _grows(slope: Array, samples: Samples) -> Mask:
    """A one-sided slope has grown by half at each of the last steps that noise does not drown."""
    with np.errstate(invalid="ignore", divide="ignore"):
        size = np.where(np.abs(slope) > 20 * KAPPA * samples.noise / samples.ahead[..., None], np.abs(slope), np.nan)
    rows = np.argsort(np.isnan(size), axis=0, kind="stable")
    count = np.isfinite(size).sum(axis=0)
    size = np.take_along_axis(size, rows, axis=0)
    grown = np.ones(count.shape, dtype=bool)
    for back in range(1, GROWING):
        finer = np.take_along_axis(size, np.maximum(count - back, 0)[None], axis=0)[0]
        coarser = np.take_along_axis(size, np.maximum(count - back - 1, 0)[None], axis=0)[0]
        grown &= finer > 1.5 * coarser
    return np.asarray(grown & (count >= GROWING))


def _slopes_meet(samples: Samples, scale: Array) -> Mask:
    """At some step the one-sided slopes are equal within noise, or nearly."""
    with np.errstate(invalid="ignore"):
        gap = np.abs(samples.forward - samples.backward)
        return np.asarray((gap <= np.fmax(4 * samples.central_noise, MET * scale)).any(axis=0))
