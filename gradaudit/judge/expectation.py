"""``expect`` of the suite against what came out: strict, so that an expectation never outlives its reason."""

from dataclasses import replace
from datetime import date

from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.verdict import Status, Verdict
from gradaudit.plan.case import Expectation


def judge_expectation(expect: Expectation | None, verdict: Verdict, *, today: date) -> Verdict:
    """``verdict`` in the light of what the suite expects.

    As expected it is ``xfail``; a pass or an inconclusive case in its place is ``xpass``. A failure, error, crash or
    timeout that was not the expected one keeps its status, which says more. From the day after ``until`` the
    expectation holds no longer: what it named fails.
    """
    if expect is None or verdict.status == expect.status == Status.PASS:
        return verdict
    if verdict.status != expect.status:
        return _unexpected(expect, verdict)
    if not expect.holds_on(today):
        return _expired(expect, verdict)
    return replace(verdict, status=Status.XFAIL, notes=(*verdict.notes, f"as expected: {_said(expect)}"))


def _unexpected(expect: Expectation, verdict: Verdict) -> Verdict:
    note = f"the suite expects {_said(expect)}"
    if verdict.status in (Status.ERROR, Status.TIMEOUT, Status.CRASH, Status.FAIL):
        return replace(verdict, notes=(*verdict.notes, note))
    if verdict.status is Status.PASS:
        return replace(
            verdict,
            status=Status.XPASS,
            diagnosis=Diagnosis.UNEXPECTED_PASS,
            message=f"expected {_said(expect)}, but it passes; remove 'expect:' from the suite",
            evidence=f"expected {expect.status}, and every checked element agrees",
        )
    message = f"expected {_said(expect)}, but it is {verdict.status}: {verdict.message}"
    return replace(verdict, status=Status.XPASS, message=message)


def _expired(expect: Expectation, verdict: Verdict) -> Verdict:
    was = verdict.diagnosis or verdict.status
    return replace(
        verdict,
        status=Status.FAIL,
        diagnosis=Diagnosis.EXPECTATION_EXPIRED,
        message=f"expected {_said(expect)}, and that date has gone by; mend it, or move 'until:' ({verdict.message})",
        evidence=f"the expectation held until {expect.until}; the case still ends as {verdict.status}: {was}",
    )


def _said(expect: Expectation) -> str:
    """``fail until 2027-01-31 (GH-412: Monte Carlo noise)``."""
    until = f" until {expect.until}" if expect.until else ""
    reason = f" ({expect.reason})" if expect.reason else ""
    return f"{expect.status}{until}{reason}"
