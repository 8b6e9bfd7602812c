"""First rulings pass what two or four evaluations settle and leave open the rest; only the plain rule fails."""

from dataclasses import replace

import numpy as np
import pytest
from one_element import claim_of, samples_of

from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.element import FAIL_FACTOR, Outcome, reason
from gradaudit.judge.quick import express, pair, plain, softened
from gradaudit.perturb.samples import KAPPA

H = (1 / 8, 1 / 64)


def cubic(x):
    """Its central differences are 1 + h²."""
    return x + x**3


def bent(x):
    """A kink at 0 whose central differences are 1 all the same."""
    return x + 0.1 * abs(x)


# two evaluations


def test_a_claim_that_one_difference_agrees_with_passes_with_its_noise_and_distance_as_the_bar():
    ruling = express(samples_of(lambda x: x, [0.25], noise=1e-6), claim_of(1 + 1e-5))
    noise = KAPPA * 1e-6 / 0.25
    assert ruling.outcome == Outcome.PASS
    assert ruling.bar[0, 0] == pytest.approx(noise + 1e-5)
    assert ruling.allowed[0, 0] == pytest.approx(FAIL_FACTOR * noise + 1e-6, rel=1e-4)


@pytest.mark.parametrize(
    ("f", "claim", "noise"),
    [
        (lambda x: x, claim_of(1 + 3e-6), 0.0),  # apart by more than rtol
        (lambda x: x, claim_of(-1.0), 0.0),
        (bent, claim_of(1.0), 0.0),  # at a kink
        (lambda x: x, claim_of(1.0), 1e-4),  # too noisy to be right to 1e-3
        (lambda x: 0.0, claim_of(0.0), 0.0),  # a zero needs more than one step
        (lambda x: x, claim_of(np.nan), 0.0),
    ],
)
def test_what_one_difference_does_not_settle_stays_open(f, claim, noise):
    ruling = express(samples_of(f, [0.25], noise=noise), claim)
    assert ruling.outcome == Outcome.INCONCLUSIVE
    assert ruling.reason == reason(Diagnosis.STEPS)


def test_an_absolute_tolerance_lets_one_difference_pass_what_is_apart_by_less():
    assert express(samples_of(lambda x: x, [0.25]), claim_of(1 + 5e-4, atol=6e-4)).outcome == Outcome.PASS
    assert express(samples_of(lambda x: x, [0.25]), claim_of(1 + 5e-4, atol=4e-4)).outcome == Outcome.INCONCLUSIVE


# four evaluations


def test_two_differences_are_extrapolated_once_and_their_truncation_is_taken_as_first_order():
    ruling = pair(samples_of(cubic, H, noise=1e-9), claim_of(1.0, resolution=0.1))
    apart = H[0] ** 2 - H[1] ** 2
    assert ruling.outcome == Outcome.PASS
    assert ruling.numeric[0, 0] == pytest.approx(1.0, abs=1e-12)
    assert ruling.bar[0, 0] == pytest.approx(2 * apart / 7 + KAPPA * 1e-9 / H[1] * (1 + 2 / 63), rel=1e-9)
    assert ruling.h == H[1]


@pytest.mark.parametrize(
    ("f", "claim"),
    [
        (cubic, claim_of(1.001, resolution=0.1)),  # apart by more than noise and rtol: its bar is not to pass by
        (cubic, claim_of(1.0, resolution=1e-3)),  # the bar is too wide for it
        (bent, claim_of(1.0, resolution=0.1)),  # the one-sided slopes do not meet
        (lambda x: 0.0, claim_of(0.0)),
    ],
)
def test_what_two_differences_do_not_settle_stays_open(f, claim):
    assert pair(samples_of(f, H), claim).outcome == Outcome.INCONCLUSIVE


def test_one_sided_slopes_may_be_apart_as_long_as_that_falls_like_the_step():
    parabola = samples_of(lambda x: x + x * x, H)
    assert abs(parabola.forward - parabola.backward)[1, 0, 0] > 0.03
    assert pair(parabola, claim_of(1.0)).outcome == Outcome.PASS


@pytest.mark.parametrize(("left", "outcome"), [(0.15, Outcome.PASS), (0.18, Outcome.INCONCLUSIVE)])
def test_the_gap_of_one_sided_slopes_is_extrapolated_to_zero_with_some_room_for_curvature(left, outcome):
    slope = (1 - left) / (H[0] - H[1])
    gap = 0.1 * (left - slope * H[1])  # at x; 0.1 at the first step, 0.1·left at the second

    def gapped(x):
        return x + gap / 2 * abs(x) + 0.1 * slope / 2 * x * x

    assert pair(samples_of(gapped, H), claim_of(1.0)).outcome == outcome


