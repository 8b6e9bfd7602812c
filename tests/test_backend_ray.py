"""The ray backend: the same verdicts as without a cluster, whatever becomes of its workers."""

import contextlib
import importlib
import itertools
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from clusters import (
    MINE,
    ONLY_WITH_HERE,
    STATUSES,
    SUITE,
    ends_at_ctrl_c,
    none_waits_for_one_that_hangs,
    other_versions,
    stored,
    timeless,
    write_suite,
)
from processes import environment, family, wait_until
from stand_in import AUDIT, a_case

from gradaudit import backends, cli, report
from gradaudit.isolation.processes import is_gone
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.verdict import Status, Verdict
from gradaudit.running import runner

ray = pytest.importorskip("ray", reason="the ray backend needs ray: pip install 'gradaudit[ray]'")

#: ray warns of what it will do with GPUs one day, and leaves sockets to the end of the process
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::ResourceWarning")

TOKEN = secrets.token_hex(32)


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    return write_suite()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A cluster that was there before, with two cores."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with a_node("--head", "--port", str(port), "--include-dashboard", "false", cores=2):
        assert wait_until(lambda: _takes_us(f"127.0.0.1:{port}"), limit=90)
        yield f"127.0.0.1:{port}"


@contextlib.contextmanager
def a_node(*options: str, cores: int, folder: str = "") -> Iterator[None]:
    """A node in processes of its own, whose workers import from ``folder`` first."""
    command = [sys.executable, "-m", "ray.scripts.scripts", "start", *options, "--num-cpus", str(cores), "--block"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    path = os.pathsep.join([folder, *sys.path])
    process = subprocess.Popen(command, env=shared(PYTHONPATH=path), **quiet)
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)


def _takes_us(address: str) -> bool:
    # it listens long before it has a node that takes drivers
    command = [sys.executable, "-c", f"import ray; ray.init({address!r}, log_to_driver=False)"]
    return subprocess.run(command, capture_output=True, env=shared()).returncode == 0


def shared(**more: str) -> dict[str, str]:
    """The environment of a process that shares with the cluster of these tests a token of their own."""
    return environment(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=TOKEN, **more)


