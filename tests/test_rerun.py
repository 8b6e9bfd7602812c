"""--last-failed, --baseline and --fail-on: a run beside the ones before it."""

import json
from datetime import date
from functools import partial
from pathlib import Path

import pytest

from gradaudit import cli, report
from gradaudit.running import resume, runner
from gradaudit.running.record import Change

SUITE = """\
version: 1
functions:
  - {name: ok, function: "m:f", gradient: "m:g", inputs: {x: {shape: [n]}}, matrix: {n: [1, 2]}}
  - {name: passes_the_second_time, function: "m:f", gradient: "m:g", inputs: {x: {shape: [3]}}}
  - {name: raises, function: "m:f", gradient: "m:g", inputs: {x: {shape: [3]}}}
"""


@pytest.fixture
def say(stood_in, say):
    """Runs the suite with further options, audited by the stand-in: (exit status, stdout, stderr)."""
    (stood_in / "suite.yaml").write_text(SUITE)
    return partial(say, "run", "suite.yaml", "-j", "1")


def last():
    """The audit of the last run."""
    return report.read(report.find_run("latest", folder=Path("reports")).parent)


def ends():
    return {result.case.id: result.verdict.status.value for result in last().results}


def test_only_what_failed_runs_again_and_the_verdicts_are_merged(say):
    assert say()[0] == 1
    first = last().run.id
    status, out, err = say("--last-failed", "--format", "concise")
    assert f"2 of 4 were good in {first} and stand as they were, 2 to run" in err
    assert ends() == {"ok[n=1]": "pass", "ok[n=2]": "pass", "passes_the_second_time": "pass", "raises": "error"}
    assert (status, out.splitlines()[-1]) == (1, "3 of 4 pass; 1 error")
    notes = {result.case.id: result.verdict.notes for result in last().results}
    assert notes["ok[n=1]"] == (f"not run again: the verdict is that of run {first}",)
    assert notes["passes_the_second_time"] == ()
    say("--last-failed")
    again = {result.case.id: result.verdict.notes for result in last().results}
    assert again["ok[n=1]"] == notes["ok[n=1]"]  # the run that measured it, not the one that kept it


def test_a_case_that_was_tried_by_itself_leaves_the_others_as_the_last_whole_run_found_them(say):
    say()
    whole = last().run.id
    say("--id", "raises")
    one = last().run.id
    _, _, err = say("--last-failed")
    assert f"2 of 4 were good in {one}, {whole} and stand as they were, 2 to run" in err
    assert len(ends()) == 4
    notes = {result.case.id: result.verdict.notes for result in last().results}
    assert notes["ok[n=2]"] == (f"not run again: the verdict is that of run {whole}",)


def test_a_case_is_as_good_as_it_was_the_last_time_that_it_ran(say):
    say()
    say("--id", "passes_the_second_time")
    assert "3 of 4 were good in" in say("--last-failed")[2]
    Path("tried").rmdir()  # from here on it fails once more
    say("--id", "passes_the_second_time")
    assert "2 of 4 were good in" in say("--last-failed")[2]


def test_what_was_expected_until_yesterday_does_not_stand(say, monkeypatch):
    expected = "expect: {status: error, until: 2031-01-31}"
    Path("suite.yaml").write_text(SUITE.replace("{name: raises,", f"{{name: raises, {expected},"))
    say()
    assert ends()["raises"] == "xfail"
    assert "3 of 4 were good" in say("--last-failed")[2]  # all but what passes the second time, which is flaky
    monkeypatch.setattr(resume, "date", TheDayAfter)
    monkeypatch.setattr(runner, "date", TheDayAfter)
    assert "3 of 4 were good" in say("--last-failed")[2]
    assert ends()["raises"] == "fail"


class TheDayAfter(date):
    @classmethod
    def today(cls) -> date:
        return date(2031, 2, 1)


def test_where_nothing_failed_nothing_runs_and_all_stands(say):
    Path("suite.yaml").write_text("\n".join(SUITE.splitlines()[:3]) + "\n")
    assert say()[0] == 0
    status, out, err = say("--last-failed")
    assert (status, out) == (0, "2 of 2 pass\n")
    assert "nothing had failed, so nothing runs" in err
    assert last().run.complete


def test_without_a_run_to_go_by_nothing_is_measured(say):
    status, _, err = say("--last-failed")
    assert status == 2
    assert "has no run of this suite to go by; leave --last-failed out" in err
    assert say("--last-failed", "--resume")[0] == 2


def test_fail_on_regression_ignores_what_had_failed_before(say):
    assert say("--fail-on", "regression", "--baseline", "none")[0] == 1
    assert say("--fail-on", "regression")[0] == 0


def test_a_new_failure_is_a_regression(say):
    Path("suite.yaml").write_text("\n".join(SUITE.splitlines()[:3]) + "\n")
    say()
    good = last().run.id
    Path("suite.yaml").write_text(SUITE)
    assert say("--fail-on", "regression")[0] == 1
    assert say("--fail-on", "regression")[0] == 0
    assert say("--fail-on", "regression", "--baseline", good)[0] == 1


def test_a_baseline_that_is_not_there_is_refused_before_anything_is_measured(say):
    status, _, err = say("--baseline", "yesterday")
    assert status == 2
    assert "no run 'yesterday'" in err
    assert not Path("reports").exists()


def test_the_report_compares_with_the_last_whole_run(say):
    say()
    first = last().run.id
    say("--id", "raises")
    say("-o", "out.json")
    history = json.loads(Path("out.json").read_text())["history"]
    assert history["baseline"]["id"] == first
    changes = {case["id"]: case["change"] for case in history["cases"]}
    assert changes["passes_the_second_time"] == Change.FIXED
    assert changes["raises"] == Change.SAME
    assert len(history["runs"]) == 2


def test_a_stored_run_is_held_to_its_baseline_too(say, capsys):
    say()
    say()
    assert cli.invoke(["report", "latest"]) == 1
    assert cli.invoke(["report", "latest", "--fail-on", "regression"]) == 0