def test_a_gap_within_the_noise_is_none():
    slightly_bent = samples_of(lambda x: x + 1e-7 * abs(x), H, noise=1e-9)
    assert pair(slightly_bent, claim_of(1.0)).outcome == Outcome.PASS
    assert pair(samples_of(lambda x: x + 1e-7 * abs(x), H), claim_of(1.0)).outcome == Outcome.INCONCLUSIVE


def test_only_the_two_finest_steps_are_looked_at():
    def wild_far_away(x):
        return cubic(x) + 7.0 * (x > 0.5)

    two, three = (pair(samples_of(wild_far_away, h, noise=1e-9), claim_of(1.0, resolution=0.1)) for h in (H, (1.0, *H)))
    assert (three.outcome, three.numeric, three.bar, three.h) == (two.outcome, two.numeric, two.bar, two.h)


def test_an_absolute_tolerance_lets_two_differences_pass_what_is_apart_by_less():
    samples, claim = samples_of(lambda x: x, H), claim_of(1 + 5e-4, resolution=0.1)
    assert pair(samples, replace(claim, atol=6e-4)).outcome == Outcome.PASS
    assert pair(samples, replace(claim, atol=4e-4)).outcome == Outcome.INCONCLUSIVE
    assert pair(samples, replace(claim, atol=0.2)).outcome == Outcome.PASS  # wider than the resolution, and accepted


def test_the_rounding_of_the_claim_counts_against_the_local_slope():
    samples, claim = samples_of(lambda x: x, H), claim_of(1 + 5e-5, resolution=0.1)
    assert pair(samples, claim).outcome == Outcome.INCONCLUSIVE
    assert pair(samples, replace(claim, rounding=1e-4)).outcome == Outcome.PASS


# the origin's rule


@pytest.mark.parametrize(
    ("claimed", "atol", "outcome", "why"),
    [
        (1.0, 0.0, Outcome.PASS, None),
        (1 + 1.5e-6, 0.0, Outcome.FAIL, Diagnosis.WRONG),
        (1 + 1.5e-6, 1e-6, Outcome.PASS, None),
        (np.nan, 0.0, Outcome.FAIL, Diagnosis.WRONG),
    ],
)
def test_the_plain_rule_compares_one_difference_with_one_tolerance_and_has_no_bar(claimed, atol, outcome, why):
    ruling = plain(samples_of(lambda x: x, [0.5, 0.25]), claim_of(claimed, atol=atol))
    assert (ruling.outcome, ruling.reason) == (outcome, reason(why))
    assert (ruling.bar, ruling.h) == (0.0, 0.25)


def test_the_plain_rule_fails_nothing_where_f_has_no_value():
    ruling = plain(samples_of(lambda x: x if x <= 0 else np.nan, [0.25]), claim_of(5.0))
    assert (ruling.outcome, ruling.reason) == (Outcome.INCONCLUSIVE, reason(Diagnosis.DOMAIN))


# a short list of steps


@pytest.mark.parametrize(
    ("outcome", "why", "floored", "then", "said"),
    [
        (Outcome.PASS, None, False, Outcome.PASS, None),
        (Outcome.PASS, None, True, Outcome.INCONCLUSIVE, Diagnosis.STEPS),
        (Outcome.FAIL, Diagnosis.WRONG, False, Outcome.INCONCLUSIVE, Diagnosis.STEPS),
        (Outcome.INCONCLUSIVE, Diagnosis.NOISE, False, Outcome.INCONCLUSIVE, Diagnosis.NOISE),
    ],
)
def test_a_short_list_of_steps_fails_nothing_and_passes_only_what_is_held_against_itself(
    outcome, why, floored, then, said
):
    first = plain(samples_of(lambda x: x, [0.25]), claim_of(1.0))
    ruling = softened(
        replace(
            first,
            outcome=np.array([[outcome]], dtype=np.int8),
            reason=np.array([[reason(why)]], dtype=np.int8),
            floored=np.array([[floored]]),
        )
    )
    assert (ruling.outcome, ruling.reason, ruling.floored) == (then, reason(said), False)