def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own: ray reads its token once in a process."""
    command = [sys.executable, "-m", "gradaudit", "run", *arguments]
    return subprocess.run(command, env=shared(**more), capture_output=True, text=True)


def test_a_run_on_a_cluster_is_bit_identical_to_one_on_this_machine(suite: str, address: str):
    here = runner.run(suite, jobs=1)
    done = run(suite, "--backend", "ray", "--scheduler", address)
    assert done.returncode == 1, done.stderr
    (home,) = {file.parent for file in Path("reports").rglob("results.jsonl")} - {runner.run_folder(here.run)}
    there = report.read(home)
    for one, other in zip(here.results, there.results, strict=True):
        if one.case.name != "dying":  # its message says after how many seconds
            assert timeless(other.verdict) == timeless(one.verdict)
    assert [str(result.verdict.status) for result in there.results] == STATUSES


def test_a_worker_that_is_killed_in_the_middle_changes_no_verdict():
    cases = [a_case("slow", i, timeout=60.0) for i in range(40)]
    alone = dict(backends.run(cases, audit=AUDIT))
    found: dict[int, Verdict] = {}
    for index, verdict in backends.run(cases, backend="ray", jobs=2, audit=AUDIT):
        found[index] = verdict
        if len(found) == 5:
            os.kill(a_worker_of(os.getpid()), signal.SIGKILL)
    assert [timeless(found[index]) for index in range(40)] == [timeless(alone[index]) for index in range(40)]


def test_a_worker_that_freezes_in_the_middle_is_ended_and_changes_no_verdict(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("gradaudit.backends._ray_pulse.SILENCE", 6.0)
    cases = [a_case("slow", i, timeout=60.0) for i in range(40)]
    found: dict[int, Verdict] = {}
    frozen = 0
    for index, verdict in backends.run(cases, backend="ray", jobs=2, audit=AUDIT):
        found[index] = verdict
        if len(found) == 5:
            frozen = a_worker_of(os.getpid())
            os.kill(frozen, signal.SIGSTOP)
    assert {verdict.status for verdict in found.values()} == {Status.PASS}
    assert len(found) == 40
    assert is_gone(frozen)


def a_worker_of(process: int) -> int:
    for one in family(process):
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


def test_a_call_that_cannot_be_made_ends_the_run(monkeypatch: pytest.MonkeyPatch):
    def broken(self) -> dict[str, object]:
        if next(calls) > 6:
            raise RuntimeError("planted")
        return {}

    calls = itertools.count()
    nodes = importlib.import_module("gradaudit.backends._ray_nodes")
    monkeypatch.setattr(nodes.Nodes, "options", broken)
    cases = [a_case("slow", i) for i in range(40)]
    with pytest.raises(backends.BackendLost, match="takes no case: RuntimeError: planted"):
        list(backends.run(cases, backend="ray", jobs=2, audit=AUDIT))


def test_limits_on_memory_and_retries_reach_the_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)  # where a case notes that it was tried
    cases = [a_case("ok", 0), a_case("eats", 1), a_case("exits", 2)]
    found = dict(backends.run(cases, backend="ray", jobs=2, audit=AUDIT, max_memory=600_000_000, retries=1))
    assert [found[index].diagnosis for index in range(3)] == [None, Diagnosis.MEMORY, Diagnosis.DIED]
    assert found[2].notes == ("2 attempts, same",)


def test_no_verdict_waits_for_a_case_that_hangs():
    none_waits_for_one_that_hangs(backend="ray", jobs=2)


def test_ctrl_c_on_a_local_cluster_keeps_what_had_finished_and_leaves_no_process(suite: str):
    ends_at_ctrl_c(suite, backend="ray")


@pytest.mark.parametrize("address", ["127.0.0.1:9", "nonsense", "host:port", "127.0.0.1:99999"])
def test_a_cluster_that_cannot_be_reached_is_refused_with_its_address_and_the_fix(suite: str, address: str, capsys):
    assert cli.invoke(["run", suite, "--backend", "ray", "--scheduler", address]) == 2
    said = capsys.readouterr().err
    assert f"no ray cluster answers at {address}: " in said
    assert said.rstrip().endswith("start: ray start --head")
    assert not Path("reports").exists()


def test_a_node_that_cannot_import_a_module_of_the_suite_is_named_before_the_first_case(suite: str, address: str):
    Path("mine.py").write_text(MINE + ONLY_WITH_HERE)
    done = run(suite, "--backend", "ray", "--scheduler", address, HERE="yes")  # the cluster was there before
    assert done.returncode == 2
    assert re.search(r"node \S+ cannot import what right\[n=1\] names: .*planted", done.stderr)
    assert not Path("reports").exists()


def test_a_node_with_another_numpy_is_named_before_the_first_case(suite: str, address: str, tmp_path: Path):
    with a_node("--address", address, cores=1, folder=other_versions(tmp_path, numpy="1.2.3")):
        assert wait_until(lambda: "1.2.3" in run(suite, "--backend", "ray", "--scheduler", address).stderr, limit=60)
        done = run(suite, "--backend", "ray", "--scheduler", address)
    assert done.returncode == 2
    assert re.search(r"node \S+ has numpy 1\.2\.3, here is \S+; install there: numpy==", done.stderr)


def test_a_node_that_joins_later_with_another_numpy_gets_no_case_and_is_told_of(
    suite: str, address: str, tmp_path: Path
):
    Path("mine.py").write_text(f"import time\n{MINE.replace('def f(x): ', 'def f(x): time.sleep(0.02); ')}")
    cases = ", ".join(str(n) for n in range(1, 61))
    Path(suite).write_text(SUITE.replace("1, 2, 3, 4, 5, 6", cases))
    command = [sys.executable, "-m", "gradaudit", "run", suite, "--backend", "ray", "--scheduler", address]
    process = subprocess.Popen(command, env=shared(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert wait_until(lambda: stored() > 3, limit=60)
    with a_node("--address", address, cores=1, folder=other_versions(tmp_path, numpy="1.2.3")):
        _, said = process.communicate(timeout=200)
    assert process.returncode == 1, said
    assert len(re.findall(r"a node that joined later is not used: node \S+ has numpy 1\.2\.3, here is ", said)) == 1
