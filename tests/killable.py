"""A suite that takes a second or two, run in a session of its own: for tests that kill or interrupt it."""

import signal
import subprocess
import sys
from pathlib import Path

from processes import environment

MARK = "GA_CRASH_TEST"  #: in the environment of every process of a run

_started: list[subprocess.Popen[str]] = []

CASES = 13
MODULE = """\
import os, time
import numpy as np

def f(x):
    return float(np.sin(x).sum())

def right(x):
    time.sleep(0.05)
    return np.cos(x)

def wrong(x):
    return -np.cos(x)

def raises(x):
    raise ValueError("planted")

def dies(x):
    os.abort()
"""
SUITE = """\
version: 1
path: [.]
defaults: {timeout: 60s}
functions:
  - {name: right, function: "m:f", gradient: "m:right", inputs: {x: {shape: [n]}}, matrix: {n: [1, 2, 3, 4, 5, 6, 7]}}
  - {name: wrong, function: "m:f", gradient: "m:wrong", inputs: {x: {shape: [n]}}, matrix: {n: [1, 2, 3, 4]}}
  - {name: raises, function: "m:f", gradient: "m:raises", inputs: {x: {shape: [3]}}}
  - {name: dies, function: "m:f", gradient: "m:dies", inputs: {x: {shape: [3]}}}
"""


def start(folder: Path, *options: str, **how: object) -> subprocess.Popen[str]:
    """A run of the suite, in a session of its own."""
    command = [sys.executable, "-m", "gradaudit", "run", "suite.yaml", "-j", "2", "--format", "quiet", *options]
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment(**{MARK: str(folder)}),
        text=True,
        start_new_session=True,
        **{"stderr": subprocess.PIPE, "preexec_fn": hear_of_the_terminal, **how},
    )
    _started.append(process)
    return process


def hear_of_the_terminal() -> None:
    """As a shell starts it, also where the tests themselves run under nohup."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def end_all() -> None:
    """Leave no run behind, whatever became of the test that started it."""
    while _started:
        process = _started.pop()
        process.kill()  # harmless where it has ended
        process.wait()
        if process.stderr is not None:
            process.stderr.close()


def finish(folder: Path, *options: str) -> tuple[int, str]:
    """Exit status and stderr of a run that nobody kills."""
    process = start(folder, *options)
    _, said = process.communicate(timeout=120)
    return process.returncode, said


def a_suite(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "m.py").write_text(MODULE)
    (folder / "suite.yaml").write_text(SUITE)
    return folder


def homes(folder: Path) -> list[Path]:
    return [path.parent for path in (folder / "reports" / "suite").glob("*/results.jsonl")]
