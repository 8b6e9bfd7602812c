"""``expect`` is strict."""

from datetime import date

import pytest

from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.expectation import judge_expectation
from gradaudit.judge.verdict import Status, Verdict
from gradaudit.plan.case import Expectation

TODAY = date(2027, 1, 31)
EXPECT = Expectation("fail", reason="GH-412", until=TODAY)


def judged(status: str, expect: Expectation | None = EXPECT, *, today: date = TODAY) -> Verdict:
    verdict = Verdict("a", Status(status), Diagnosis.WRONG_SIGN, message="x[0]: apart")
    return judge_expectation(expect, verdict, today=today)


def test_without_an_expectation_a_verdict_stays_as_it_is():
    assert judged("fail", None).status is Status.FAIL


def test_a_failure_that_was_expected_is_xfail_until_the_end_of_its_last_day():
    verdict = judged("fail")
    assert verdict.status is Status.XFAIL
    assert verdict.diagnosis is Diagnosis.WRONG_SIGN
    assert verdict.notes == ("as expected: fail until 2027-01-31 (GH-412)",)


def test_an_expectation_past_its_date_fails_and_says_what_is_still_wrong():
    verdict = judged("fail", today=date(2027, 2, 1))
    assert verdict.status is Status.FAIL
    assert verdict.diagnosis is Diagnosis.EXPECTATION_EXPIRED
    assert "GH-412" in verdict.message
    assert "x[0]: apart" in verdict.message
    assert "wrong sign" in verdict.evidence


def test_an_expected_inconclusive_case_past_its_date_fails_too():
    late = Expectation("inconclusive", until=date(2020, 1, 1))
    assert judged("inconclusive", late).status is Status.FAIL


@pytest.mark.parametrize("today", [TODAY, date(2030, 1, 1)])
def test_an_unexpected_pass_is_xpass_with_the_fix(today: date):
    verdict = judged("pass", today=today)
    assert verdict.status is Status.XPASS
    assert verdict.diagnosis is Diagnosis.UNEXPECTED_PASS
    assert "remove 'expect:'" in verdict.message


def test_an_inconclusive_case_in_place_of_a_failure_is_not_as_expected():
    verdict = judged("inconclusive")
    assert verdict.status is Status.XPASS
    assert "but it is inconclusive: x[0]: apart" in verdict.message


@pytest.mark.parametrize("status", ["error", "crash", "timeout"])
def test_worse_than_expected_keeps_its_status_and_notes_the_expectation(status: str):
    verdict = judged(status)
    assert verdict.status == status
    assert verdict.notes == ("the suite expects fail until 2027-01-31 (GH-412)",)


def test_an_expectation_without_a_date_or_a_reason_speaks_of_neither():
    assert judged("fail", Expectation("fail")).notes == ("as expected: fail",)
