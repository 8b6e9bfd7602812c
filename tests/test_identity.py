"""Two ways to the same numbers agree within rounding, or they fail: here nothing is inconclusive."""

import math

import numpy as np
import pytest

from gradaudit.checks._identity import ROUNDINGS, Identity, weigh
from gradaudit.checks._limits import Limits
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.element import FAIL_FACTOR, Outcome, reason
from gradaudit.perturb.axis import Axis
from gradaudit.plan.case import Settings, Tolerance

EPSILON = 2.0**-52


def weighed(analytic, numeric, *, magnitude=1.0, epsilon=EPSILON, exact=False, **tolerance):
    identity = Identity(
        "identity",
        analytic=np.array([[analytic]], dtype=float),
        numeric=np.array([[numeric]], dtype=float),
        magnitude=np.array([[magnitude]]),
        inputs=Axis((("x", (1,)),)),
        outputs=Axis((("out", (1,)),)),
        broken=Diagnosis.WRONG,
        exact=exact,
    )
    limits = Limits.of(Settings(tolerance=Tolerance(**tolerance)), epsilon=EPSILON)
    return weigh(identity, limits, epsilon=epsilon)


def outcome(*both, **options):
    return weighed(*both, **options).rulings.outcome


@pytest.mark.parametrize("both", [(math.nan, math.nan), (math.inf, math.inf), (-math.inf, -math.inf), (0.0, 0.0)])
def test_what_both_ways_have_in_common_is_no_difference(both):
    assert outcome(*both) == Outcome.PASS


@pytest.mark.parametrize(
    "both",
    [
        *((math.nan, 1.0), (1.0, math.nan), (math.nan, 0.0), (0.0, math.nan)),
        *((math.inf, 1.0), (1.0, math.inf), (math.inf, -math.inf), (math.nan, math.inf)),
    ],
)
def test_what_is_not_finite_on_one_side_alone_fails(both):
    evidence = weighed(*both)
    assert evidence.rulings.outcome == Outcome.FAIL
    assert evidence.rulings.reason == reason(Diagnosis.WRONG)


@pytest.mark.parametrize(("apart", "expected"), [(0.9e-5, Outcome.PASS), (1.1e-5, Outcome.FAIL)])
def test_the_relative_tolerance_is_of_the_larger_of_both(apart, expected):
    assert outcome(2.0, 2.0 * (1 + apart), rtol=1e-5) == expected
    assert outcome(2.0 * (1 + apart), 2.0, rtol=1e-5) == expected


@pytest.mark.parametrize(("apart", "expected"), [(0.9e-3, Outcome.PASS), (1.1e-3, Outcome.FAIL)])
def test_an_absolute_tolerance_counts_too(apart, expected):
    assert outcome(1.0, 1.0 + apart, rtol=1e-9, atol=1e-3) == expected


def test_what_is_apart_by_a_multiple_is_held_against_the_larger():
    assert outcome(1.0, 2.0, rtol=0.6) == outcome(2.0, 1.0, rtol=0.6) == Outcome.PASS
    assert outcome(1.0, 2.0, rtol=0.4) == outcome(2.0, 1.0, rtol=0.4) == Outcome.FAIL


def test_a_sum_without_bound_excuses_no_infinite_claim():
    assert outcome(math.inf, 1.0, magnitude=math.inf) == Outcome.FAIL


@pytest.mark.parametrize(("times", "expected"), [(0.9, Outcome.PASS), (1.1, Outcome.FAIL)])
def test_rounding_is_relative_to_what_was_added_up_whatever_the_tolerance(times, expected):
    bar = ROUNDINGS * EPSILON * 1e6
    evidence = weighed(0.0, times * FAIL_FACTOR * bar, magnitude=1e6, epsilon=EPSILON, exact=True)
    assert evidence.rulings.bar == pytest.approx(max(bar, evidence.claim.rounding * 1e6))
    allowed = FAIL_FACTOR * evidence.rulings.bar[0, 0]
    assert outcome(0.0, times * allowed, magnitude=1e6, exact=True) == expected


def test_narrow_numbers_may_be_off_by_more():
    assert outcome(1.0, 1.0 + 1e-3, exact=True) == Outcome.FAIL
    assert outcome(1.0, 1.0 + 1e-3, exact=True, epsilon=2.0**-10) == Outcome.PASS


def test_what_must_be_exact_has_no_tolerance():
    assert outcome(1.0, 1.0 + 1e-9, rtol=1e-3, atol=1e-3) == Outcome.PASS
    assert outcome(1.0, 1.0 + 1e-9, rtol=1e-3, atol=1e-3, exact=True) == Outcome.FAIL


def test_a_pass_that_rounding_alone_explains_is_bounded_by_what_was_added_up_and_one_to_the_bit_by_itself():
    near, same = weighed(1e-12, 2e-12, magnitude=1e6), weighed(1e-12, 1e-12, magnitude=1e6)
    assert (near.rulings.floored, near.rulings.scale) == (True, 1e6)
    assert (same.rulings.floored, same.rulings.scale) == (False, 1e-12)


@pytest.mark.parametrize("both", [(1.0, 1.0 + 1e-9), (1e-12, 1.0)])
def test_what_is_resolved_or_wrong_is_not_counted_apart(both):
    assert not weighed(*both, magnitude=1.0).rulings.floored
