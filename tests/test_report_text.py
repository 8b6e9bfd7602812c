"""The terminal lines say what happened and cannot be steered by user text."""

from dataclasses import replace

import pytest
from report_audit import CASE, FAILED, HOSTILE, MESSAGE, RUN

from gradaudit.judge.verdict import Measures, Status, Verdict
from gradaudit.report import one_line, summary
from gradaudit.running.record import Audit, Result


def _audit(*statuses: Status, complete: bool = True) -> Audit:
    results = tuple(Result(CASE, Verdict(CASE.id, status)) for status in statuses)
    return Audit(replace(RUN, complete=complete), results)


def test_a_failed_case_is_a_line_with_place_measured_and_allowed() -> None:
    assert one_line(Result(CASE, FAILED)) == f"FAIL losses.huber[n=33]  {MESSAGE}"


def test_a_pass_shows_its_bound() -> None:
    verdict = Verdict(CASE.id, Status.PASS, measures=Measures(error_over_tolerance=0.034, bound=3.1e-4))
    assert one_line(Result(CASE, verdict)) == "PASS losses.huber[n=33]  error/tolerance 0.034, bound 0.00031"


def test_a_case_that_measured_nothing_is_its_status_and_id() -> None:
    assert one_line(Result(CASE, Verdict(CASE.id, Status.CRASH))) == "CRASH losses.huber[n=33]"


def test_control_characters_are_shown_and_not_obeyed() -> None:
    line = one_line(Result(CASE, Verdict(HOSTILE, Status.ERROR, message=HOSTILE)))
    assert "\\x1b[31mred\\r\\n\\t\\u2028" in line
    assert line.isprintable()


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        ({Status.PASS: 37, Status.FAIL: 2, Status.INCONCLUSIVE: 1}, "37 of 40 pass; 2 fail, 1 inconclusive"),
        ({Status.PASS: 40}, "40 of 40 pass"),
        ({Status.PASS: 1, Status.FAIL: 1}, "1 of 2 passes; 1 fails"),
        ({Status.TIMEOUT: 2, Status.CRASH: 1}, "0 of 3 pass; 1 crash, 2 timeouts"),
        ({Status.XFAIL: 1, Status.XPASS: 2}, "0 of 3 pass; 2 pass unexpectedly, 1 fails as expected"),
        ({}, "no case was run"),
    ],
)
def test_the_summary_is_a_sentence(counts: dict[Status, int], sentence: str) -> None:
    statuses = [status for status, count in counts.items() for _ in range(count)]
    assert summary(_audit(*statuses)) == sentence


def test_an_interrupted_run_says_so() -> None:
    assert summary(_audit(Status.PASS, Status.PASS, complete=False)) == "2 of 2 pass; the run did not finish"
