"""What tests of clusters share: a small suite, and runs that are started and must leave nothing at the end."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from processes import environment, family, wait_until
from stand_in import AUDIT, a_case

from gradaudit import backends
from gradaudit.isolation.processes import is_gone
from gradaudit.judge.verdict import Status, Verdict

SUITE = """\
version: 1
name: cluster
path: [.]
functions:
  - {name: right, function: "mine:f", gradient: "mine:g", inputs: {x: {shape: [n]}}, matrix: {n: [1, 2, 3, 4, 5, 6]}}
  - {name: wrong, function: "mine:f", gradient: "mine:h", inputs: {x: {shape: [4]}}}
  - {name: raising, function: "mine:f", gradient: "mine:raises", inputs: {x: {shape: [4]}}}
  - {name: nowhere, function: "mine:f", gradient: "mine:no_such", inputs: {x: {shape: [4]}}}
  - {name: dying, function: "mine:dies", gradient: "mine:g", inputs: {x: {shape: [4]}}}
"""

STATUSES = ["pass"] * 6 + ["fail", "error", "error", "crash"]

MINE = """\
import os
import numpy as np

def f(x): return float(np.sin(x).sum() + np.prod(x))
def g(x): return np.cos(x) + np.prod(x) / x
def h(x): return np.cos(x) - np.prod(x) / x
def raises(x): raise ValueError("planted")
def dies(x): os._exit(3)
"""

#: of a module that only processes can import which were started with it in their environment
ONLY_WITH_HERE = "if 'HERE' not in os.environ: raise ModuleNotFoundError('planted')\n"


def write_suite() -> str:
    """The suite and its module, in the current folder; its name."""
    Path("mine.py").write_text(MINE)
    Path("suite.yaml").write_text(SUITE)
    return "suite.yaml"


def timeless(verdict: Verdict) -> str:
    """All of it, to the last bit, but for the time that it took."""
    return repr(replace(verdict, measures=replace(verdict.measures, duration_s=0.0)))


@contextlib.contextmanager
def a_process(command: list[str], *, env: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """``python -m command``, killed at the end."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([sys.executable, "-m", *command], env=env, **quiet)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def other_versions(folder: Path, **versions: str) -> str:
    """A folder in ``folder`` that makes the first process to import from it have these versions of packages."""
    for package, version in versions.items():
        home = folder / "other" / f"{package}-{version}.dist-info"
        home.mkdir(parents=True)
        (home / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
    return str(folder / "other")


def none_waits_for_one_that_hangs(*, backend: str, **options: object) -> None:
    """Of many short cases and one that hangs, no verdict comes with that of the last, though cases share calls."""
    cases = [a_case("hangs" if i == 100 else "ok", i, timeout=5.0) for i in range(200)]
    came: dict[int, float] = {}
    for index, verdict in backends.run(cases, backend=backend, audit=AUDIT, **options):
        assert verdict.status is (Status.TIMEOUT if index == 100 else Status.PASS)
        came[index] = time.monotonic()
    assert sorted(came) == list(range(200))
    hung = came.pop(100)
    behind = [index for index, moment in came.items() if moment > hung]  # in the same call
    assert all(index > 100 for index in behind)
    assert not [index for index, moment in came.items() if hung - 1.5 < moment < hung]


def stored() -> int:
    """Lines of all results that are in the current folder."""
    return sum(file.read_text().count("\n") for file in Path("reports").rglob("results.jsonl"))


def ends_at_ctrl_c(suite: str, *, backend: str) -> None:
    """A run on a cluster of its own, interrupted in its last case, keeps what had finished and leaves no process."""
    Path("mine.py").write_text(MINE.replace("os._exit(3)", "__import__('time').sleep(1000)"))
    command = [sys.executable, "-m", "gradaudit", "run", suite, "--backend", backend, "-j", "2", "--format", "concise"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(command, env=environment(), start_new_session=True, text=True, **pipes)
    assert wait_until(lambda: stored() > 9, limit=90)
    started = family(process.pid)
    assert len(started) >= 2
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert wait_until(lambda: all(map(is_gone, started)))
