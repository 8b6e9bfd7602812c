"""``gradaudit doctor`` tells what works, what is missing and how to get it, and exits with 3 where no run can work."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from gradaudit import cli, libraries
from gradaudit.commands import _examination
from gradaudit.commands._examination import Finding, State
from gradaudit.isolation import memory
from gradaudit.suite.shelves import parts


def examined(folder: Path = Path("reports"), *, terminal: io.TextIOWrapper | None = None) -> dict[str, Finding]:
    stream = terminal or io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    return {finding.subject: finding for finding in _examination.examine(reports=folder, terminal=stream)}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves out the slow look."""
    monkeypatch.setattr(_examination, "_worker", lambda: iter(()))


def test_a_machine_on_which_runs_work_exits_0_and_says_so(here, capsys):
    assert cli.invoke(["doctor"]) == 0
    said, complaints = capsys.readouterr()
    assert "ok    worker" in said
    assert "audited sin, in " in said
    assert said.splitlines()[-1].startswith("runs work here; ")
    assert complaints == ""
    assert not list(here.iterdir())  # it leaves nothing


def test_every_engine_and_cluster_is_told_with_its_version_or_the_line_that_installs_it(here, no_worker):
    found = examined()
    for subject in (*(f"engine {engine}" for engine in parts("engines")), "backend dask", "backend ray"):
        finding, name = found[subject], subject.split()[1]
        if finding.state is State.OK:
            assert finding.said == "comes with gradaudit" or finding.said[0].isdigit()
        else:
            assert finding.fix == f"pip install 'gradaudit[{name}]'"


def test_a_missing_framework_is_a_warning(here, no_worker, monkeypatch):
    monkeypatch.setattr(libraries, "find_spec", lambda name: None)
    finding = examined()["engine torch"]
    assert finding == Finding(
        "engine torch", State.WARN, "engine 'torch' needs PyTorch", "pip install 'gradaudit[torch]'"
    )


def test_reports_that_cannot_be_written_are_a_failure_with_the_fix_and_exit_3(here, no_worker, monkeypatch, capsys):
    def refuse(**options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(_examination.tempfile, "NamedTemporaryFile", refuse)
    assert cli.invoke(["doctor"]) == 3
    said = capsys.readouterr().out
    assert f"reports cannot be written: Permission denied; make {here} writable" in said
    assert said.splitlines()[-1] == "no run can work here: reports"


def test_a_worker_that_does_not_start_is_a_failure_with_what_it_said(here, monkeypatch):
    monkeypatch.setattr("gradaudit.backends.run", _broken)
    finding = examined()["worker"]
    assert finding.state is State.FAIL
    assert "no worker process starts: it said: planted" in finding.said


def _broken(*_: object, **__: object) -> None:
    raise RuntimeError("it said: planted")


def test_a_package_that_is_missing_is_a_failure(here, no_worker, monkeypatch):
    monkeypatch.setattr(_examination, "PACKAGES", ("numpy", "no-such-package"))
    assert examined()["packages"] == Finding(
        "packages", State.FAIL, "not installed: no-such-package", "pip install gradaudit"
    )


def test_what_cannot_even_be_looked_at_is_a_failure_and_the_rest_is_told(here, no_worker, monkeypatch):
    monkeypatch.setattr(_examination, "_numba", _broken)
    found = examined()
    assert found["numba"] == Finding("numba", State.FAIL, "looking at it raised RuntimeError: it said: planted")
    assert found["terminal"].state is State.OK


def test_a_system_that_tells_no_memory_and_has_no_git_is_warned_of(here, no_worker, monkeypatch):
    monkeypatch.setattr(memory, "resident", lambda process: 0)
    monkeypatch.setattr(_examination.shutil, "which", lambda name: None)
    found = examined()
    assert {found[subject].state for subject in ("memory limit", "git")} == {State.WARN}
    assert "--max-memory has no effect" in found["memory limit"].said


def test_a_terminal_without_unicode_is_warned_of(here, no_worker):
    found = examined(terminal=io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    assert found["terminal"].state is State.WARN
    assert "PYTHONIOENCODING=utf-8" in found["terminal"].fix


def test_json_holds_every_finding(here, no_worker, capsys):
    assert cli.invoke(["doctor", "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["format"], told["kind"]) == (1, "gradaudit doctor")
    assert {finding["subject"] for finding in told["findings"]} >= {"python", "numba cache", "reports"}
    assert {frozenset(finding) for finding in told["findings"]} == {frozenset({"subject", "state", "said", "fix"})}


def test_it_imports_no_framework():
    code = (
        "import sys; from gradaudit import cli; cli.invoke(['doctor', '--format', 'json'])\n"
        "print(sorted({'torch', 'jax', 'autograd', 'dask', 'distributed', 'ray'} & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.splitlines()[-1] == "[]"
