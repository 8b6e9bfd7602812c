"""A run that did not finish is finished: what it had is kept, what is missing or has changed runs."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gradaudit import report
from gradaudit.judge.verdict import Status
from gradaudit.plan import Selection
from gradaudit.plan.shard import Shard
from gradaudit.report import OutputError
from gradaudit.running import provenance, runner
from gradaudit.running.record import Audit
from gradaudit.running.resume import LAST

SUITE = """\
version: 1
name: nightly
functions:
  - {name: process, function: "m:f", gradient: "m:g", inputs: {x: {shape: [n]}}, matrix: {n: [1, 2, 3]}}
  - {name: raises, function: "m:f", gradient: "m:g", inputs: {x: {shape: [3]}}}
"""
IDS = ["process[n=1]", "process[n=2]", "process[n=3]", "raises"]


@pytest.fixture
def suite(stood_in: Path) -> str:
    """A suite in the current folder; its cases say in which process they ran."""
    (stood_in / "suite.yaml").write_text(SUITE)
    return "suite.yaml"


def after(done: int) -> Callable[[runner.Progress], None]:
    """Ctrl-C when this many cases have finished."""

    def observe(progress: runner.Progress) -> None:
        if progress.done == done:
            raise KeyboardInterrupt

    return observe


def interrupted(suite: str, done: int, **options: object) -> Audit:
    with pytest.raises(runner.RunInterrupted) as stopped:
        runner.run(suite, jobs=1, observe=after(done), **options)
    return stopped.value.audit


def resumed(suite: str, which: str = LAST, **options: object) -> tuple[Audit, list[str]]:
    told: list[str] = []
    audit = runner.run(suite, jobs=1, resume=which, tell=told.append, **options)
    return audit, told


def evidence(audit: Audit) -> dict[str, str]:
    return {result.case.id: result.verdict.evidence for result in audit.results}


def test_what_had_finished_is_kept_and_only_the_rest_runs(suite: str):
    first = interrupted(suite, 2)
    audit, told = resumed(suite)
    assert [result.case.id for result in audit.results] == IDS
    assert repr(audit.results[:2]) == repr(first.results)
    assert evidence(audit)["process[n=3]"] != evidence(audit)["process[n=1]"]  # another process
    assert told == [f"resuming {first.run.id}: 2 of 4 cases are there, 2 to run"]


def test_the_resumed_run_is_the_same_run_in_the_same_folder_and_complete(suite: str):
    first = interrupted(suite, 2, arguments=("run", "suite.yaml"))
    audit, _ = resumed(suite)
    assert (audit.run.id, audit.run.started, audit.run.arguments) == (first.run.id, first.run.started, ("run", suite))
    assert audit.run.complete
    assert len(audit.run.resumed) == 1
    assert audit.run.duration_s > first.run.duration_s
    home = runner.run_folder(audit.run)
    assert [path.name for path in home.parent.iterdir() if path.is_dir()] == [home.name]
    assert repr(report.read(home)) == repr(audit)
    assert json.loads((home / "run.json").read_text())["run"]["complete"]


def test_a_run_that_was_killed_and_resumed_took_as_long_as_all_its_parts(suite: str):
    first = interrupted(suite, 2)
    path = runner.run_folder(first.run) / "results.jsonl"
    with report.ResultsFile.resume(path, first.run, first.plan) as killed:  # which has no end
        killed.append(first.results[1], elapsed_s=1000.0)
    assert report.read(path.parent).run.duration_s == 1000.0
    second = interrupted(suite, 3, resume=LAST)
    assert 1000.0 < second.run.duration_s < 1100.0
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))  # killed again
    assert 1000.0 < report.read(path.parent).run.duration_s <= second.run.duration_s
    audit, _ = resumed(suite)
    assert second.run.duration_s < audit.run.duration_s < 1200.0
    assert report.read(path.parent).run.duration_s == audit.run.duration_s


def test_a_part_that_was_killed_before_its_first_case_takes_nothing_from_the_parts_before(suite: str):
    first = interrupted(suite, 2)
    path = runner.run_folder(first.run) / "results.jsonl"
    report.ResultsFile.resume(path, first.run, first.plan).close()
    assert report.read(path.parent).run.duration_s == first.run.duration_s


def test_a_resumed_run_is_whole_where_the_command_that_finishes_it_asks_for_all(suite: str):
    interrupted(suite, 1, select=Selection(keyword="process"))
    audit, _ = resumed(suite)
    assert [result.case.id for result in audit.results] == IDS
    assert audit.run.whole
    part = interrupted(suite, 3)
    audit, _ = resumed(suite, part.run.id, select=Selection(keyword="process"))
    assert not audit.run.whole


def test_progress_counts_what_is_there(suite: str):
    interrupted(suite, 3)
    seen: list[runner.Progress] = []
    runner.run(suite, jobs=1, resume=LAST, observe=seen.append)
    assert [(progress.done, progress.total) for progress in seen] == [(3, 4), (4, 4)]
    assert seen[-1].tally == {"pass": 3, "error": 1}


def test_a_run_can_be_interrupted_again_and_again(suite: str):
    first = interrupted(suite, 1)
    second = interrupted(suite, 3, resume=LAST)
    audit, _ = resumed(suite)
    assert repr(first.results) == repr(audit.results[:1])
    assert repr(second.results) == repr(audit.results[:3])
    assert len(audit.run.resumed) == 2


@pytest.mark.parametrize("which", ["id", "folder", "file"])
def test_a_run_is_named_by_id_folder_or_results_file(suite: str, which: str):
    first = interrupted(suite, 2)
    interrupted(suite, 1)
    home = runner.run_folder(first.run)
    name = {"id": first.run.id, "folder": str(home), "file": str(home / "results.jsonl")}[which]
    audit, _ = resumed(suite, name)
    assert audit.run.id == first.run.id


def test_the_last_unfinished_run_is_the_one_begun_last_even_if_the_clock_went_back(suite: str, monkeypatch):
    runner_now = runner.describe
    interrupted(suite, 3)
    monkeypatch.setattr(
        runner, "describe", lambda *given, **named: replace(runner_now(*given, **named), id="20010101-000000-aaaaaa")
    )
    last = interrupted(suite, 1)
    audit, _ = resumed(suite)
    assert audit.run.id == last.run.id == "20010101-000000-aaaaaa"


def test_a_torn_last_line_costs_its_case_and_nothing_else(suite: str):
    first = interrupted(suite, 2)
    path = runner.run_folder(first.run) / "results.jsonl"
    without_end = path.read_bytes().splitlines(keepends=True)[:-1]
    path.write_bytes(b"".join(without_end)[:-30])
    audit, told = resumed(suite)
    assert told[0].endswith("1 of 4 cases are there, 3 to run")
    assert repr(audit.results[0]) == repr(first.results[0])
    assert repr(report.read(path.parent)) == repr(audit)


def test_a_case_whose_line_is_damaged_runs_again(suite: str):
    audit = runner.run(suite, jobs=1)
    path = runner.run_folder(audit.run) / "results.jsonl"
    path.write_bytes(path.read_bytes().replace(b"planted", b"plantad"))
    with pytest.raises(OutputError, match="damaged result"):
        report.read(path.parent)
    again, told = resumed(suite, audit.run.id)
    assert told[0].endswith("3 of 4 cases are there, 1 to run")
    assert repr(again.results[:3]) == repr(audit.results[:3])
    assert report.read(path.parent).run.complete


def test_a_run_in_which_nothing_is_missing_says_so_and_writes_its_reports_again(suite: str):
    audit = runner.run(suite, jobs=1)
    page = runner.run_folder(audit.run) / "report.html"
    page.unlink()
    again, told = resumed(suite)
    assert told == [
        f"resuming {audit.run.id}: 4 of 4 cases are there; nothing is missing, the reports are rendered again"
    ]
    assert repr(again.results) == repr(audit.results)
    assert page.exists()


def test_a_comment_in_the_suite_changes_no_case(suite: str):
    first = interrupted(suite, 2)
    Path(suite).write_text("# a comment\n" + SUITE)
    audit, told = resumed(suite)
    assert repr(audit.results[:2]) == repr(first.results)
    assert len(told) == 1


def test_what_has_changed_runs_again_beside_what_has_not(suite: str):
    audit = runner.run(suite, jobs=1)
    Path(suite).write_text(SUITE.replace('{name: raises, function: "m:f"', '{name: raises, function: "m:other"'))
    again, told = resumed(suite, audit.run.id)
    assert told[1:] == ["changed since then, and run again: raises"]
    assert repr(again.results[:3]) == repr(audit.results[:3])
    assert again.results[3].case.target.function == "m:other"
    assert repr(report.read(runner.run_folder(audit.run))) == repr(again)


def test_cases_that_are_no_longer_selected_are_left_out_and_named(suite: str):
    first = interrupted(suite, 2)
    Path(suite).write_text(SUITE.replace("[1, 2, 3]", "[1, 3]"))
    audit, told = resumed(suite)
    assert [result.case.id for result in audit.results] == ["process[n=1]", "process[n=3]", "raises"]
    assert told[1:] == ["no longer selected, and left out: process[n=2]"]
    assert repr(report.read(runner.run_folder(first.run))) == repr(audit)


def test_another_commit_is_said(suite: str, monkeypatch):
    interrupted(suite, 2)
    monkeypatch.setattr(provenance, "git", lambda: {"commit": "facade"})
    _, told = resumed(suite)
    assert told[1].startswith("the git state is not that of the first part")


def test_results_of_which_none_fits_are_refused_by_name_and_passed_over_without(suite: str):
    first = interrupted(suite, 2)
    with pytest.raises(OutputError, match=r"none of its 2 results is a case of this plan; were --seed"):
        resumed(suite, first.run.id, overrides={"seed": 5})
    with pytest.raises(OutputError, match=r"no unfinished run of this suite .*; leave --resume out"):
        resumed(suite, overrides={"seed": 5})


def test_a_run_of_another_suite_or_shard_is_refused(suite: str):
    first = interrupted(suite, 1)
    with pytest.raises(OutputError, match=r"it ran the whole suite, and this command asks for shard 1/1"):
        resumed(suite, first.run.id, shard=Shard(1, 1))
    Path(suite).write_text(SUITE.replace("nightly", "weekly"))
    with pytest.raises(OutputError, match=r"a run of suite 'nightly', and this is 'weekly'"):
        resumed(suite, first.run.id)


def test_what_is_no_run_is_refused_with_the_runs_that_are_there(suite: str):
    first = interrupted(suite, 1)
    with pytest.raises(OutputError, match=rf"no run '2026'; give its folder.*the last in reports are {first.run.id}"):
        resumed(suite, "2026")


def test_two_processes_cannot_finish_one_run(suite: str):
    first = interrupted(suite, 1)
    path = runner.run_folder(first.run) / "results.jsonl"
    with (
        report.ResultsFile.resume(path, first.run, first.plan),
        pytest.raises(OutputError, match="another run is writing it"),
    ):
        resumed(suite)
    assert len(resumed(suite)[0].results) == 4


def test_parts_that_a_killed_process_left_behind_are_swept(suite: str):
    first = interrupted(suite, 1)
    part = runner.run_folder(first.run) / ".report.html.4711.part"
    part.write_text("<html>")
    resumed(suite)
    assert not part.exists()


def test_a_run_leaves_what_resumes_it_before_its_first_case(suite: str):
    def look(progress: runner.Progress) -> None:
        if progress.done == 0:
            (home,) = Path("reports/nightly").glob("2*")
            assert not json.loads((home / "run.json").read_text())["run"]["complete"]
            assert json.loads(Path("reports/nightly/latest.json").read_text())["run"] == home.name
            assert report.read_stored(home / "results.jsonl").missing() == IDS

    runner.run(suite, jobs=1, observe=look)


def test_a_run_ends_at_the_first_case_that_is_not_as_expected_where_asked_to(suite: str):
    head, first, last = SUITE.partition("  - {name: process")[0], *SUITE.splitlines(keepends=True)[-2:]
    Path(suite).write_text(head + last + first)
    audit = runner.run(suite, jobs=1, stop_at={Status.ERROR})
    assert [result.case.id for result in audit.results] == ["raises"]
    assert not audit.run.complete
    assert len(resumed(suite)[0].results) == 4


def test_a_case_that_passes_on_its_second_attempt_is_flaky(suite: str):
    Path(suite).write_text(SUITE.replace("name: raises", "name: passes_the_second_time"))
    audit = runner.run(suite, jobs=1, retries=2)
    assert [str(result.verdict.diagnosis) for result in audit.results[3:]] == ["flaky"]
    assert "attempt 1: error (raised)" in audit.results[3].verdict.evidence


def test_a_case_that_fails_every_time_says_how_often(suite: str):
    audit = runner.run(suite, jobs=1, retries=2)
    assert audit.results[3].verdict.notes == ("3 attempts, same",)
    assert audit.results[0].verdict.notes == ()


@pytest.mark.parametrize("which", ["last", "id"])
def test_a_run_that_was_stopped_before_its_first_case_is_resumed(suite: str, which: str):
    first = interrupted(suite, 0)
    assert not first.results
    audit, told = resumed(suite, LAST if which == "last" else first.run.id)
    assert (audit.run.id, audit.run.complete) == (first.run.id, True)
    assert told == [f"resuming {first.run.id}: 0 of 4 cases are there, 4 to run"]


def test_a_finished_run_of_fewer_cases_is_not_taken_for_an_unfinished_one(suite: str):
    part = runner.run(suite, jobs=1, select=Selection(keyword="process"))
    assert part.run.complete
    with pytest.raises(OutputError, match="no unfinished run of this suite"):
        resumed(suite)


def test_without_an_unfinished_run_of_the_shard_it_is_said_which_was_looked_for(suite: str):
    interrupted(suite, 3)
    with pytest.raises(OutputError, match=r"no unfinished run \(shard 1/2\) of this suite in reports"):
        resumed(suite, shard=Shard(1, 2))
