"""The command line: what it says where, and its exit status."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from processes import environment
from stand_in import AUDIT, a_case

from gradaudit import commands, terminal
from gradaudit.commands import _progress
from gradaudit.commands._speech import STYLES
from gradaudit.commands._status import exit_status
from gradaudit.history import compared
from gradaudit.isolation import keeper
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.verdict import Status, Verdict
from gradaudit.plan.case import Expectation, Source
from gradaudit.running.record import Audit, Result
from gradaudit.running.runner import Progress, describe

SUITE = """\
version: 1
functions:
  - name: ok
    function: m:f
    gradient: m:g
    inputs: {x: {shape: [n]}}
    matrix: {n: [1, 2]}
    tags: [fast]
  - {name: raises, function: "m:f", gradient: "m:g", inputs: {x: {shape: [3]}}}
"""


@pytest.fixture
def suite(stood_in: Path) -> str:
    """A suite in the current folder, audited by the stand-in."""
    (stood_in / "suite.yaml").write_text(SUITE)
    return "suite.yaml"


def verdicts(*given: Verdict, place: str = "suite.yaml:3:5") -> Audit:
    results = tuple(Result(a_case("ok", i, place=place), verdict) for i, verdict in enumerate(given))
    return Audit(describe("s", files=["suite.yaml"], seed=0, arguments=()), results)


# run


def test_a_run_in_which_all_is_as_expected_exits_0_and_says_so_on_stdout_alone(suite, say):
    status, out, err = say("run", suite, "--tag", "fast", "-j", "1")
    assert (status, out) == (0, "2 of 2 pass\n")
    assert "2 of 2 cases" in err
    assert "report: reports/suite/" in err


def test_a_failure_exits_1_and_shows_the_case_its_traceback_and_its_place(suite, say):
    status, out, _ = say("run", suite, "-j", "1")
    assert status == 1
    assert "ERROR raises" in out
    assert "ValueError: planted" in out
    assert "suite.yaml:9:5" in out
    assert "again: gradaudit run suite.yaml --id raises" in out
    assert out.endswith("2 of 3 pass; 1 error\n")


def test_a_traceback_is_shown_once_and_not_at_all_where_the_message_says_it():
    trace = 'Traceback (most recent call last):\n  File "m.py", line 1\nValueError: planted\n'
    raised = Verdict("", Status.ERROR, message="function raised ValueError: planted", traceback=trace)
    whole = terminal.full(verdicts(*(replace(raised, id=f"ok[i={i}]") for i in range(2))))
    assert whole.count('File "m.py"') == 1
    assert "      that of ok[i=0]" in whole
    assert "traceback" not in terminal.full(verdicts(replace(raised, traceback="ValueError: planted\n")))


def test_concise_is_a_line_a_case(suite, say):
    _, out, _ = say("run", suite, "-j", "1", "--format", "concise")
    assert [line[:12] for line in out.splitlines()] == ["ERROR raises", "2 of 3 pass;"]


def test_json_on_stdout_is_the_whole_audit(suite, say):
    _, out, _ = say("run", suite, "-j", "1", "--format", "json")
    assert [result["verdict"]["status"] for result in json.loads(out)["results"]] == ["pass", "pass", "error"]


def test_quiet_says_nothing_on_stdout(suite, say):
    status, out, _ = say("run", suite, "-j", "1", "--format", "quiet")
    assert (status, out) == (1, "")


def test_power_ends_with_the_table_of_planted_faults_and_names_what_contradicts_its_bound(suite, say, monkeypatch):
    monkeypatch.setattr(keeper, "WITH_POWER", "stand_in:audit_with_power")
    status, out, _ = say("run", suite, "--tag", "fast", "-j", "1", "--power")
    header, zero, sign, first, second, together, summary = out.splitlines()
    assert status == 0
    assert header == "planted fault        caught        missed     undecided  n.a."
    assert zero == "all zero          2 100.0 %     0   0.0 %     0   0.0 %     0"
    assert sign == "wrong sign        0   0.0 %     2 100.0 %     0   0.0 %     0"
    assert first == "MISSED ok[n=1]  wrong sign in gradient: 2.5 times what its bound says would fail, at d out/d x[0]"
    assert second.startswith("MISSED ok[n=2]")
    assert "2 were caught, 2 missed (2 against the bound of the pass), 0 undecided" in together
    assert summary == "2 of 2 pass"
    assert len(list(Path("reports").glob("suite/*/power.csv"))) == 1


def test_outputs_are_written_in_the_format_of_their_ending(suite, say):
    say("run", suite, "-j", "1", "-o", "a/out.junit.xml", "-o", "out.md")
    assert Path("a/out.junit.xml").read_text().startswith("<?xml")
    assert Path("out.md").exists()


def test_nothing_selected_exits_4_and_measures_nothing(suite, say):
    status, out, err = say("run", suite, "-k", "nothing")
    assert (status, out) == (4, "")
    assert err == "gradaudit: no case of suite.yaml is selected; 'gradaudit list suite.yaml' names the cases\n"
    assert not Path("reports").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "missing.yaml"), "missing.yaml"),
        (("run",), "Missing argument 'SUITE...'"),
        (("run", "suite.yaml", "--backend", "lokey"), "backend 'lokey' is not on the shelf; allowed: "),
        (("run", "suite.yaml", "-j", "0"), "'-j' / '--jobs': 0 is not in the range"),
        (("run", "suite.yaml", "-o", "out.pdf"), "out.pdf"),
        (("run", "suite.yaml", "--set", "h"), "--set h: a value is missing; write --set KEY=VALUE"),
        (("run", "suite.yaml", "--set", "hh=1"), "unknown key 'hh'"),
        (("run", "suite.yaml", "--timeout", "soon"), "soon"),
        (("run", "suite.yaml", "--profile", "pr"), "unknown profile 'pr'"),
        (("run", "suite.yaml", "--strickt"), "--strict"),
        (("run", "suite.yaml", "--junit-xml=out.xml"), "No such option '--junit-xml'; write -o report.junit.xml"),
        (("report", "latest", "--html", "out"), "No such option '--html'; write -o report.html"),
        (("list", "suite.yaml", "--html"), "No such option '--html'."),
        (("run", "suite.yaml", "-k", "a and"), "a word is missing"),
        (("rnu", "suite.yaml"), "no command 'rnu'; did you mean 'run'?"),
        (("list", "suite.yaml", "--show-config", "okk"), "no case has the id 'okk'"),
    ],
)
def test_a_mistake_of_use_exits_2_with_one_clear_message(suite, say, arguments, said: str):
    status, out, err = say(*arguments)
    assert (status, out) == (2, "")
    assert said in err
    assert "Traceback" not in err


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a folder that is in use may not be removed")
@pytest.mark.parametrize("command", ["run {suite}", "validate --imports {suite}", "init losses"])
def test_a_folder_that_was_removed_under_the_command_is_no_fault_of_ours(command: str, tmp_path: Path):
    suite, gone = tmp_path / "suite.yaml", tmp_path / "gone"
    suite.write_text(SUITE)
    gone.mkdir()
    line = f"rmdir {gone}; exec {sys.executable} -m gradaudit {command.format(suite=suite)}"
    done = subprocess.run(["sh", "-c", line], cwd=gone, env=environment(), capture_output=True, text=True, timeout=60)
    told = "gradaudit: the current folder is no longer there; change to one that is, and try again\n"
    assert (done.returncode, done.stderr) == (2, told)


def test_a_fault_of_ours_exits_3_with_a_traceback(suite, say, monkeypatch):
    monkeypatch.setattr("gradaudit.suite.load.load_suite", lambda *_, **__: 1 / 0)
    status, _, err = say("list", suite)
    assert status == 3
    assert "ZeroDivisionError" in err
    assert "a fault of the tool, not of your suite" in err


def test_a_backend_that_breaks_exits_3_with_what_had_finished(suite, say, monkeypatch):
    def breaking(many, alone, *, jobs):
        yield 0, Verdict("ok[n=1]", Status.PASS)
        raise OSError("no more processes")

    monkeypatch.setattr("gradaudit.backends.sequential.run", breaking)
    status, out, err = say("run", suite, "-j", "1")
    assert (status, out) == (3, "1 of 1 passes; the run did not finish\n")
    assert "broke after 1 cases: OSError: no more processes; what had finished is kept" in err


def test_inconclusive_cases_fail_only_where_strictness_is_asked_for():
    audit = verdicts(Verdict("a", Status.PASS), Verdict("b", Status.INCONCLUSIVE), Verdict("c", Status.XFAIL))
    assert exit_status(audit, strict=False) == 0
    assert exit_status(audit, strict=True) == 1


@pytest.mark.parametrize("status", [Status.FAIL, Status.ERROR, Status.TIMEOUT, Status.CRASH, Status.XPASS])
def test_everything_else_fails(status: Status):
    assert exit_status(verdicts(Verdict("a", status)), strict=False) == 1


# list, validate, schema


def test_list_shows_the_selected_ids_and_imports_nothing(suite, say):
    assert say("list", suite)[:2] == (0, "ok[n=1]\nok[n=2]\nraises\n")
    assert say("list", suite, "-k", "n=2")[:2] == (0, "ok[n=2]\n")
    assert "m" not in sys.modules


def test_list_as_json_names_each_case_and_its_place_on_the_axes(suite, say):
    listed = json.loads(say("list", suite, "--format", "json")[1])
    assert listed["cases"][0]["id"] == "ok[n=1]"
    assert listed["cases"][0]["axes"] == {"n": 1}


def test_list_as_json_holds_no_number_that_json_has_not(suite, say):
    Path(suite).write_text(SUITE.replace("{n: [1, 2]}", "{n: [1], scale: [.inf, -.inf, .nan]}"))
    listed = json.loads(say("list", suite, "--format", "json")[1], parse_constant=pytest.fail)
    assert [case["axes"]["scale"] for case in listed["cases"][:3]] == ["Infinity", "-Infinity", "NaN"]


def test_list_shows_where_each_setting_of_a_case_came_from(suite, say):
    _, out, _ = say("list", suite, "--set", "h=1e-4", "--show-config", "ok[n=1]")
    (line,) = [line for line in out.splitlines() if line.startswith("h ")]
    assert line.split() == ["h", "[0.0001]", "--set", "h"]


def test_what_no_setting_says_is_said_in_words_and_is_null_for_scripts(suite, say):
    _, out, _ = say("list", suite, "--show-config", "ok[n=1]")
    assert "null" not in out
    found = {line.split("  ")[0]: line for line in out.splitlines()}
    assert "chosen when the function is loaded" in found["engine"]
    assert "nobody" in found["owner"]
    _, out, _ = say("list", suite, "--show-config", "ok[n=1]", "--format", "json")
    (engine,) = [row for row in json.loads(out)["settings"] if row["key"] == "engine"]
    assert engine == {"key": "engine", "value": None, "origin": "built in"}


def test_validate_reports_every_problem_at_its_place_and_exits_2(suite, say):
    Path(suite).write_text(SUITE.replace("gradient: m:g\n", "gradeint: m:g\n").replace("[3]", "[-3]"))
    status, _, err = say("validate", suite)
    assert status == 2
    assert "suite.yaml:5:5: unknown key 'gradeint'" in err
    assert "suite.yaml:9:" in err


def test_validate_says_how_many_cases_are_in_order(suite, say):
    assert say("validate", suite) == (0, "suite.yaml: in order, 3 cases\n", "")


def test_validate_does_not_take_a_selection_of_nothing_for_success(suite, say):
    assert say("validate", suite, "--tag", "okk") == (4, "", "gradaudit: in order, but no case is selected\n")


@pytest.mark.parametrize("command", ["list", "validate"])
def test_an_id_that_no_case_has_is_told_with_the_nearest(suite, say, command):
    status, _, err = say(command, suite, "--id", "raise")
    assert (status, err.partition("no case")[2]) == (4, " has the id 'raise'; did you mean 'raises'?\n")


def test_validate_imports_only_when_asked_to(suite, say):
    status, out, _ = say("validate", suite, "--imports")
    assert status == 2
    assert out.startswith(
        "suite.yaml:4:15: m:f: no module named 'm'; is its folder listed under 'path:'?\n"
        "     4 |     function: m:f\n"
        "       |               ^\n"
    )


def test_validate_says_of_the_item_what_is_raised_by_an_import_of_it(suite, say):
    Path("m.py").write_text("1 / 0\n")
    _, out, _ = say("validate", suite, "--imports")
    headline, source, *_ = out.splitlines()
    assert headline == "suite.yaml:3:5: import raised ZeroDivisionError: division by zero"
    assert source == "     3 |   - name: ok"


def test_schema_is_json(say):
    status, out, _ = say("schema")
    assert status == 0
    assert json.loads(out)["title"] == "gradaudit suite"


# what is said


def test_no_text_of_a_user_steers_the_terminal():
    hostile = Verdict("a\x1b[2J", Status.ERROR, Diagnosis.RAISED, evidence="e\x1b]0;t\x07", printed="\x1b[31mred\u202e")
    for name in ("full", "concise", "github"):
        said = terminal.FORMATS[name](verdicts(hostile, place="s\x1b.yaml:1:1"))
        assert not any(character in said for character in "\x1b\x07\u202e")


def test_a_workflow_command_cannot_be_forged_by_a_message():
    hostile = Verdict("a", Status.FAIL, message="50%\n::error::forged")
    first, *rest = terminal.github(verdicts(hostile)).splitlines()
    assert first.startswith("::error file=suite.yaml,line=3,col=5,title=fail a::FAIL a  50%25")
    assert not any(line.startswith("::") for line in rest)


def test_the_styles_that_are_offered_are_those_that_exist():
    assert list(STYLES) == list(terminal.FORMATS)


def test_a_log_gets_a_line_at_both_ends_and_every_few_seconds(capsys):
    now = iter([0.0, 0.1, 1.0, 6.0, 7.0, 8.0])
    observe = _progress.counter_lines(sys.stderr, clock=lambda: next(now))
    for done in range(5):
        observe(Progress(done=done, total=4, tally={"pass": done - 1, "fail": 1} if done else {}))
    assert capsys.readouterr().err.splitlines() == [
        "0 of 4 cases, 0 s",
        "2 of 4 cases, 1 not as expected, 6 s",
        "4 of 4 cases, 1 not as expected, 8 s",
    ]


# in a process of its own


def started(*arguments: str, **options) -> subprocess.Popen[str]:
    code = (
        "import sys; from gradaudit import cli; from gradaudit.isolation import keeper\n"
        f"keeper.AUDIT = {AUDIT!r}; sys.argv[0] = 'gradaudit'; cli.main()"
    )
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(), **options
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("backend", ["sequential", "threading", "loky"])
def test_an_interrupt_exits_130_with_reports_and_the_line_that_finishes_it(suite, number, backend):
    hanging = '  - {name: hangs, function: "m:f", gradient: "m:g", inputs: {x: {shape: [3]}}}\n'
    Path(suite).write_text(SUITE + hanging)
    subprocess.run(["git", "init", "-q"], check=True)
    process = started("run", suite, "-j", "2", "--backend", backend, start_new_session=True)
    try:
        assert _wait_for_lines("reports/suite/*/results.jsonl", 4)
        os.killpg(process.pid, number) if number == signal.SIGINT else process.terminate()
        out, err = process.communicate(timeout=15)
    finally:
        process.kill()
    assert process.returncode == 130, err
    assert out.endswith("2 of 3 pass; 1 error; the run did not finish\n")
    assert f"finish it with: gradaudit run suite.yaml -j 2 --backend {backend} --resume 2" in err
    assert "Traceback" not in err
    (page,) = Path("reports").glob("suite/*/report.html")
    assert "raises" in page.read_text()


def _wait_for_lines(pattern: str, count: int) -> bool:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for file in Path().glob(pattern):
            if file.read_text().count("\n") >= count:
                return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("arguments", [("list", "suite.yaml"), ("--help",), ("schema",)])
def test_a_reader_that_leaves_early_is_no_fault(suite, arguments):
    process = started(*arguments)
    assert process.stdout is not None
    process.stdout.close()
    _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, "")


@pytest.mark.parametrize("name", commands.names())
def test_a_command_is_called_like_its_file_and_says_what_it_does(name):
    command = commands.part(name)
    assert command.name == name
    assert command.help


def test_the_help_cuts_no_description_on_a_terminal_of_eighty_columns(say, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    status, out, _ = say("--help")
    assert status == 0
    assert "..." not in out.partition("Commands:")[2]


@pytest.mark.parametrize("name", ["run", "list", "validate"])
def test_the_help_of_a_command_that_takes_suites_names_the_built_in_ones(say, name):
    status, out, _ = say(name, "--help")
    assert status == 0
    assert "builtin:suite" in out.rpartition("Options:")[2]


@pytest.mark.parametrize("asked", [["--help"], ["run", "--help"]])
def test_help_imports_click_the_command_line_and_nothing_else_that_takes_time(asked):
    # python -m benchmarks command has the time that this saves
    code = (
        f"import sys; before = set(sys.modules); from gradaudit import cli; cli.invoke({asked})\n"
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    answer = subprocess.run([sys.executable, "-c", f"import json; {code}"], capture_output=True, text=True, check=True)
    imported = json.loads(answer.stdout.splitlines()[-1])
    assert {name.partition(".")[0] for name in imported} - sys.stdlib_module_names == {"click", "gradaudit"}
    stages = {name.split(".")[1] for name in imported if name.startswith("gradaudit.")}
    assert stages == {"cli", "commands", "suite"}
    slow = {"asyncio", "concurrent", "email", "http", "logging", "multiprocessing", "sqlite3", "subprocess", "xml"}
    assert not slow & set(imported)


def test_a_step_of_github_actions_gets_the_summary(suite, say, monkeypatch):
    page = Path("summary.md")
    page.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    say("run", suite, "-j", "1")
    text = page.read_text()
    assert text.startswith("before\n<!-- gradaudit markdown")
    assert "2 of 3 pass; 1 error" in text
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "no/such/folder/summary.md")
    status, _, err = say("run", suite, "--tag", "fast", "-j", "1")
    assert status == 0
    assert "cannot write the step summary" in err


def test_github_is_pointed_at_the_claim_where_it_is_written_in_the_repository():
    sources = (Source("function", "m:f", "m.py", 3), Source("gradient", "m:g", "pkg/m.py", 9))
    shown = terminal.github(verdicts(Verdict("a", Status.FAIL, sources=sources)))
    assert "::error file=pkg/m.py,line=9,title=fail a::" in shown
    elsewhere = (Source("function", "scipy:f", "/usr/lib/scipy.py", 3),)
    shown = terminal.github(verdicts(Verdict("a", Status.FAIL, sources=elsewhere)))
    assert "::error file=suite.yaml,line=3,col=5,title=fail a::" in shown


def test_the_end_says_what_expires_soon_and_what_has_changed():
    soon = date.today() + timedelta(days=3)
    case = a_case("known", expect=Expectation("fail", "GH-1", soon))
    audit = Audit(
        describe("s", files=["s.yaml"], seed=0, arguments=()), (Result(case, Verdict(case.id, Status.XFAIL)),)
    )
    assert f"expires soon: known[i=0] is expected to fail until {soon} (GH-1)\n" in terminal.full(audit)
    later = replace(audit.results[0], case=replace(case, expect=Expectation("fail", "GH-1", soon + timedelta(days=30))))
    assert "expires soon" not in terminal.full(replace(audit, results=(later,)))
    lapsed = replace(audit.results[0], case=replace(case, expect=Expectation("fail", "GH-1", date(2020, 1, 1))))
    assert "expires soon" not in terminal.full(replace(audit, results=(lapsed,)))
    unexplained = replace(audit.results[0], case=replace(case, expect=Expectation("fail", "", soon)))
    assert f"until {soon}\n" in terminal.full(replace(audit, results=(unexplained,)))
    before, now = verdicts(Verdict("ok[i=0]", Status.FAIL)), verdicts(Verdict("ok[i=0]", Status.PASS))
    told = terminal.concise(replace(now, history=compared(now, before)))
    assert told.startswith(f"since {before.run.id}: 1 fixed\n1 of 1 passes")
    assert terminal.concise(replace(now, history=compared(now, now))).startswith("1 of 1 passes")


def test_without_a_command_the_help_is_shown_once(say):
    status, out, err = say()
    assert (status, out) == (2, "")
    assert err.startswith("Usage: gradaudit")
    assert err.count("Usage:") == 1
