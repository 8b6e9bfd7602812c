"""Several attempts at one case give one verdict; what needs luck to pass is flaky."""

import pytest

from gradaudit.judge.attempts import is_worth_another, of_attempts
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.verdict import Status, Verdict
from gradaudit.plan.case import Expectation

PASS = Verdict("a", Status.PASS, engine="python")
FAIL = Verdict("a", Status.FAIL, Diagnosis.WRONG_SIGN, "apart by 2", notes=("stepped twice",), traceback="trace")
CRASH = Verdict("a", Status.CRASH, Diagnosis.DIED, "its process died (signal SIGSEGV)")


@pytest.mark.parametrize("verdict", [PASS, FAIL])
def test_a_single_attempt_is_the_verdict(verdict: Verdict):
    assert of_attempts([verdict]) is verdict


def test_a_pass_after_a_failure_is_flaky_and_fails_and_names_each_attempt():
    found = of_attempts([FAIL, CRASH, PASS])
    assert (found.status, found.diagnosis) == (Status.FAIL, Diagnosis.FLAKY)
    assert found.evidence == (
        "attempt 1: fail (wrong sign) apart by 2; "
        "attempt 2: crash (process died) its process died (signal SIGSEGV); attempt 3: pass"
    )
    assert "pass only on attempt 3" in found.message
    assert found.traceback == "trace"


def test_an_undecided_end_after_a_failure_is_flaky_too():
    assert of_attempts([FAIL, Verdict("a", Status.INCONCLUSIVE, Diagnosis.NOISE)]).diagnosis is Diagnosis.FLAKY


def test_a_failure_that_comes_back_keeps_its_verdict_with_a_note():
    found = of_attempts([FAIL, FAIL, FAIL])
    assert found.notes == ("stepped twice", "3 attempts, same")
    assert (found.status, found.diagnosis, found.message) == (FAIL.status, FAIL.diagnosis, FAIL.message)


def test_bad_ends_of_several_kinds_keep_the_first_and_name_all():
    found = of_attempts([FAIL, CRASH])
    assert found.status is Status.FAIL
    assert found.notes[-1] == "2 attempts, fail (wrong sign), crash (process died)"


@pytest.mark.parametrize(
    ("status", "expected", "again"),
    [
        (Status.FAIL, None, True),
        (Status.ERROR, None, True),
        (Status.TIMEOUT, None, True),
        (Status.CRASH, "fail", True),
        (Status.FAIL, "fail", False),
        (Status.PASS, None, False),
        (Status.INCONCLUSIVE, None, False),
        (Status.PASS, "fail", False),
    ],
)
def test_only_a_bad_end_that_the_suite_does_not_expect_is_tried_again(
    status: Status, expected: str | None, again: bool
):
    expect = Expectation(expected) if expected else None
    assert is_worth_another(Verdict("a", status), expect) is again
