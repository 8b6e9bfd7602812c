"""A run leaves its results, whatever becomes of it."""

import json
from datetime import date
from pathlib import Path

import pytest

from gradaudit import backends, report
from gradaudit.isolation import keeper
from gradaudit.judge.verdict import Status
from gradaudit.plan import Selection
from gradaudit.running import provenance, runner
from gradaudit.running.record import Audit, Change
from gradaudit.suite import SuiteError

SUITE = """\
version: 1
name: nightly
functions:
  - {name: ok, function: "m:f", gradient: "m:g", inputs: {x: {shape: [n]}}, matrix: {n: [1, 2]}}
  - {name: raises, function: "m:f", gradient: "m:g", inputs: {x: {shape: [3]}}, tags: [odd]}
  - {name: slow, function: "m:f", gradient: "m:g", inputs: {x: {shape: [3]}}}
"""


@pytest.fixture
def suite(stood_in: Path) -> str:
    """A suite in the current folder, audited by the stand-in."""
    (stood_in / "suite.yaml").write_text(SUITE)
    return "suite.yaml"


def statuses(audit: Audit) -> dict[str, str]:
    return {result.case.id: str(result.verdict.status) for result in audit.results}


EXPECTED = {"ok[n=1]": "pass", "ok[n=2]": "pass", "raises": "error", "slow": "pass"}


def test_a_run_leaves_its_audit_and_every_file_of_it(suite: str, tmp_path: Path):
    audit = runner.run(suite, jobs=2, outputs=[Path("more/out.csv")], arguments=("run", "suite.yaml"))
    assert statuses(audit) == EXPECTED
    assert audit.run.complete
    home = runner.run_folder(audit.run)
    assert home.parent == Path("reports/nightly")
    written = {path.name for path in home.iterdir()}
    assert written >= {"results.jsonl", "results.csv", "elements.csv", "curves.csv", "run.json", "report.html"}
    assert repr(report.read(home)) == repr(audit)
    assert json.loads((home.parent / "latest.json").read_text())["run"] == audit.run.id
    assert Path("more/out.csv").read_text() == (home / "results.csv").read_text()


def test_a_run_is_not_read_again_to_know_how_its_cases_ended(suite: str, monkeypatch):
    first = runner.run(suite, jobs=1)
    monkeypatch.setattr(report, "read", lambda folder, **_: pytest.fail(f"{folder} was read"))
    second = runner.run(suite, jobs=1, baseline=runner.NOTHING)
    assert second.history is not None
    assert [case.ends[0].status for case in second.history.cases] == [r.verdict.status for r in first.results]


@pytest.mark.parametrize("jobs", [1, 2])
def test_results_stand_in_plan_order_for_any_number_of_jobs(suite: str, jobs: int):
    assert list(statuses(runner.run(suite, jobs=jobs))) == list(EXPECTED)


def test_progress_is_told_once_before_and_once_after_each_case(suite: str):
    seen: list[runner.Progress] = []
    runner.run(suite, jobs=1, observe=seen.append)
    assert [(progress.done, progress.total) for progress in seen] == [(done, 4) for done in range(5)]
    assert seen[-1].tally == {"pass": 3, "error": 1}
    assert seen[0].tally == {}  # what was told does not change afterwards


def test_a_run_of_a_profile_that_leaves_cases_out_is_not_what_the_whole_suite_is_compared_with(suite: str):
    profiles = "profiles: {pr: {select: tag:odd}, long: {timeout: 10m}}\n"
    Path(suite).write_text(SUITE + profiles)
    nightly = runner.run(suite, jobs=1)
    assert not runner.run(suite, jobs=1, profile="pr").run.whole
    after = runner.run(suite, jobs=1, profile="long")
    assert after.run.whole
    assert after.history.baseline.id == nightly.run.id
    assert {case.change for case in after.history.cases} == {Change.SAME}


def test_an_id_that_only_the_profile_leaves_out_is_not_called_unknown(suite: str):
    Path(suite).write_text(SUITE + "profiles: {pr: {select: tag:odd}}\n")
    with pytest.raises(
        runner.NothingSelected, match=r"^no case of suite.yaml is selected; 'gradaudit list suite.yaml'"
    ):
        runner.run(suite, profile="pr", select=Selection(ids=("slow",), keyword="quick"))


def test_an_interrupted_run_keeps_and_reports_what_had_finished(suite: str):
    def interrupt(progress: runner.Progress) -> None:
        if progress.done == 2:
            raise KeyboardInterrupt

    with pytest.raises(runner.RunInterrupted) as stopped:
        runner.run(suite, jobs=1, observe=interrupt)
    audit = stopped.value.audit
    assert list(statuses(audit)) == ["ok[n=1]", "ok[n=2]"]
    assert not audit.run.complete
    assert repr(report.read(runner.run_folder(audit.run))) == repr(audit)


def test_a_backend_that_breaks_keeps_and_reports_what_had_finished(suite: str, monkeypatch):
    def breaking(many, alone, *, jobs):
        with keeper.Keeper() as one:
            yield 0, one.audit(many[0])
        raise OSError("no more processes")

    monkeypatch.setattr("gradaudit.backends.sequential.run", breaking)
    with pytest.raises(runner.RunBroken, match="broke after 1 cases: OSError: no more processes") as broken:
        runner.run(suite, jobs=1)
    assert repr(report.read(runner.run_folder(broken.value.audit.run))) == repr(broken.value.audit)


