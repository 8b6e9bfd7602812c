"""The nouns of a ruling: a pass is final, the local slope is that at the scale of x, a claim narrows to directions."""

from dataclasses import replace

import numpy as np
import pytest
from one_element import claim_of, samples_of

from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.element import Claim, Outcome, Rulings, reason, slope_of

H = 2.0 ** -np.arange(-6.0, 13.0, 3.0)  # 64, 8, 1, 1/8, …


def ruled(*outcomes, numeric):
    rulings = Rulings.undecided(len(outcomes), 1)
    return replace(
        rulings,
        outcome=np.array(outcomes, dtype=np.int8)[:, None],
        numeric=np.array(numeric, dtype=float)[:, None],
    )


# rulings


def test_what_has_passed_stays_as_it_passed_whatever_comes_later():
    first = ruled(Outcome.PASS, Outcome.INCONCLUSIVE, Outcome.INCONCLUSIVE, numeric=[1.0, 2.0, 3.0])
    first.put(np.array([0, 2]), ruled(Outcome.FAIL, Outcome.FAIL, numeric=[10.0, 30.0]))
    assert first.outcome.ravel().tolist() == [Outcome.PASS, Outcome.INCONCLUSIVE, Outcome.FAIL]
    assert first.numeric.ravel().tolist() == [1.0, 2.0, 30.0]


def test_a_later_ruling_replaces_what_was_open_or_wrong():
    first = ruled(Outcome.INCONCLUSIVE, Outcome.FAIL, numeric=[1.0, 2.0])
    first.put(np.array([0, 1]), ruled(Outcome.PASS, Outcome.PASS, numeric=[10.0, 20.0]))
    assert first.all_decided
    assert first.numeric.ravel().tolist() == [10.0, 20.0]


@pytest.mark.parametrize("outcome", [Outcome.FAIL, Outcome.INCONCLUSIVE])
def test_only_passes_are_decided(outcome):
    rulings = ruled(Outcome.PASS, outcome, numeric=[0.0, 0.0])
    assert rulings.decided.ravel().tolist() == [True, False]
    assert not rulings.all_decided


def test_a_copy_shares_nothing_with_what_it_was_copied_from():
    first = ruled(Outcome.INCONCLUSIVE, numeric=[1.0])
    copy = first.copied()
    copy.put(np.array([0]), ruled(Outcome.PASS, numeric=[9.0]))
    assert (first.outcome, first.numeric) == (Outcome.INCONCLUSIVE, 1.0)


def test_nothing_is_known_of_an_element_at_first():
    rulings = Rulings.undecided(2, 3)
    assert (rulings.outcome == Outcome.INCONCLUSIVE).all()
    assert (rulings.reason == reason(None)).all()
    assert np.isnan(rulings.numeric).all()
    assert np.isinf(rulings.bar).all()
    assert reason(Diagnosis.WRONG) != reason(None) == 0


# the local slope


def test_the_local_slope_is_the_steepest_of_both_sides_at_the_two_largest_steps_within_the_scale():
    """Slope 2 from 1/8 to 1, 3 below x; far away, and nearer than both steps, f is far steeper."""

    def f(x):
        if abs(x) > 1:
            return 1e6 * x
        return 0.5 * np.sign(x) if abs(x) < 1 / 32 else (2 * x if x > 0 else 3 * x)

    assert slope_of(samples_of(f, H), claim_of(1.0)) == 3.0


def test_a_step_as_large_as_the_scale_lies_within_it():
    assert slope_of(samples_of(lambda x: x**3, [1.0, 1 / 8, 1 / 64]), claim_of(1.0)) == 1.0


def test_of_steps_that_all_lie_outside_the_two_finest_count():
    assert slope_of(samples_of(lambda x: x * abs(x), [512.0, 64.0, 8.0]), claim_of(1.0)) == 64.0


@pytest.mark.parametrize("steps", [[4.0], [4.0, 2.0]])
def test_one_or_two_steps_count_wherever_they_lie(steps):
    assert slope_of(samples_of(lambda x: x * abs(x), steps), claim_of(1.0)) == 4.0
    assert slope_of(samples_of(np.sign, steps), claim_of(1.0)) == 1 / steps[-1]


def test_a_side_that_is_missing_leaves_the_slope_to_the_other():
    samples = samples_of(lambda x: 5 * x if x <= 0 else np.nan, H)
    assert slope_of(replace(samples, ahead=np.full(samples.ahead.shape, np.nan)), claim_of(1.0)) == 5.0
    assert slope_of(samples_of(lambda x: np.nan, H), claim_of(1.0)) == 0.0


# claims


def test_a_claim_that_is_not_finite_has_no_size():
    assert claim_of(-2.0).size == 2.0
    assert np.isnan(claim_of(np.inf).size)
    assert np.isnan(claim_of(np.nan).size)


@pytest.mark.parametrize("of_entries", [False, True])
def test_a_claim_narrows_to_some_directions_with_all_that_belongs_to_them(of_entries):
    column = np.array([[1.0], [2.0], [3.0]])
    noise = column if of_entries else np.array([7.0])
    claim = Claim(column, 10 * column, column[:, 0], noise, noise, rtol=1e-6, resolution=1e-3, atol=0.0, rounding=0.0)
    taken = claim.take(np.array([2, 0]))
    assert taken.analytic.ravel().tolist() == [3.0, 1.0]
    assert taken.largest.ravel().tolist() == [30.0, 10.0]
    assert taken.natural.tolist() == [3.0, 1.0]
    for narrowed in (taken.quiet, taken.magnitude):
        assert narrowed.ravel().tolist() == ([3.0, 1.0] if of_entries else [7.0])
