"""The judge of single elements: from samples and a claim to pass, fail or inconclusive. It evaluates no function.

Arrays are (D, R): D directions × R readouts, as in ``perturb``. The acceptance formula stands in ``Tolerance``; each
exception from it below says which wrong verdict it prevents. Source: NUMERICS procedure, sections 4 and 5.
"""

from dataclasses import dataclass, fields, replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.perturb.extrapolation import Limit, extrapolate
from gradaudit.perturb.fit import refined
from gradaudit.perturb.samples import KAPPA, Array, Samples

#: A bar counts this many times before a claim outside it fails.
FAIL_FACTOR = 3.0
#: An element is not asked to be right relative to less than this fraction of the local slope of f,
SLOPE_FLOOR = 1e-2
#: nor relative to less than this fraction of the largest sensitivity of the readout. Such passes are counted apart.
LARGEST_FLOOR = 1e-3
#: A discrepancy that moves f by fewer standard deviations than this, over the natural scale of x, is not visible.
VISIBLE = 27.0
#: One-sided slopes that differ by less than this fraction have met.
MET = 0.05

#: A slope that has grown by half over each of this many steps (÷ 8 each) has no limit in sight.
GROWING = 4
#: f is flat where it did not move at this many steps.
STILL = 3

#: A readout noisier than this fraction of its value is quantised: that it stands still proves nothing.
COARSEST = 2.0**-20

Mask = NDArray[np.bool_]


class Outcome(IntEnum):
    """How one element ended."""

    PASS = 0
    FAIL = 1
    INCONCLUSIVE = 2


@dataclass(frozen=True)
class Claim:
    """The analytic side, and what it may be off by."""

    analytic: Array  #: (D, R)
    largest: Array  #: (D, R) largest sensitivity of the readout, max_j |g_j|·s_j, over this element's s_i
    natural: Array  #: (D,) natural scale of x along each direction
    quiet: Array  #: (R,) noise of the readout with every output taking part
    magnitude: Array  #: (R,) |f(x)| as the readout sees it
    rtol: float
    resolution: float
    atol: float
    rounding: float  #: error of the claim's own arithmetic, relative to the local slope of f
    accept_kinks: bool = False

    def take(self, which: NDArray[np.intp]) -> "Claim":
        """The claim for some directions."""
        return replace(self, analytic=self.analytic[which], largest=self.largest[which], natural=self.natural[which])


@dataclass(frozen=True)
class Rulings:
    """What is known of each element: (D, R) arrays."""

    outcome: NDArray[np.int8]
    reason: NDArray[np.int8]  #: index into ``REASONS``; of a pass, KINK where it is one by ``kinks: accept`` only
    numeric: Array
    bar: Array
    allowed: Array
    scale: Array
    h: Array
    floored: Mask  #: passed relative to the local slope or the largest sensitivity only
    forward: Array  #: one-sided limits, NaN where not computed
    backward: Array

    @property
    def decided(self) -> Mask:
        """Elements that have passed: they need no further evaluation."""
        return np.asarray(self.outcome == Outcome.PASS)

    def put(self, which: NDArray[np.intp], rulings: "Rulings") -> None:
        """Record rulings on some directions; what has passed already stays passed."""
        kept = self.decided[which]
        for field in fields(self):
            mine = getattr(self, field.name)
            mine[which] = np.where(kept, mine[which], getattr(rulings, field.name))

    @classmethod
    def undecided(cls, directions: int, readouts: int) -> "Rulings":
        """Nothing known yet."""

        def full(value: float) -> Array:
            return np.full((directions, readouts), value)

        outcome = np.full((directions, readouts), Outcome.INCONCLUSIVE, dtype=np.int8)
        return cls(
            outcome, np.zeros_like(outcome), full(np.nan), full(np.inf), full(np.inf), full(np.nan), full(np.nan),
            np.zeros(outcome.shape, dtype=bool), full(np.nan), full(np.nan),
        )  # fmt: skip


#: Why an element did not pass; the first entry is "nothing to say".
REASONS: tuple[Diagnosis | None, ...] = (
    None,
    Diagnosis.STEPS,
    Diagnosis.NOISE,
    Diagnosis.PRECISION,
    Diagnosis.SCALE,
    Diagnosis.UNSEEN,
    Diagnosis.KINK,
    Diagnosis.DOMAIN,
    Diagnosis.SINGULAR,
    Diagnosis.NOT_FINITE,
    Diagnosis.WRONG,
)


def reason(diagnosis: Diagnosis | None) -> int:
    """The code of a reason."""
    return REASONS.index(diagnosis)


def express(samples: Samples, claim: Claim) -> Rulings:
    """Two evaluations: one central difference that agrees with an independent claim is evidence enough.

    No truncation is estimated here: a difference that is off by its truncation would not agree. The bar shown is the
    noise and that distance.
    """
    d, noise = samples.central[-1], samples.central_noise[-1]
    size = np.fmax(np.abs(claim.analytic), np.abs(d))
    tolerated = claim.rtol * size + claim.atol
    met = np.abs(samples.forward[-1] - samples.backward[-1]) <= MET * size
    distance = np.abs(d - claim.analytic)
    passed = (distance <= noise + tolerated) & met
    allowed = FAIL_FACTOR * noise + tolerated
    passed &= (allowed <= claim.resolution * size) & (size > 0)
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
    size = np.fmax(np.abs(claim.analytic), np.abs(d))
    tolerated = claim.rtol * size + claim.atol + claim.rounding * _slope(samples, claim)
    allowed = FAIL_FACTOR * bar + tolerated
    passed = (np.abs(d - claim.analytic) <= noise + tolerated) & (allowed <= claim.resolution * size) & (size > 0)
    passed &= _mismatch_vanishes(samples, ratio)
    return _first_rulings(passed, d, bar, allowed, size, h[1])


