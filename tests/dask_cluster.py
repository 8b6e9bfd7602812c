"""dask clusters for tests, in this process and out of processes of their own that may be killed and frozen."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import clusters
import pytest
from processes import environment, family, wait_until
from stand_in import AUDIT

from gradaudit import backends
from gradaudit.judge.verdict import Verdict
from gradaudit.plan.case import Case

distributed = pytest.importorskip("distributed", reason="the dask backend needs dask: pip install 'gradaudit[dask]'")
dask = pytest.importorskip("dask")

LIMIT = 150  #: s for a test, on a busy machine

#: a busy machine needs more than dask's 15 s to start a worker again, and these tests no more than two that die
PATIENT = {"distributed.deploy.lost-worker-timeout": "1 day", "distributed.scheduler.allowed-failures": 1}


@contextlib.contextmanager
def a_cluster(*, processes: int = 2, threads: int = 1) -> Iterator[object]:
    with (
        dask.config.set(PATIENT),
        distributed.LocalCluster(
            n_workers=processes, threads_per_worker=threads, dashboard_address="127.0.0.1:0", silence_logs=50
        ) as cluster,
    ):
        yield cluster


@pytest.fixture(autouse=True)
def limited() -> Iterator[None]:
    """No test waits for ever, whatever dask does: it fails where it stands."""
    before = signal.signal(signal.SIGALRM, _has_taken_too_long)
    signal.alarm(LIMIT)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def _has_taken_too_long(*_: object) -> None:
    pytest.fail(f"the test has not ended within {LIMIT} s")


@pytest.fixture(scope="module")
def cluster() -> Iterator[object]:
    """One that lives as long as a file: no test of it harms it."""
    with a_cluster() as found:
        yield found


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    return clusters.write_suite()


def run(cases: list[Case], **options) -> list[Verdict]:
    found = dict(backends.run(cases, backend="dask", audit=AUDIT, **options))
    return [found[index] for index in range(len(cases))]


def processes_of(cluster: object) -> list[int]:
    with distributed.Client(cluster, set_as_default=False) as client:
        return list(client.run(os.getpid).values())


def children_of(cluster: object) -> list[int]:
    return [child for process in processes_of(cluster) for child in family(process)]


@contextlib.contextmanager
def a_scheduler(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A process of its own, and its address."""
    file = folder / "scheduler.json"
    options = ["--port", "0", "--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(file)]
    with clusters.a_process(["distributed.cli.dask_scheduler", *options], env=environment()) as process:
        assert wait_until(lambda: file.exists() and '"address"' in file.read_text(), limit=60)
        yield process, json.loads(file.read_text())["address"]


@contextlib.contextmanager
def a_worker(address: str, *, folder: str = "") -> Iterator[subprocess.Popen[bytes]]:
    """A worker in a process of its own, that imports from ``folder`` first."""
    command = ["distributed.cli.dask_worker", address, "--nthreads", "1", "--no-dashboard", "--no-nanny"]
    path = os.pathsep.join([folder, *sys.path])
    with clusters.a_process(command, env=environment(PYTHONPATH=path)) as process:
        yield process


def wait_for_workers(count: int, address: str) -> None:
    with distributed.Client(address, set_as_default=False) as client:
        client.wait_for_workers(count, timeout=60)
