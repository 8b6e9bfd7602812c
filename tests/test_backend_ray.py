"""The ray backend: the same verdicts as without a cluster, whatever becomes of its workers."""

import contextlib
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from stand_in import AUDIT, a_case

from gradaudit import backends, cli, report, runner
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.verdict import Status, Verdict

ray = pytest.importorskip("ray", reason="the ray backend needs ray: pip install 'gradaudit[ray]'")

#: ray warns of what it will do with GPUs one day, and leaves sockets to the end of the process
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::ResourceWarning")

TOKEN = secrets.token_hex(32)

SUITE = """\
version: 1
name: cluster
path: [.]
functions:
  - {name: right, function: "mine:f", gradient: "mine:g", inputs: {x: {shape: [n]}}, matrix: {n: [1, 2, 3, 4]}}
  - {name: wrong, function: "mine:f", gradient: "mine:h", inputs: {x: {shape: [4]}}}
  - {name: nowhere, function: "mine:f", gradient: "mine:no_such", inputs: {x: {shape: [4]}}}
"""

MINE = """\
import os
import numpy as np

def f(x): return float(np.sin(x).sum() + np.prod(x))
def g(x): return np.cos(x) + np.prod(x) / x
def h(x): return np.cos(x) - np.prod(x) / x
"""


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(MINE)
    Path("suite.yaml").write_text(SUITE)
    return "suite.yaml"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A cluster that was there before, with two cores."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--head", "--port", str(port), "--num-cpus", "2", "--include-dashboard", "false", "--block"]
    process = subprocess.Popen(
        [sys.executable, "-m", "ray.scripts.scripts", "start", *options],
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert wait_until(lambda: _takes_us(f"127.0.0.1:{port}"), limit=90)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def _takes_us(address: str) -> bool:
    # it listens long before it has a node that takes drivers
    command = [sys.executable, "-c", f"import ray; ray.init({address!r}, log_to_driver=False)"]
    return subprocess.run(command, capture_output=True, env=environment()).returncode == 0


def environment(**more: str) -> dict[str, str]:
    """Of a process that imports what this one does, and shares with the cluster of these tests a token of their own."""
    path = os.pathsep.join(sys.path)
    return {**os.environ, "PYTHONPATH": path, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": TOKEN, **more}


def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own: ray reads its token once in a process."""
    command = [sys.executable, "-m", "gradaudit", "run", *arguments]
    return subprocess.run(command, env=environment(**more), capture_output=True, text=True)


def wait_until(true, *, limit: float = 20.0) -> bool:
    deadline = time.monotonic() + limit
    while not (found := true()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def descendants(process: int) -> list[int]:
    children = [
        int(child) for file in Path(f"/proc/{process}/task").glob("*/children") for child in file.read_text().split()
    ]
    return [*children, *(one for child in children for one in descendants(child))]


def is_alive(process: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    return False


def timeless(verdict: Verdict) -> str:
    return repr(replace(verdict, measures=replace(verdict.measures, duration_s=0.0)))


def test_a_run_on_a_cluster_is_bit_identical_to_one_on_this_machine(suite: str, address: str):
    here = runner.run(suite, jobs=1)
    done = run(suite, "--backend", "ray", "--scheduler", address)
    assert done.returncode == 1, done.stderr
    (home,) = {file.parent for file in Path("reports").rglob("results.jsonl")} - {runner.run_folder(here.run)}
    there = report.read(home)
    assert [timeless(result.verdict) for result in there.results] == [timeless(r.verdict) for r in here.results]
    assert [str(result.verdict.status) for result in there.results] == ["pass"] * 4 + ["fail", "error"]


def test_a_worker_that_is_killed_in_the_middle_changes_no_verdict():
    cases = [a_case("slow", i, timeout=60.0) for i in range(40)]
    alone = dict(backends.run(cases, audit=AUDIT))
    found: dict[int, Verdict] = {}
    for index, verdict in backends.run(cases, backend="ray", jobs=2, audit=AUDIT):
        found[index] = verdict
        if len(found) == 5:
            os.kill(a_worker_of(os.getpid()), signal.SIGKILL)
    assert [timeless(found[index]) for index in range(40)] == [timeless(alone[index]) for index in range(40)]


def a_worker_of(process: int) -> int:
    for one in descendants(process):
        with contextlib.suppress(OSError):
            if Path(f"/proc/{one}/cmdline").read_bytes().startswith(b"ray::audit"):
                return one
    raise LookupError("no worker is at work")


class EndsItsWorker:
    """Kills every worker that it is sent to."""

    def __reduce__(self):
        return os._exit, (1,)


def test_a_case_that_no_worker_survives_is_a_crash_and_its_neighbours_pass():
    deadly = a_case("ok", 2, place="s.yaml:3:5", tags=(EndsItsWorker(),))
    cases = [deadly if i == 2 else a_case("ok", i) for i in range(6)]
    found = dict(backends.run(cases, backend="ray", jobs=2, audit=AUDIT))
    statuses = [found[index].status for index in range(6)]
    assert statuses == [Status.PASS, Status.PASS, Status.CRASH, Status.PASS, Status.PASS, Status.PASS]
    assert found[2].diagnosis is Diagnosis.DIED
    assert found[2].message.startswith("s.yaml:3:5: its worker died 4 times with the case in hand, asked twice")


def test_limits_on_memory_and_retries_reach_the_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)  # where a case notes that it was tried
    cases = [a_case("ok", 0), a_case("eats", 1), a_case("exits", 2)]
    found = dict(backends.run(cases, backend="ray", jobs=2, audit=AUDIT, max_memory=600_000_000, retries=1))
    assert [found[index].diagnosis for index in range(3)] == [None, Diagnosis.MEMORY, Diagnosis.DIED]
    assert found[2].notes == ("2 attempts, same",)


def test_ctrl_c_on_a_local_cluster_keeps_what_had_finished_and_leaves_no_process(suite: str):
    hangs = "\ndef hangs(x):\n    import time\n    time.sleep(1000)\n"
    Path("mine.py").write_text(MINE + hangs)
    Path(suite).write_text(SUITE.replace('name: wrong, function: "mine:f"', 'name: wrong, function: "mine:hangs"'))
    command = [sys.executable, "-m", "gradaudit", "run", suite, "--backend", "ray", "-j", "2", "--format", "concise"]
    process = subprocess.Popen(
        command,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )

    def stored() -> int:
        return sum(file.read_text().count("\n") for file in Path("reports").rglob("results.jsonl"))

    assert wait_until(lambda: stored() > 5, limit=90)
    family = descendants(process.pid)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert wait_until(lambda: not any(map(is_alive, family)))


@pytest.mark.parametrize("address", ["127.0.0.1:9", "nonsense", "host:port", "127.0.0.1:99999"])
def test_a_cluster_that_cannot_be_reached_is_refused_with_its_address_and_the_fix(suite: str, address: str, capsys):
    assert cli.invoke(["run", suite, "--backend", "ray", "--scheduler", address]) == 2
    said = capsys.readouterr().err
    assert f"no ray cluster answers at {address}: " in said
    assert said.rstrip().endswith("start: ray start --head")
    assert not Path("reports").exists()


def test_a_node_that_cannot_import_a_module_of_the_suite_is_named_before_the_first_case(suite: str, address: str):
    Path("mine.py").write_text(f"{MINE}\nif 'HERE' not in os.environ: raise ModuleNotFoundError('planted')\n")
    done = run(suite, "--backend", "ray", "--scheduler", address, HERE="yes")  # the cluster was there before
    assert done.returncode == 2
    assert re.search(r"node \S+ cannot import what right\[n=1\] names: .*planted", done.stderr)
    assert not Path("reports").exists()