def test_a_report_that_cannot_be_written_breaks_the_run_and_keeps_the_results(suite: str, monkeypatch):
    monkeypatch.setattr(report, "write_all", lambda audit, folder: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(runner.RunBroken, match="disk full") as broken:
        runner.run(suite, jobs=1)
    assert statuses(broken.value.audit) == EXPECTED
    stored = report.read_stored(runner.run_folder(broken.value.audit.run) / "results.jsonl")
    assert len(stored.results) == 4


def test_an_output_that_cannot_be_written_costs_no_other(suite: str):
    def take_away(progress: runner.Progress) -> None:
        if progress.done == 4:
            Path("lost").rmdir()
            Path("lost").write_text("in the way")

    with pytest.raises(runner.RunBroken, match=r"cannot write lost/out\.csv") as broken:
        runner.run(suite, jobs=1, outputs=[Path("lost/out.csv"), Path("kept.csv")], observe=take_away)
    assert Path("kept.csv").exists()
    assert json.loads(Path("reports/nightly/latest.json").read_text())["complete"]
    assert repr(report.read(runner.run_folder(broken.value.audit.run)).results) == repr(broken.value.audit.results)


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"backend": "lokey"}, backends.BackendError, "'lokey'"),
        ({"outputs": [Path("out.pdf")]}, report.OutputError, "out.pdf"),
        ({"outputs": [Path("suite.yaml/out.csv")]}, report.OutputError, "cannot write"),
        ({"select": Selection(tags=("none",))}, runner.NothingSelected, "no case of suite.yaml is selected"),
        ({"select": Selection(ids=("slo",))}, runner.NothingSelected, "no case has the id 'slo'; did you mean 'slow'"),
        ({"select": Selection(ids=("zz",))}, runner.NothingSelected, "'zz'; 'gradaudit list suite.yaml' names the"),
        ({"overrides": {"hh": "1"}}, SuiteError, "unknown key 'hh'"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_measured(suite: str, options, error, said: str):
    with pytest.raises(error, match=said):
        runner.run(suite, **options)
    assert not Path("reports").exists()


def test_an_expectation_that_comes_true_is_xfail(suite: str):
    Path(suite).write_text(SUITE.replace("tags: [odd]", "expect: {status: error, reason: planted}"))
    assert statuses(runner.run(suite, jobs=1)) == {**EXPECTED, "raises": "xfail"}


def test_a_run_over_suites_with_several_seeds_records_those_of_its_cases(suite: str):
    entry = '{name: other, function: "m:f", gradient: "m:g", inputs: {x: {shape: [2]}}}'
    Path("other.yaml").write_text(f"version: 1\nseed: 8\nfunctions: [{entry}]\n")
    audit = runner.run([suite, "other.yaml"], jobs=1)
    assert audit.run.seed == (0, 8)
    home = runner.run_folder(audit.run)
    assert json.loads((home / "run.json").read_text())["run"]["seed"] == [0, 8]
    assert "seeds 0, 8" in (home / "report.html").read_text()
    assert report.read(home).run.seed == (0, 8)
    assert '<property name="seed" value="0, 8"' in report.formats()[".junit.xml"].render(audit)
    assert runner.run([suite, "other.yaml"], select=Selection(ids=("other",)), jobs=1).run.seed == 8
    assert runner.run([suite, "other.yaml"], overrides={"seed": 5}, jobs=1).run.seed == 5


def home_of(name: str) -> Path:
    return runner.run_folder(runner.describe(name, files=["s"], seed=0, arguments=()), Path("reports")).parent


def test_a_suites_name_cannot_lead_out_of_the_folder_of_reports():
    assert home_of("../../etc/passwd").parent == home_of("..").parent == Path("reports")
    assert home_of("../../etc/passwd").name.startswith("_.._etc_passwd-")
    assert home_of("..").name.startswith("suite-")


def test_suites_of_different_names_never_share_a_folder():
    names = ["a/b", "a?b", "a b", "a_b", ".a_b", "x" * 100, "x" * 101, "x" * 102, "", ".", "suite", "ä/b", "\ud800"]
    assert len({home_of(name) for name in names}) == len(names)
    assert home_of("nightly+a_b-2.0") == Path("reports/nightly+a_b-2.0")  # and the history of plain names stays


def test_a_run_says_where_it_was_made_without_naming_the_machine(monkeypatch, tmp_path):
    run = runner.describe("s", files=["s.yaml"], seed=3, arguments=("run", "s.yaml"))
    assert run.versions.keys() >= {"gradaudit", "python", "numpy"}
    assert int(run.machine["cores"]) >= 1
    assert run.started.startswith(str(date.today().year)[:2])
    monkeypatch.chdir(tmp_path)
    assert provenance.git() == {}


def test_imports_are_checked_once_a_target_and_evaluate_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text("def f(x): raise SystemExit\ng = f\nprint('imported')\n")
    Path("s.yaml").write_text(
        "version: 1\npath: [.]\nfunctions:\n"
        "  - {name: a, function: 'mine:f', gradient: 'mine:g', inputs: {x: {shape: [n]}}, matrix: {n: [1, 2]}}\n"
        "  - {name: b, function: 'mine:f', gradient: 'mine:h', inputs: {x: {shape: [1]}}}\n"
    )
    from gradaudit.plan import make_plan
    from gradaudit.suite import load_suite

    (result,) = runner.check_imports(make_plan(load_suite(["s.yaml"])))
    assert result.case.id == "b"
    assert result.verdict.status is Status.ERROR
    assert "mine:h" in result.verdict.message
