"""What earlier runs say: changes by rule, an index that may be lost at any time, and rows of ends."""

import os
import shutil
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import nan

import pytest
from nights import kept, night, verdict
from report_audit import CASE, RUN
from stand_in import a_case

from gradaudit import report
from gradaudit.history import Index, change_of, compared, looked_back, prune, regressions, remember
from gradaudit.history import index as history_index
from gradaudit.history.index import NAME
from gradaudit.judge.verdict import Status
from gradaudit.plan.fingerprint import planned
from gradaudit.report import ResultsFile
from gradaudit.running.record import Before, Change

PASS, FAIL, UNDECIDED, ERROR = Status.PASS, Status.FAIL, Status.INCONCLUSIVE, Status.ERROR


def end(status, ratio=0.01):
    return Before(status, None, ratio)


@pytest.mark.parametrize(
    ("before", "now", "change"),
    [
        (None, end(PASS), Change.ADDED),
        (end(FAIL), None, Change.REMOVED),
        (end(PASS), end(FAIL), Change.NEW),
        (end(Status.XFAIL), end(Status.XPASS), Change.NEW),
        (end(PASS), end(UNDECIDED), Change.NEW),
        (end(FAIL), end(PASS), Change.FIXED),
        (end(ERROR, nan), end(ERROR, nan), Change.SAME),
        (end(FAIL, 5), end(FAIL, 7), Change.SAME),
        (end(FAIL, 5), end(FAIL, 70), Change.WORSE),
        (end(FAIL, 70), end(FAIL, 5), Change.BETTER),
        (end(UNDECIDED), end(FAIL, 7), Change.WORSE),
        (end(FAIL, 7), end(UNDECIDED), Change.BETTER),
        (end(PASS, 0.01), end(PASS, 0.5), Change.WORSE),
        (end(PASS, 0.5), end(PASS, 0.01), Change.BETTER),
        (end(PASS, 1e-9), end(PASS, 1e-3), Change.SAME),
        (end(PASS, nan), end(PASS, 0.5), Change.SAME),
    ],
)
def test_a_change_has_one_word(before, now, change):
    assert change_of(before, now) is change


@pytest.mark.parametrize(
    ("before", "now", "regression"),
    [
        (PASS, FAIL, True),
        (None, FAIL, True),
        (UNDECIDED, FAIL, True),
        (None, PASS, False),
        (FAIL, FAIL, False),
        (FAIL, PASS, False),
        (PASS, UNDECIDED, False),
    ],
)
def test_a_regression_is_what_is_not_as_good_as_it_was(before, now, regression):
    audit = night(1, now)
    audit = replace(audit, history=compared(audit, night(0, before)))
    assert regressions(audit) == (["ok[i=0]"] if regression else [])
    assert regressions(audit, strict=True) == (["ok[i=0]"] if regression or now is UNDECIDED else [])


def test_a_run_is_compared_with_the_last_complete_run_of_the_whole_suite(tmp_path):
    home = kept(
        tmp_path,
        night(0, FAIL, PASS),
        night(1, PASS, FAIL),
        night(2, FAIL, whole=False),
        night(3, FAIL, complete=False),
    )
    history = looked_back(night(4, FAIL, FAIL, PASS), home)
    assert history.baseline == night(1).run
    assert [case.change for case in history.cases] == [Change.NEW, Change.SAME, Change.ADDED]
    assert [run.commit for run in history.runs] == ["c0", "c1", "c2", "c3"]
    assert [end.status for end in history.cases[0].ends] == [FAIL, PASS, FAIL, FAIL]


def test_the_first_bad_commit_stands_beside_the_last_good_one(tmp_path):
    home = kept(tmp_path, *(night(i, status) for i, status in enumerate([FAIL, PASS, PASS, FAIL, FAIL])))
    (case,) = looked_back(night(5, FAIL), home).cases
    assert (case.last_good.commit, case.first_bad.commit) == ("c2", "c3")
    (fresh,) = looked_back(night(5, FAIL), kept(tmp_path / "other", night(0, PASS))).cases
    assert (fresh.last_good.commit, fresh.first_bad.commit) == ("c0", "c5")
    (good,) = looked_back(night(5, PASS), home).cases
    assert (good.last_good, good.first_bad) == (None, None)


def test_a_renamed_case_keeps_its_row(tmp_path):
    home = kept(tmp_path, night(0, FAIL, case=replace(CASE, id="old")), night(1, FAIL, case=CASE))
    renamed = replace(CASE, id="new", was=(CASE.id, "old"))
    (case,) = looked_back(night(2, FAIL, case=renamed), home).cases
    assert case.change is Change.SAME
    assert [end.run for end in case.ends] == [night(0).run.id, night(1).run.id]
    assert case.first_bad.commit == "c0"


