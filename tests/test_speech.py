"""Where the command line speaks: streams that take no more, that nobody reads, or that were closed before it began."""

import io
import subprocess
import sys
from pathlib import Path

import pytest
from processes import environment

from gradaudit.commands import _progress
from gradaudit.commands._speech import takes_colour
from gradaudit.running.runner import Progress

SUITE = """\
version: 1
functions: [{function: "gradaudit.ops:sin", vjp: "gradaudit.ops:sin_vjp", inputs: {x: {shape: [2]}}}]
"""

pytestmark = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, as Linux has it")


def shell(line: str, folder: Path) -> tuple[int, str]:
    """Exit status and stderr of a line of the shell in which $G is the command."""
    (folder / "suite.yaml").write_text(SUITE)
    settings = {**environment(), "G": f"{sys.executable} -m gradaudit"}
    done = subprocess.run(["sh", "-c", line], cwd=folder, env=settings, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stderr


@pytest.mark.parametrize("command", ["list suite.yaml", "schema", "run --help"])
def test_results_that_a_full_disk_does_not_take_are_no_success_and_no_fault_of_ours(command, tmp_path):
    status, err = shell(f"$G {command} >/dev/full", tmp_path)
    assert status == 3
    assert "No space left on device" in err
    assert err.startswith("gradaudit: ")
    assert "Traceback" not in err


def test_a_run_whose_stdout_is_full_keeps_its_reports(tmp_path):
    status, err = shell("$G run suite.yaml -j 1 >/dev/full", tmp_path)
    assert (status, err.splitlines()[-1]) == (3, "gradaudit: cannot write to stdout: No space left on device")
    assert list(tmp_path.glob("reports/suite/*/report.html"))


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "2>/dev/full"])
def test_streams_that_nobody_reads_change_no_exit_status(closed, tmp_path):
    status, err = shell(f"$G run suite.yaml -j 1 {closed}", tmp_path)
    assert status == 0, err
    assert "Traceback" not in err


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("settings", "colour"),
    [
        ({}, True),
        ({"NO_COLOR": ""}, True),
        ({"NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
    ],
)
def test_colour_is_for_terminals_that_show_it_and_users_who_want_it(settings, colour, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert takes_colour(Terminal()) is colour
    assert not takes_colour(io.StringIO())
    assert not takes_colour(None)


def test_progress_tells_what_fails_a_run_from_what_is_undecided():
    log = io.StringIO()
    observe = _progress.counter_lines(log, clock=lambda: 0.0)
    observe(Progress(done=9, total=9, tally={"pass": 4, "xfail": 1, "inconclusive": 2, "fail": 1, "timeout": 1}))
    observe(Progress(done=2, total=2, tally={"pass": 1, "inconclusive": 1}))
    assert log.getvalue().splitlines() == [
        "9 of 9 cases, 2 not as expected, 2 inconclusive, 0 s",
        "2 of 2 cases, 1 inconclusive, 0 s",
    ]
