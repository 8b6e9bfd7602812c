"""A run that is stopped, from outside or by its own doing, keeps what it has and says what finishes it."""

import fcntl
import json
import os
import pty
import resource
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from killable import CASES, a_suite, end_all, finish, hear_of_the_terminal, homes, start
from processes import environment

from gradaudit import report


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield a_suite(tmp_path / "suite")
    end_all()


def wait_for_lines(folder: Path, count: int) -> None:
    deadline = time.monotonic() + 60
    while not any((home / "results.jsonl").read_bytes().count(b"\n") >= count for home in homes(folder)):
        assert time.monotonic() < deadline
        time.sleep(0.005)


def interrupted(folder: Path, *options: str, number: int = signal.SIGINT) -> tuple[int, str]:
    """Exit status and stderr of a run that is sent a signal when a few cases have finished."""
    process = start(folder, *options)
    wait_for_lines(folder, 4)
    process.send_signal(number)
    _, said = process.communicate(timeout=30)
    return process.returncode, said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_line_that_an_interrupted_run_says_finishes_it(folder: Path, number: int):
    status, said = interrupted(folder, "--seed", "3", number=number)
    assert status == 130
    (home,) = homes(folder)
    assert (home / "report.html").exists()
    (line,) = [line for line in said.splitlines() if line.startswith("finish it with: gradaudit run suite.yaml")]
    status, said = finish(folder, *line.partition("--format quiet ")[2].split())
    assert status == 1, said
    assert report.read(home).run.complete
    assert len(report.read(home).results) == CASES


def test_a_terminal_that_goes_away_and_says_it_twice_leaves_reports_that_can_be_finished(folder: Path):
    def own_terminal() -> None:
        hear_of_the_terminal()
        fcntl.ioctl(1, termios.TIOCSCTTY, 0)  # from here on it hangs up on us

    ours, its = pty.openpty()
    process = start(folder, "--format", "full", stdout=its, preexec_fn=own_terminal, stderr=its)
    os.close(its)
    wait_for_lines(folder, 4)
    os.close(ours)
    process.send_signal(signal.SIGHUP)
    assert process.wait(timeout=30) == 130
    (home,) = homes(folder)
    assert (home / "report.html").exists()
    assert finish(folder, "--resume", home.name)[0] == 1
    assert len(report.read(home).results) == CASES


def test_a_run_under_nohup_outlives_its_terminal(folder: Path):
    def ignore() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    process = start(folder, preexec_fn=ignore)
    wait_for_lines(folder, 4)
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=60)
    (home,) = homes(folder)
    assert (process.returncode, report.read(home).run.complete) == (1, True)


def test_an_interrupt_while_a_class_is_being_made_ends_with_status_130(tmp_path: Path):
    (tmp_path / "interrupted.py").write_text(
        "import signal\nfrom gradaudit import cli\n\ndef invoke(_):\n    try:\n"
        "        exec('signal.raise_signal(signal.SIGINT)')  # as namedtuple and dataclass do\n"
        "    except KeyboardInterrupt:\n        return 130\n\ncli.invoke = invoke\ncli.main()\n"
    )
    found = subprocess.run([sys.executable, "-m", "interrupted"], cwd=tmp_path, env=environment(), check=False)
    assert found.returncode == 130


def test_a_second_interrupt_ends_at_once_and_keeps_the_results(folder: Path):
    process = start(folder)
    wait_for_lines(folder, 4)
    # one after the other as fast as they come: the first has no time to write a report
    process.send_signal(signal.SIGINT)
    while process.poll() is None:
        process.send_signal(signal.SIGINT)
        time.sleep(0.01)
    _, said = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in said
    status, said = finish(folder, "--resume")
    assert (status, " are there, " in said) == (1, True)


def test_a_file_that_cannot_grow_ends_the_run_with_status_3_and_harms_nothing(folder: Path):
    assert finish(folder, "--tag", "none")[0] == 4  # what is compiled or cached is so from now on

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    process = start(folder, preexec_fn=limit)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 3, said
    assert "results.jsonl: File too large; make room there, and try again; what had finished is kept" in said
    assert "Traceback" not in said
    (home,) = homes(folder)
    kept = report.read_stored(home / "results.jsonl")
    assert kept.results
    assert kept.damaged == ()
    status, said = finish(folder, "--resume")
    assert (status, f"{len(kept.results)} of {CASES} cases are there" in said) == (1, True)
    assert report.read(home).run.complete


def test_a_folder_that_cannot_be_written_is_refused_before_anything_is_measured(folder: Path):
    (folder / "reports").write_text("in the way")
    (folder / "m.py").write_text("raise SystemExit('imported')")
    status, said = finish(folder)
    assert status == 2
    assert "cannot write reports/suite/2" in said
    assert "results.jsonl: Not a directory; make it writable, or run in another folder" in said


def test_fail_fast_stops_at_the_first_unexpected_case_and_says_how_to_go_on(folder: Path):
    status, said = finish(folder, "--fail-fast", "-j", "1")
    assert status == 1
    assert "stopped after the first case that is not as expected; what had finished is kept" in said
    (home,) = homes(folder)
    audit = report.read(home)
    assert [result.verdict.status.value for result in audit.results] == ["pass"] * 7 + ["fail"]
    assert f"--resume {audit.run.id}" in said
    assert finish(folder, "--resume", audit.run.id)[0] == 1
    assert len(report.read(home).results) == CASES


def test_a_second_run_into_the_same_folder_is_refused_while_the_first_goes_on(folder: Path):
    first = start(folder)
    wait_for_lines(folder, 1)
    first.send_signal(signal.SIGSTOP)  # the other must not find it at its end
    status, said = finish(folder, "--resume")
    first.send_signal(signal.SIGCONT)
    first.communicate(timeout=60)
    assert status == 2
    assert "another run is writing it; wait for its end, or stop it" in said
    (home,) = homes(folder)
    assert report.read(home).run.complete


def test_shards_on_three_machines_merge_into_the_run_of_one(folder: Path):
    for index in (1, 2, 3):
        finish(folder, "--shard", f"{index}/3")
    shards = list(map(str, homes(folder)))  # in no order: two that began in the same second are told apart by chance
    assert {json.loads(Path(one, "run.json").read_text())["run"]["shard"]["index"] for one in shards} == {1, 2, 3}
    command = [sys.executable, "-m", "gradaudit", "report", *shards, "--format", "concise"]
    found = subprocess.run(command, cwd=folder, text=True, capture_output=True, check=False)
    assert found.returncode == 1, found.stderr
    assert found.stdout.endswith("7 of 13 pass; 4 fail, 1 error, 1 crash\n")