def test_a_run_that_had_both_names_of_a_case_counts_once_with_the_name_of_today(tmp_path):
    both = night(0, FAIL, case=replace(CASE, id="old"))
    under_today = night(0, PASS, case=replace(CASE, id="new"))
    home = kept(tmp_path, replace(both, results=(*both.results, *under_today.results)), night(1, FAIL, case=CASE))
    renamed = replace(CASE, id="new", was=("old", CASE.id))
    (case, *_) = looked_back(night(2, FAIL, case=renamed), home).cases
    assert [(end.run, end.status) for end in case.ends] == [(night(0).run.id, PASS), (night(1).run.id, FAIL)]
    assert (case.last_good.id, case.first_bad.id) == (night(0).run.id, night(1).run.id)


def test_ends_under_two_names_are_in_the_order_of_their_runs_though_the_clock_went_back(tmp_path):
    first, second = (night(i, FAIL, case=replace(CASE, id=name)) for i, name in ((5, "old"), (1, "new")))
    second = replace(second, run=replace(second.run, started=night(6).run.started))
    home = kept(tmp_path, first, second)
    (case,) = looked_back(night(7, FAIL, case=replace(CASE, id="new", was=("old",))), home).cases
    assert [end.run for end in case.ends] == [first.run.id, second.run.id]


def test_what_was_not_selected_is_not_removed():
    before = night(0, PASS, PASS)
    assert [case.change for case in compared(night(1, PASS), before).cases] == [Change.SAME, Change.REMOVED]
    assert [case.change for case in compared(night(1, PASS, whole=False), before).cases] == [Change.SAME]
    assert [case.change for case in compared(night(1, PASS, complete=False), before).cases] == [Change.SAME]


def test_a_changed_text_is_named():
    before, after = night(0, verdict(text="1")), night(1, verdict(FAIL, text="2"))
    assert compared(after, before).cases[0].changed == ("function",)
    assert compared(night(1, FAIL), before).cases[0].changed == ()


def test_a_case_that_changes_sides_though_its_text_does_not_is_flaky(tmp_path):
    turning = [PASS, FAIL, PASS]
    home = kept(tmp_path, *(night(i, status) for i, status in enumerate(turning)))
    assert looked_back(night(5, FAIL), home).cases[0].flaky
    assert not looked_back(night(5, PASS), home).cases[0].flaky
    mended = [verdict(status, text=str(i)) for i, status in enumerate(turning)]
    home = kept(tmp_path / "mended", *(night(i, end) for i, end in enumerate(mended)))
    assert not looked_back(night(5, verdict(FAIL, text="3")), home).cases[0].flaky


def test_a_baseline_can_be_chosen_or_refused(tmp_path):
    home = kept(tmp_path, night(0, FAIL), night(1, PASS))
    assert looked_back(night(2, FAIL), home, baseline=night(0, FAIL)).cases[0].change is Change.SAME
    assert looked_back(night(2, FAIL), home, compare=False).cases[0].change is None


@pytest.mark.parametrize("harm", ["deleted", "nonsense", "cut off", "of another version", "of a directory"])
def test_the_index_may_be_lost_at_any_time(tmp_path, harm):
    home = kept(tmp_path, night(0, PASS), night(1, FAIL))
    with Index(home) as index:
        before = index.runs()
    file = home / NAME
    if harm == "cut off":
        file.write_bytes(file.read_bytes()[:5000])
    elif harm == "of another version":
        sqlite3.connect(file).execute("PRAGMA user_version = 99").connection.close()
    else:
        file.unlink()
    if harm == "nonsense":
        file.write_bytes(b"nonsense" * 1000)
    if harm == "of a directory":
        file.mkdir()
    with Index(home) as index:
        assert index.runs() == before
        assert [end.status for end in index.trend(["ok[i=0]"])] == [PASS, FAIL]


def test_the_index_follows_its_folders(tmp_path):
    home = kept(tmp_path, night(0, PASS), night(1, FAIL, complete=False))
    with Index(home) as index:
        assert [run.complete for run in index.runs()] == [True, False]
    kept(home, night(1, PASS, PASS))
    (home / night(0).run.id / "run.json").unlink()
    with Index(home) as index:
        assert [(run.complete, run.counts) for run in index.runs()] == [(True, {"pass": 2})]


def test_a_run_that_is_still_writing_is_left_alone(tmp_path):
    home = kept(tmp_path, night(0, PASS), night(1, FAIL))
    with Index(home) as index:
        assert len(index.runs()) == 2
    kept(home, night(1, PASS, PASS))
    (home / night(0).run.id / "results.jsonl").touch()
    with Index(home, unfinished=night(1).run.id) as index:
        assert [run.counts for run in index.runs()] == [{"pass": 1}, {"fail": 1}]
    with Index(home) as index:
        assert [run.counts for run in index.runs()] == [{"pass": 1}, {"pass": 2}]