def plain(samples: Samples, claim: Claim) -> Rulings:
    """The origin's rule: one central difference, one tolerance; no error bar, so never inconclusive."""
    d = samples.central[-1]
    size = np.fmax(np.abs(claim.analytic), np.abs(d))
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
    g, slope = claim.analytic, _slope(samples, claim)
    constant = samples.constant
    bar = np.where(constant, KAPPA * claim.quiet / _largest_step(samples), bar)
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

    drowned = (g == 0) & _never_leaves_noise(samples, claim)
    passed |= drowned
    failed &= ~drowned
    d = np.where(drowned, 0.0, d)
    bar = np.where(drowned, KAPPA * _loudest(samples) / _largest_step(samples), bar)
    allowed = np.where(drowned, FAIL_FACTOR * bar + tolerated, allowed)
    scale = np.where(drowned, np.fmax(scale, claim.largest), scale)

    fine = claim.quiet <= COARSEST * claim.magnitude
    structural_zero = (constant & fine | _still(samples, claim)) & (g == 0)
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
        up.value, down.value,
    )  # fmt: skip


def _first_rulings(passed: Mask, d: Array, bar: Array, allowed: Array, scale: Array, h: Array) -> Rulings:
    outcome = np.where(passed, Outcome.PASS, Outcome.INCONCLUSIVE).astype(np.int8)
    why = np.where(passed, 0, reason(Diagnosis.STEPS)).astype(np.int8)
    nothing = np.full(d.shape, np.nan)
    return Rulings(outcome, why, d, bar, allowed, scale, h, np.zeros(d.shape, dtype=bool), nothing, nothing.copy())


def _slope(samples: Samples, claim: Claim) -> Array:
    """(D, R) the local slope of f: the largest one-sided slope at the two coarsest steps inside the natural scale of x.

    Further out f may be a million times steeper, as exp(−1/x) is, which says nothing about x.
    """
    with np.errstate(invalid="ignore"):
        step = np.fmax(samples.ahead, samples.behind)
        outside = (step > claim.natural)[:-2].sum(axis=0) if len(step) > 2 else np.zeros(step.shape[1], dtype=int)
    slopes = np.fmax(np.abs(samples.forward), np.abs(samples.backward))
    rows = np.minimum(outside + np.arange(2)[:, None], len(step) - 1)
    return np.nan_to_num(np.fmax.reduce(np.take_along_axis(slopes, rows[..., None], axis=0), axis=0))


def _mismatch_vanishes(samples: Samples, ratio: Array) -> Mask:
    """The gap of the one-sided slopes falls like h, and its extrapolation is zero within noise."""
    coarse, fine = (samples.forward - samples.backward)[-2:]
    noise = 4 * samples.central_noise[-2:]
    limit = fine + (fine - coarse) / (ratio - 1)
    falls = (np.abs(fine) <= 0.3 * np.abs(coarse)) | (np.abs(fine) <= noise[1])
    curvature = 0.05 * np.abs(coarse)  # the next term of the series
    return falls & (np.abs(limit) <= noise[1] + noise[0] / ratio + curvature)


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


def _largest_step(samples: Samples) -> Array:
    with np.errstate(invalid="ignore"):
        return np.fmax.reduce(np.fmax(samples.ahead, samples.behind), axis=0)[:, None]


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


def _still(samples: Samples, claim: Claim) -> Mask:
    """f does not move by one bit at the three finest steps or more, up to a sixteenth of the natural scale of x.

    At its first movement it moves by far more than its noise: so the noise does not hide a slope here, but f is flat,
    and bent somewhere else, as relu is left of its kink.
    """
    moved = (np.abs(samples.rise) > 0) | (np.abs(samples.fall) > 0)
    taken = np.isfinite(samples.rise) | np.isfinite(samples.fall)
    flat = taken & ~np.logical_or.accumulate((moved | ~taken)[::-1] & taken[::-1], axis=0)[::-1]
    width = np.fmax(samples.ahead, samples.behind)[..., None]
    with np.errstate(invalid="ignore"):
        reach = np.where(flat, width, 0.0).max(axis=0)
        change = np.fmax(np.abs(samples.rise), np.abs(samples.fall))
        first = np.fmin.reduce(np.where(moved, change, np.inf), axis=0)
    wide = reach >= claim.natural[:, None] / 16
    return np.asarray((flat.sum(axis=0) >= STILL) & wide & (first > 100 * claim.quiet))


def _never_leaves_noise(samples: Samples, claim: Claim) -> Mask:
    """f stays within its noise at every step up to s, and that bounds the element at ``resolution`` of the largest.

    What differences can say about a zero of a noisy function; such passes are counted apart.
    """
    loudest, h = _loudest(samples), _largest_step(samples)
    change = np.fmax.reduce(np.fmax(np.abs(samples.rise), np.abs(samples.fall)), axis=0)
    quiet = change <= 2 * KAPPA * loudest
    return np.asarray(quiet & (FAIL_FACTOR * KAPPA * loudest / h <= claim.resolution * claim.largest))


def _loudest(samples: Samples) -> Array:
    return np.nan_to_num(np.fmax.reduce(samples.noise, axis=0))


def _slopes_meet(samples: Samples, scale: Array) -> Mask:
    """At some step the one-sided slopes are equal within noise, or nearly."""
    with np.errstate(invalid="ignore"):
        gap = np.abs(samples.forward - samples.backward)
        return np.asarray((gap <= np.fmax(4 * samples.central_noise, MET * scale)).any(axis=0))
