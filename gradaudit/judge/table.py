"""The full decision on single elements, from every difference there is. It evaluates no function.

Arrays are (D, R): D directions × R readouts. The acceptance formula stands in ``Tolerance``; each exception from it
below says which wrong verdict it prevents. Source: NUMERICS procedure, section 4.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.element import FAIL_FACTOR, LARGEST_FLOOR, Claim, Mask, Outcome, Rulings, reason, slope_of
from gradaudit.judge.growth import grows
from gradaudit.judge.quick import GAP_NOISE, MET, has_no_limit
from gradaudit.judge.stillness import largest_step, loudest, never_leaves_noise, stands_around, still
from gradaudit.perturb.extrapolation import RATE_FACTOR, Limit
from gradaudit.perturb.fit import refined
from gradaudit.perturb.samples import KAPPA, Array, Samples
from gradaudit.perturb.sides import limits

#: An element is not asked to be right relative to less than this fraction of the local slope of f, either. Such passes
#: are counted apart.
SLOPE_FLOOR = 1e-2
#: A discrepancy that moves f by fewer standard deviations than this, over the natural scale of x, is not visible.
VISIBLE = 27.0
#: A readout noisier than this fraction of its value is quantised: that it stands still proves nothing.
COARSEST = 2.0**-20

#: The gap of one-sided slopes is heard above this many times its noise, and vanishes where its limit is this fraction
#: of it at the larger step.
HEARD, VANISHED = 4.0, 0.01

#: No solver's tolerance, nor what rounds a value, puts a claim off by so much of itself while differences come nearer
#: to their limit as h² over so many octaves, two steps of the sweep.
LARGE, QUADRATIC = 0.1, 5.5

#: What an f that stands still would be taken for.
HIDDEN = (reason(Diagnosis.NOISE), reason(Diagnosis.PRECISION), reason(Diagnosis.UNSEEN))

#: Truncation t falls as h² and noise n grows as 1/h, so the best step leaves 1.9·n^⅔·t^⅓: finer steps could narrow the
#: bar to a third or less only where t is this many times n. Otherwise it is the noise that limits it.
FINER_STEPS_PAY = 16.0


def table(samples: Samples, claim: Claim) -> Rulings:
    """The full decision, from every difference there is."""
    return decide(samples, claim, *limits(samples))


def fitted(samples: Samples, claim: Claim) -> Rulings:
    """The full decision, with least-squares fits competing against the table."""
    central, up, down = limits(samples)
    return decide(samples, claim, refined(central, samples.h, samples.central, samples.central_noise), up, down)


def decide(samples: Samples, claim: Claim, central: Limit, up: Limit, down: Limit) -> Rulings:
    """The full decision, given the two-sided limit and the one-sided ones."""
    chosen = _at_the_edge(samples, claim, central, up, down)
    draft = _by_the_formula(samples, claim, chosen)
    draft = _where_f_can_tell(draft, samples, claim, chosen)
    draft = _bounded_zeros(draft, samples, claim)
    proven = _proven_zeros(samples, claim)
    draft = draft.passing(proven, allowed=draft.tolerated)
    smooth = _gap_vanishes(samples)
    kink = _kink(up, down, chosen, claim, draft, smooth=smooth)
    parted = np.isfinite(up.bar) & np.isfinite(down.bar) & ~smooth & ~_slopes_meet(samples, draft.scale)
    draft = _at_kinks(draft, kink, claim, parted=parted & ~samples.constant)
    draft = _without_singular(draft, samples, kink)
    draft = _with_hollow(draft, samples, claim)
    draft = _where_f_stands(draft, samples, claim)
    return Rulings(
        outcome=draft.outcome,
        # a pass at a kink that the suite accepts says so
        reason=np.where(draft.passed, np.where(kink.there, reason(Diagnosis.KINK), 0), draft.why).astype(np.int8),
        numeric=draft.d,
        bar=draft.bar,
        allowed=draft.allowed,
        scale=draft.scale,
        h=chosen.h,
        floored=draft.passed & ~proven & ~kink.inside & (draft.allowed > claim.missable(draft.size)),
        forward=up.value,
        backward=down.value,
        integrated=np.zeros(draft.d.shape, dtype=bool),
    )


@dataclass(frozen=True)
class _Draft:
    """A ruling in the making: (D, R) arrays. Each rule below turns one into the next."""

    d: Array
    bar: Array
    size: Array  #: max(|analytic|, |numeric|), of what is finite
    slope: Array  #: the local slope of f
    tolerated: Array  #: what the claim may be off by where the numeric derivative is exact
    allowed: Array
    scale: Array
    passed: Mask
    failed: Mask
    why: NDArray[np.int_]

    @property
    def outcome(self) -> NDArray[np.int8]:
        """An element that has neither passed nor failed is inconclusive."""
        undecided = np.where(self.failed, Outcome.FAIL, Outcome.INCONCLUSIVE)
        return np.where(self.passed, Outcome.PASS, undecided).astype(np.int8)

    def passing(self, where: Mask, *, allowed: Array) -> "_Draft":
        """The same, with passes ``where`` this is true."""
        return replace(
            self,
            passed=self.passed | where,
            failed=self.failed & ~where,
            allowed=np.where(where, allowed, self.allowed),
        )

    def undecided(self, where: Mask, why: Diagnosis) -> "_Draft":
        """The same, with no decision ``where`` this is true."""
        return replace(
            self,
            passed=self.passed & ~where,
            failed=self.failed & ~where,
            why=np.where(where, reason(why), self.why),
        )


def _by_the_formula(samples: Samples, claim: Claim, chosen: Limit) -> _Draft:
    """The acceptance formula, before any exception from it."""
    g, slope, constant = claim.analytic, slope_of(samples, claim), samples.constant
    bar = np.where(constant, KAPPA * claim.quiet / largest_step(samples), chosen.bar)
    d = np.where(constant, 0.0, chosen.value)
    size = np.fmax(claim.size, np.abs(d))
    tolerated = claim.rtol * size + claim.atol + claim.rounding * slope
    allowed = FAIL_FACTOR * bar + tolerated
    scale = np.fmax(size, np.fmax(SLOPE_FLOOR * slope, LARGEST_FLOOR * claim.largest))
    apart, claimed = np.abs(d - g) > allowed, np.isfinite(g)
    passed = ~apart & (allowed <= claim.missable(scale)) & claimed
    why = np.where(apart, reason(Diagnosis.WRONG), _what_limits(chosen, samples, claim))
    return _Draft(d, bar, size, slope, tolerated, allowed, scale, passed, apart & claimed, why)


def _where_f_can_tell(draft: _Draft, samples: Samples, claim: Claim, chosen: Limit) -> _Draft:
    """No failure by what does not move f by more than its noise at the scale of x, nor where some scale supports g."""
    hidden = np.fmax(_quietest(samples), np.where(samples.constant, claim.quiet, 0.0))
    error = np.abs(draft.d - claim.analytic)
    unseen = draft.failed & (error * claim.natural[:, None] < VISIBLE * hidden)
    draft = draft.undecided(unseen, Diagnosis.UNSEEN)
    return draft.undecided(draft.failed & _some_scale_supports(samples, claim, chosen), Diagnosis.SCALE)


def _bounded_zeros(draft: _Draft, samples: Samples, claim: Claim) -> _Draft:
    """A claimed zero of a function that never leaves its noise."""
    zero = (claim.analytic == 0) & never_leaves_noise(samples, claim)
    bar = np.where(zero, KAPPA * loudest(samples) / largest_step(samples), draft.bar)
    draft = draft.passing(zero, allowed=FAIL_FACTOR * bar + draft.tolerated)
    scale = np.where(zero, np.fmax(draft.scale, claim.largest), draft.scale)
    return replace(draft, d=np.where(zero, 0.0, draft.d), bar=bar, scale=scale)


def _proven_zeros(samples: Samples, claim: Claim) -> Mask:
    """A claimed zero of a function that stands still to the last bit, though it is computed finely enough to move."""
    fine = claim.quiet <= COARSEST * claim.magnitude
    return np.asarray((samples.constant & fine | still(samples, claim)) & (claim.analytic == 0))


def _at_kinks(draft: _Draft, kink: "_Kink", claim: Claim, *, parted: Mask) -> _Draft:
    """At a kink, claims between its slopes are undecided, or pass where the suite accepts them; all others fail.

    Where the slopes have ``parted``, but to no limits that could be told, every claim is undecided.
    """
    error = np.abs(draft.d - claim.analytic)
    draft = draft.undecided(kink.inside | (parted & ~kink.there), Diagnosis.KINK)
    accepted = kink.inside & kink.sharp & claim.accept_kinks
    return replace(
        draft,
        passed=np.where(kink.there, accepted, draft.passed),
        failed=np.where(kink.there, ~kink.inside & np.isfinite(claim.analytic), draft.failed),
        allowed=np.where(kink.inside, np.fmax(draft.allowed, error), draft.allowed),
    )


def _without_singular(draft: _Draft, samples: Samples, kink: "_Kink") -> _Draft:
    """Where a one-sided slope grows without limit, there is no derivative to agree with."""
    endless = grows(samples.forward, samples) | grows(samples.backward, samples)
    return draft.undecided(endless & ~kink.there, Diagnosis.SINGULAR)


def _with_hollow(draft: _Draft, samples: Samples, claim: Claim) -> _Draft:
    """A claim that is not finite fails where f has a derivative; it may be right where slopes grow without limit."""
    hollow = ~np.isfinite(claim.analytic) & (draft.why != reason(Diagnosis.SINGULAR))
    # where f is the same at every step, its slope is none of the size that no step could tell
    sure = (draft.bar <= 0.3 * np.fmax(np.abs(draft.d), draft.slope)) | samples.constant
    known = np.isfinite(draft.d) & sure
    why = np.where(hollow, reason(Diagnosis.NOT_FINITE), draft.why)
    return replace(draft, failed=draft.failed | (hollow & known), why=why)


def _where_f_stands(draft: _Draft, samples: Samples, claim: Claim) -> _Draft:
    """A claim too small to be decided where f is the same to the last bit around x is not hidden by noise."""
    hidden = ~draft.passed & ~draft.failed & np.isin(draft.why, HIDDEN)
    if not hidden.any():
        return draft
    return draft.undecided(hidden & stands_around(samples, claim), Diagnosis.STILL)


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
    noisy = limit.noise > limit.truncation / FINER_STEPS_PAY
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
        # far from a narrow well f is the same on both sides, which supports no claim of zero at x; nor does anything
        # where noise alone may be as large as what the claim is off by
        near &= ((raw != 0) | (samples.rise == 0)) & (samples.central_noise < error)
        stays = np.abs(raw[1:] - d) >= 0.25 * np.abs(raw[:-1] - d)
        coarse = (near[:-1] & stays).any(axis=0)
        # of the finest step there is no finer one that could say otherwise
        finest = np.maximum(np.isfinite(raw).sum(axis=0) - 1, 0)[None]
        audible = near & (2 * samples.central_noise < error)
        fine = np.take_along_axis(audible, finest, axis=0)[0]
    smooth = (error > LARGE * np.fmax(np.abs(d), np.abs(g))) & _converges_all_the_way(samples, d)
    return np.asarray(((extrapolated | coarse) & ~smooth) | fine)


def _converges_all_the_way(samples: Samples, d: Array) -> Mask:
    """Differences come as h² from the largest step down to ``d``: then what the large ones show is f elsewhere.

    At a jump, or where quantised values begin to move, they part from the limit faster than any smooth f does.
    """
    with np.errstate(all="ignore"):
        distance, audible = np.abs(samples.central - d), HEARD * samples.central_noise
        heard = distance > audible
        growth = distance[:-1] / np.fmax(distance, audible)[1:]
        expected = np.square(samples.h[:-1] / samples.h[1:])
        leaps = heard[:-1] & (growth > RATE_FACTOR * expected)
        returns = heard[1:] & (2 * growth < 1)
        quadratic = heard[:-1] & heard[1:] & ~leaps & (growth * RATE_FACTOR >= expected)
        octaves = np.where(quadratic, np.log2(expected) / 2, 0.0).sum(axis=0)
    return np.asarray((octaves > QUADRATIC) & ~(leaps | returns).any(axis=0))


@dataclass(frozen=True)
class _Kink:
    """(D, R) where f has a kink at x."""

    there: Mask  #: the one-sided limits differ,
    inside: Mask  #: and the claim lies between them, both ends included;
    sharp: Mask  #: both ends are known well enough to say so


def _kink(up: Limit, down: Limit, chosen: Limit, claim: Claim, draft: _Draft, *, smooth: Mask) -> _Kink:
    """``smooth``: the differences themselves meet, which limits of the few steps within the scale of f may not show.

    A gap below the resolution is none, unless it is all that is wrong with a claim between the two slopes.
    """
    with np.errstate(invalid="ignore"):
        gap = np.abs(up.value - down.value)
        slack = FAIL_FACTOR * np.fmax(up.bar, down.bar) + draft.tolerated
        low, high = np.fmin(up.value, down.value) - slack, np.fmax(up.value, down.value) + slack
        inside = (low <= claim.analytic) & (claim.analytic <= high)
        matters = (gap > np.fmax(claim.resolution, 1e-5) * draft.scale) | (inside & draft.failed)
        there = (gap > FAIL_FACTOR * (up.bar + down.bar)) & (gap > FAIL_FACTOR * chosen.bar) & matters & ~smooth
        return _Kink(there, there & inside, slack <= claim.resolution * draft.scale)


def _slopes_meet(samples: Samples, scale: Array) -> Mask:
    """At some step the one-sided slopes are equal within noise, or nearly."""
    with np.errstate(all="ignore"):
        gap, noise = _gap(samples)
        return np.asarray((np.abs(gap) <= np.fmax(noise, MET * scale)).any(axis=0))


def _gap_vanishes(samples: Samples) -> Mask:
    """The gap of the one-sided slopes falls with h, to nothing."""
    with np.errstate(all="ignore"):
        gap, noise = _gap(samples)
        return _vanishes(gap, noise, 0.5 * (samples.ahead + samples.behind))


def _gap(samples: Samples) -> tuple[Array, Array]:
    """(K, D, R) the gap of the one-sided slopes at each step, and its noise."""
    return samples.forward - samples.backward, GAP_NOISE * samples.central_noise


def _vanishes(gap: Array, noise: Array, h: Array) -> Mask:
    """(D, R) whether a gap (K, D, R) that is heard at two steps falls in proportion to h (K, D), and its limit is zero.

    By the two finest: at larger steps the curvature beside a small kink hides it.
    """
    heard = np.isfinite(gap) & (np.abs(gap) > HEARD * noise)
    pairs = heard[1:] & heard[:-1]
    if not pairs.any():
        return np.zeros(gap.shape[1:], dtype=bool)
    finer = len(pairs) - np.argmax(pairs[::-1], axis=0)  # the place of the finer one of the last pair

    def at(values: Array, place: NDArray[np.intp]) -> Array:
        return np.take_along_axis(np.broadcast_to(values, gap.shape), place[None], axis=0)[0]

    coarse, fine = at(gap, finer - 1), at(gap, finer)
    ratio = at(h[..., None], finer - 1) / at(h[..., None], finer)
    falls = np.abs(fine) <= 2 * np.abs(coarse) / ratio
    falls &= has_no_limit((coarse, fine), (at(noise, finer - 1), at(noise, finer)), ratio, curvature=VANISHED)
    return np.asarray(pairs.any(axis=0) & falls)