def test_a_run_that_cannot_be_read_is_not_read_again_until_it_changes(tmp_path, monkeypatch):
    home = kept(tmp_path, night(0, PASS), night(1, FAIL))
    results = home / night(1).run.id / "results.jsonl"
    whole = results.read_bytes()
    results.write_bytes(whole.replace(b'"status"', b'"statos"'))
    with Index(home) as index:
        assert len(index.runs()) == 1
    with monkeypatch.context() as patched:
        patched.setattr(report, "read", lambda folder, **_: pytest.fail(f"{folder} was read again"))
        with Index(home) as index:
            assert len(index.runs()) == 1
    results.write_bytes(whole)
    os.utime(results, ns=(1, 1))
    with Index(home) as index:
        assert len(index.runs()) == 2
    shutil.rmtree(results.parent)
    with Index(home) as index:
        assert len(index.runs()) == 1


def test_another_version_reads_what_this_one_could_not(tmp_path, monkeypatch):
    home = kept(tmp_path, night(0, PASS))

    def refused(folder, **how):
        raise report.OutputError("of a newer version")

    with monkeypatch.context() as patched:
        patched.setattr(report, "read", refused)
        with Index(home) as index:
            assert index.runs() == []
    with Index(home) as index:
        assert index.runs() == []
    monkeypatch.setattr(history_index, "__version__", "newer")
    with Index(home) as index:
        assert len(index.runs()) == 1


def test_a_run_that_the_disk_did_not_give_is_asked_for_again(tmp_path, monkeypatch):
    home = kept(tmp_path, night(0, PASS))

    def away(folder, **how):
        raise report.OutputError("cannot read it") from OSError("the network is down")

    with monkeypatch.context() as patched:
        patched.setattr(report, "read", away)
        with Index(home) as index:
            assert index.runs() == []
    with Index(home) as index:
        assert len(index.runs()) == 1


def test_the_index_gives_whole_runs(tmp_path):
    home = kept(tmp_path, night(0, PASS), night(1, FAIL))
    with Index(home) as index:
        found = [index.audit(night(i).run.id).results[0].verdict.status for i in range(2)]
    assert found == [PASS, FAIL]


def test_of_a_large_baseline_a_run_of_a_few_cases_reads_these(tmp_path, monkeypatch):
    ends = [verdict(PASS, name=f"ok[i={i}]") for i in range(3)]
    home = kept(tmp_path, night(0, *ends))
    asked = []
    read = report.read
    monkeypatch.setattr(report, "read", lambda folder, **how: asked.append(how) or read(folder, **how))
    whole, part = night(1, *ends), night(1, ends[1], whole=False)
    for audit, only in ((whole, None), (part, {result.case.id for result in part.results})):
        changes = {case.id: case.change for case in looked_back(audit, home).cases}
        assert changes == {result.case.id: "same" for result in audit.results}
        assert asked[-1]["only"] == only


def test_a_run_that_is_remembered_is_not_read_and_is_known_as_one_that_was(tmp_path):
    audits = night(0, PASS, verdict(FAIL, ratio=7.0, text="1")), night(1, FAIL, complete=False)
    home = kept(tmp_path / "read", *audits)
    with Index(home) as index:
        read = repr((index.runs(), index.ends_in([audit.run.id for audit in audits])))  # NaN equals itself only so
    home = kept(tmp_path / "remembered", *audits)
    for audit in audits:
        remember(audit, home / audit.run.id)
    for audit in audits:  # whoever reads them now will not find them
        file = home / audit.run.id / "results.jsonl"
        moment = file.stat().st_mtime_ns
        file.write_bytes(b" " * file.stat().st_size)
        os.utime(file, ns=(moment, moment))
    with Index(home) as index:
        assert repr((index.runs(), index.ends_in([audit.run.id for audit in audits]))) == read


def test_a_run_that_is_written_to_after_it_was_remembered_is_read_again(tmp_path):
    home = kept(tmp_path, night(0, FAIL, complete=False))
    remember(night(0, FAIL, complete=False), home / night(0).run.id)
    kept(home, night(0, FAIL, PASS))
    with Index(home) as index:
        assert [run.counts for run in index.runs()] == [{"fail": 1, "pass": 1}]


def test_what_cannot_be_remembered_stops_nothing(tmp_path):
    remember(night(0, PASS), tmp_path / "none" / "run")
    assert not (tmp_path / "none").exists()


def test_a_run_that_cannot_be_read_is_left_out(tmp_path):
    home = kept(tmp_path, night(0, PASS), night(1, PASS))
    (home / night(1).run.id / "results.jsonl").write_text("no results\n")
    with Index(home) as index:
        assert [run.id for run in index.runs()] == [night(0).run.id]


def test_an_end_in_words_that_this_version_does_not_know_is_shown_as_it_was(tmp_path):
    home = kept(tmp_path, night(0, FAIL))
    with Index(home):
        pass
    with sqlite3.connect(home / NAME) as database:
        database.execute("UPDATE ends SET diagnosis = 'word of an older version'")
    database.close()
    with Index(home) as index:
        assert [end.diagnosis for end in index.trend(["ok[i=0]"])] == ["word of an older version"]
    assert [end.status for end in looked_back(night(1, PASS), home).cases[0].ends] == [FAIL]


def test_a_folder_that_does_not_exist_has_no_history(tmp_path):
    history = looked_back(night(0, PASS), tmp_path / "none")
    assert (history.baseline, history.runs, history.cases[0].ends) == (None, (), ())
    assert not (tmp_path / "none").exists()


def test_many_at_once_do_not_harm_the_index(tmp_path):
    home = kept(tmp_path, *(night(i, PASS, FAIL) for i in range(20)))

    def look(number: int) -> int:
        if number % 3 == 0:
            kept(home, night(20 + number, PASS, FAIL))
        with Index(home) as index:
            return len(index.runs())

    with ThreadPoolExecutor(8) as pool:
        assert all(count >= 20 for count in pool.map(look, range(24)))
    code = (
        f"from gradaudit.history import Index; from pathlib import Path; print(len(Index(Path({str(home)!r})).runs()))"
    )
    (home / NAME).unlink()
    others = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert [other.communicate()[0] for other in others] == ["28\n"] * 4


def test_pruning_keeps_what_is_young_and_the_baseline(tmp_path):
    home = kept(tmp_path, *(night(i, PASS) for i in range(5)), night(5, PASS, complete=False))
    now = datetime(2026, 1, 6, 1, tzinfo=UTC)
    gone = prune(home, keep=timedelta(days=3), now=now)
    assert [run.id for run in gone] == [night(i).run.id for i in range(3)]
    assert sorted(p.name for p in home.iterdir() if p.is_dir()) == [night(i).run.id for i in (3, 4, 5)]
    prune(home, keep=timedelta(0), now=now)
    assert [p.name for p in home.iterdir() if p.is_dir()] == [night(4).run.id]


def test_pruning_keeps_the_whole_run_that_later_ones_are_compared_with_though_a_part_ran_since(tmp_path):
    home = kept(tmp_path, night(0, PASS), night(1, PASS, whole=False), night(2, PASS, complete=False))
    prune(home, keep=timedelta(0), now=datetime(2027, 1, 1, tzinfo=UTC))
    assert [p.name for p in home.iterdir() if p.is_dir()] == [night(0).run.id]
    assert looked_back(night(3, PASS), home).baseline == night(0).run


def test_pruning_leaves_a_run_alone_that_is_still_going_on(tmp_path):
    home = kept(tmp_path, night(0, PASS), night(1, PASS))
    going_on = night(0).run
    with ResultsFile.resume(home / going_on.id / "results.jsonl", going_on, planned([a_case("ok", 0)])):
        assert prune(home, keep=timedelta(0), now=datetime(2027, 1, 1, tzinfo=UTC)) == []
    (gone,) = prune(home, keep=timedelta(0), now=datetime(2027, 1, 1, tzinfo=UTC))
    assert gone.id == going_on.id


def test_a_folder_that_cannot_be_deleted_is_not_said_to_be(tmp_path, monkeypatch):
    home = kept(tmp_path, night(0, PASS), night(1, PASS))
    monkeypatch.setattr("shutil.rmtree", lambda folder, ignore_errors: None)
    assert prune(home, keep=timedelta(0), now=datetime(2027, 1, 1, tzinfo=UTC)) == []


def test_another_seed_changes_errors_by_chance_and_is_no_news():
    before, after = night(0, verdict(ratio=0.01)), night(1, verdict(ratio=0.9))
    assert compared(after, before).cases[0].change is Change.WORSE
    assert compared(night(1, verdict(ratio=0.9), seed=1), before).cases[0].change is Change.SAME
    assert compared(night(1, FAIL, seed=1), before).cases[0].change is Change.NEW


def test_errors_are_compared_where_the_case_has_its_seed_whatever_seeds_ran_beside_it():
    # 'run a.yaml b.yaml': each file may have a seed of its own
    before, after = night(0, verdict(ratio=0.01)), night(1, verdict(ratio=0.9))
    for seeds in (7, (RUN.seed, 7)):
        beside = replace(after, run=replace(after.run, seed=seeds))
        assert compared(beside, before).cases[0].change is Change.WORSE
    another = night(1, verdict(ratio=0.9), seed=1)
    hidden = replace(another, run=replace(another.run, seed=RUN.seed))
    assert compared(hidden, before).cases[0].change is Change.SAME
