"""The dask backend: the same verdicts from any number of processes, and no loss, hang or leftover where some die."""

import contextlib
import importlib
import itertools
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from stand_in import AUDIT, a_case

from gradaudit import backends, cli, runner
from gradaudit.backends import BackendError, BackendLost
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.verdict import Status, Verdict
from gradaudit.plan import make_plan
from gradaudit.plan.case import Case
from gradaudit.suite import load_suite

distributed = pytest.importorskip("distributed", reason="the dask backend needs dask: pip install 'gradaudit[dask]'")
dask = pytest.importorskip("dask")
psutil = pytest.importorskip("psutil")
watching = importlib.import_module("gradaudit.backends._dask_joblib")

LIMIT = 150  #: s for a test, on a busy machine

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

MINE = """\
import os
import numpy as np

def f(x): return float(np.sin(x).sum() + np.prod(x))
def g(x): return np.cos(x) + np.prod(x) / x
def h(x): return np.cos(x) - np.prod(x) / x
def raises(x): raise ValueError("planted")
def dies(x): os._exit(3)
"""


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
    """One that lives as long as this file: no test here harms it."""
    with a_cluster() as found:
        yield found


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(MINE)
    Path("suite.yaml").write_text(SUITE)
    return "suite.yaml"


def processes_of(cluster: object) -> list[int]:
    with distributed.Client(cluster, set_as_default=False) as client:
        return list(client.run(os.getpid).values())


def children_of(processes: list[int]) -> list[int]:
    found = [child for process in processes for child in psutil.Process(process).children(recursive=True)]
    return [child.pid for child in found if child.status() != psutil.STATUS_ZOMBIE]


def wait_until(true, *, limit: float = 10.0) -> bool:
    deadline = time.monotonic() + limit
    while not (found := true()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def run(cases: list[Case], **options) -> list[Verdict]:
    found = dict(backends.run(cases, backend="dask", audit=AUDIT, **options))
    return [found[index] for index in range(len(cases))]


def timeless(verdict: Verdict) -> str:
    return repr(replace(verdict, measures=replace(verdict.measures, duration_s=0.0)))


# the same verdicts


def test_a_run_on_a_cluster_is_bit_identical_to_one_on_this_machine(suite: str, cluster):
    here = runner.run(suite, jobs=1)
    there = runner.run(suite, backend="dask", scheduler=cluster.scheduler_address)
    assert [result.case.id for result in there.results] == [result.case.id for result in here.results]
    for one, other in zip(here.results, there.results, strict=True):
        if one.case.name != "dying":  # its message says after how many seconds
            assert timeless(other.verdict) == timeless(one.verdict)
    assert [str(result.verdict.status) for result in there.results] == ["pass"] * 6 + [
        "fail",
        "error",
        "error",
        "crash",
    ]
    home = runner.run_folder(there.run)
    assert {file.name for file in home.iterdir()} == {file.name for file in runner.run_folder(here.run).iterdir()}


def test_a_worker_that_is_killed_in_the_middle_changes_no_verdict():
    cases = [a_case("slow", i, timeout=60.0) for i in range(40)]
    alone = run(cases, jobs=2)
    with a_cluster(processes=3) as cluster:
        victim = processes_of(cluster)[0]
        found: dict[int, Verdict] = {}
        for index, verdict in backends.run(cases, audit=AUDIT, scheduler=cluster.scheduler_address):
            found[index] = verdict
            if len(found) == 5:
                os.kill(victim, signal.SIGKILL)
    assert [timeless(found[index]) for index in range(40)] == [timeless(verdict) for verdict in alone]


def test_a_worker_with_many_threads_has_a_child_for_each():
    with a_cluster(processes=1, threads=3) as cluster:
        verdicts = run([a_case("process", i) for i in range(60)], scheduler=cluster.scheduler_address)
        assert len({verdict.evidence for verdict in verdicts}) > 1


def test_no_code_of_a_user_runs_in_a_worker_of_the_cluster(cluster):
    verdicts = run([a_case("process", i) for i in range(8)], scheduler=cluster.scheduler_address)
    assert not {verdict.evidence for verdict in verdicts} & set(map(str, processes_of(cluster)))


def test_large_cases_wait_for_nobody_on_a_cluster(cluster):
    cases = [a_case("ok", 0, elements=1), a_case("ok", 1, elements=10**6), a_case("ok", 2, elements=2)]
    verdicts = run(cases, jobs=2, scheduler=cluster.scheduler_address)
    assert [verdict.engine for verdict in verdicts] == ["threads=1"] * 3


def test_retries_are_made_on_the_worker_and_a_pass_among_them_is_flaky(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where a case notes that it was tried
    cases = [a_case("passes_the_second_time"), a_case("exits"), a_case("ok")]
    flaky, dead, well = run(cases, jobs=2, retries=2)
    assert (flaky.status, flaky.diagnosis) == (Status.FAIL, Diagnosis.FLAKY)
    assert flaky.message.startswith("pass only on attempt 2 ")
    assert dead.notes == ("3 attempts, same",)
    assert well.notes == ()


def test_a_case_that_takes_more_memory_than_allowed_is_ended_on_its_worker():
    cases = [a_case("ok", 0), a_case("eats", 1), a_case("ok", 2)]
    before, greedy, after = run(cases, jobs=2, max_memory=600_000_000)
    assert (greedy.status, greedy.diagnosis) == (Status.CRASH, Diagnosis.MEMORY)
    assert {before.status, after.status} == {Status.PASS}


# nothing is left behind


def test_a_finished_run_leaves_no_child_on_a_cluster_that_lives_on(cluster):
    run([a_case("ok", i) for i in range(8)], scheduler=cluster.scheduler_address)
    assert wait_until(lambda: not children_of(processes_of(cluster)))


def test_a_run_that_is_broken_off_ends_the_cases_under_way(cluster):
    verdicts = backends.run(
        [a_case("ok"), *(a_case("hangs", i) for i in range(4))], audit=AUDIT, scheduler=cluster.scheduler_address
    )
    assert next(verdicts)[1].status is Status.PASS
    verdicts.close()
    assert wait_until(lambda: not children_of(processes_of(cluster)))
    assert run([a_case("ok")], scheduler=cluster.scheduler_address)[0].status is Status.PASS


def test_one_run_on_a_shared_cluster_does_not_end_another(cluster):
    first = backends.run([a_case("ok", i) for i in range(50)], audit=AUDIT, scheduler=cluster.scheduler_address)
    assert next(first)[1].status is Status.PASS
    run([a_case("ok")], scheduler=cluster.scheduler_address)
    assert [verdict.status for _, verdict in first] == [Status.PASS] * 49


def test_ctrl_c_on_a_local_cluster_keeps_what_had_finished_and_leaves_no_process(suite: str):
    Path("mine.py").write_text(MINE.replace("os._exit(3)", "__import__('time').sleep(1000)"))
    command = [sys.executable, "-m", "gradaudit", "run", suite, "--backend", "dask", "-j", "2", "--format", "concise"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(
        command, env=environment, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    results = Path("reports/cluster")
    assert wait_until(
        lambda: any(file.read_text().count("\n") > 9 for file in results.rglob("results.jsonl")), limit=60
    )
    family = children_of([process.pid])
    assert len(family) >= 2
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert wait_until(lambda: not any(map(psutil.pid_exists, family)))


# a cluster that breaks


class EndsItsWorker:
    """Kills every worker that it is sent to."""

    def __reduce__(self):
        return _end_worker, ()


def _end_worker() -> EndsItsWorker:
    if multiprocessing.parent_process() is not None:
        os._exit(1)
    return EndsItsWorker()  # the scheduler reads it too, on its way


def test_a_case_that_no_worker_survives_is_a_crash_and_its_neighbours_pass():
    deadly = a_case("ok", 3, place="s.yaml:3:5", tags=(EndsItsWorker(),))
    cases = [deadly if i == 3 else a_case("ok", i) for i in range(12)]
    with a_cluster() as cluster:
        verdicts = run(cases, scheduler=cluster.scheduler_address)
    assert [verdict.status for verdict in verdicts] == [Status.PASS] * 3 + [Status.CRASH] + [Status.PASS] * 8
    assert verdicts[3].diagnosis is Diagnosis.DIED
    said = r"s\.yaml:3:5: its worker died [23] times with the case in hand, asked twice"  # 3, if they die by turns
    assert re.match(said, verdicts[3].message)
    assert "--id 'ok[i=3]'" in verdicts[3].message


def test_a_case_whose_worker_does_not_answer_is_asked_elsewhere_and_then_a_timeout(monkeypatch):
    monkeypatch.setattr("gradaudit.backends._cluster.GRACE", -19.0)  # the worker's own limit never comes
    cases = [a_case("hangs", 0, timeout=10.0), *(a_case("ok", i, timeout=20.0) for i in range(1, 12))]
    with a_cluster() as cluster:
        verdicts = run(cases, scheduler=cluster.scheduler_address)
    assert [verdict.status for verdict in verdicts] == [Status.TIMEOUT] + [Status.PASS] * 11
    assert "did not answer within 1 s, asked twice" in verdicts[0].message


def test_a_cluster_without_workers_ends_the_run_and_keeps_what_had_finished(monkeypatch):
    monkeypatch.setattr(watching, "PATIENCE", 1.5)
    with a_cluster() as cluster:
        found, why = answers_until(lambda: cluster.scale(0), scheduler=cluster.scheduler_address)
    assert "no worker for 1.5 s" in why
    assert 3 <= found < 200


def test_a_scheduler_that_freezes_ends_the_run_in_a_bounded_time(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(watching, "PATIENCE", 1.5)
    monkeypatch.setattr(watching, "ANSWER", 1.0)
    with a_scheduler(tmp_path) as (scheduler, address), a_worker(address):
        found, why = answers_until(lambda: scheduler.send_signal(signal.SIGSTOP), scheduler=address)
    assert "no worker for 1.5 s" in why
    assert 3 <= found < 200


def test_a_worker_that_freezes_costs_no_verdict_and_no_time_without_end(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("gradaudit.backends._dask_roster.SILENCE", 3.0)
    cases = [a_case("slow", i, timeout=2.0) for i in range(40)]
    found: dict[int, Verdict] = {}
    with a_scheduler(tmp_path) as (_, address), a_worker(address) as frozen, a_worker(address):
        wait_for_workers(2, address)
        for index, verdict in backends.run(cases, audit=AUDIT, scheduler=address):
            found[index] = verdict
            if len(found) == 5:
                frozen.send_signal(signal.SIGSTOP)
    assert {verdict.status for verdict in found.values()} == {Status.PASS}
    assert len(found) == 40


def wait_for_workers(count: int, address: str) -> None:
    with distributed.Client(address, set_as_default=False) as client:
        client.wait_for_workers(count, timeout=60)


def test_a_call_that_cannot_be_made_ends_the_run(cluster, monkeypatch):
    def broken(self, *arguments, **options):
        if next(calls) > 6:
            raise RuntimeError("planted")
        return submit(self, *arguments, **options)

    submit, calls = distributed.Client.submit, itertools.count()
    monkeypatch.setattr(distributed.Client, "submit", broken)
    with pytest.raises(BackendLost, match="takes no case: RuntimeError: planted"):
        run([a_case("slow", i) for i in range(40)], scheduler=cluster.scheduler_address)


def test_a_scheduler_that_goes_away_ends_the_run(tmp_path: Path):
    with a_scheduler(tmp_path) as (scheduler, address), a_worker(address):
        found, why = answers_until(scheduler.kill, scheduler=address)
    assert "connection to the dask scheduler was lost" in why
    assert 3 <= found < 200


def answers_until(breaks, *, scheduler: str) -> tuple[int, str]:
    """How many of 200 cases had a verdict when the run ended, after something breaks at the third; what it said."""
    found = 0
    try:
        for _ in backends.run([a_case("slow", i) for i in range(200)], audit=AUDIT, scheduler=scheduler):
            found += 1
            if found == 3:
                breaks()
    except BackendLost as lost:
        return found, str(lost)
    return found, "nothing"


# before the first case


def test_a_scheduler_that_is_frozen_is_refused(suite: str, tmp_path: Path, monkeypatch):
    monkeypatch.setattr("gradaudit.backends.dask.CONNECT", 1.0)
    with a_scheduler(tmp_path) as (scheduler, address):
        scheduler.send_signal(signal.SIGSTOP)
        with pytest.raises(BackendError, match=f"no dask scheduler answers at {address}: .*; start one"):
            runner.run(suite, scheduler=address)


@contextlib.contextmanager
def a_scheduler(folder: Path) -> Iterator[tuple[subprocess.Popen, str]]:
    """A process of its own, and its address."""
    file = folder / "scheduler.json"
    options = ["--port", "0", "--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(file)]
    with a_process(["dask_scheduler", *options]) as process:
        assert wait_until(lambda: file.exists() and '"address"' in file.read_text(), limit=30)
        yield process, importlib.import_module("json").loads(file.read_text())["address"]


@contextlib.contextmanager
def a_worker(address: str, *, folder: str = "") -> Iterator[subprocess.Popen]:
    """A worker in a process of its own, that imports from ``folder`` first."""
    with a_process(
        ["dask_worker", address, "--nthreads", "1", "--no-dashboard", "--no-nanny"], folder=folder
    ) as process:
        yield process


@contextlib.contextmanager
def a_process(command: list[str], *, folder: str = "") -> Iterator[subprocess.Popen]:
    module, *options = command
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([folder, *sys.path])}
    process = subprocess.Popen(
        [sys.executable, "-m", f"distributed.cli.{module}", *options], env=environment, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_scheduler_that_cannot_be_reached_is_refused_with_its_address_and_the_fix(suite: str, monkeypatch, capsys):
    monkeypatch.setattr("gradaudit.backends.dask.CONNECT", 0.5)
    assert cli.invoke(["run", suite, "--backend", "dask", "--scheduler", "tcp://127.0.0.1:9"]) == 2
    said = capsys.readouterr().err
    assert "no dask scheduler answers at tcp://127.0.0.1:9" in said
    assert said.rstrip().endswith("start one: dask scheduler")
    assert not Path("reports").exists()


@pytest.mark.parametrize("address", ["nonsense:::", "tcp://127.0.0.1:port", "ftp://host:1"])
def test_an_address_that_is_none_is_refused(suite: str, address: str):
    with pytest.raises(BackendError, match="no dask scheduler answers at"):
        runner.run(suite, scheduler=address)


def test_a_scheduler_without_workers_is_refused(suite: str, tmp_path: Path, monkeypatch):
    monkeypatch.setattr("gradaudit.backends.dask.CONNECT", 2.0)
    with (
        a_scheduler(tmp_path) as (_, address),
        pytest.raises(BackendError, match="has no worker"),
    ):
        runner.run(suite, scheduler=address)


def test_a_worker_that_cannot_import_gradaudit_is_named_before_the_first_case(suite: str, tmp_path: Path):
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "gradaudit.py").write_text("raise ImportError('planted')")
    with (
        a_scheduler(tmp_path) as (_, address),
        a_worker(address, folder=str(broken)),
        pytest.raises(
            BackendError, match=r"worker tcp://\S+ cannot use gradaudit: .*planted.*; install there: gradaudit=="
        ),
    ):
        runner.run(suite, scheduler=address)
    assert not Path("reports").exists()


def test_a_worker_that_cannot_import_a_module_of_the_suite_is_named_before_the_first_case(
    suite: str, cluster, monkeypatch
):
    Path("mine.py").write_text(f"{MINE}\nif 'HERE' not in os.environ: raise ModuleNotFoundError('planted')\n")
    monkeypatch.setenv("HERE", "yes")  # the workers have been there before
    with pytest.raises(
        BackendError, match=r"worker tcp://\S+ cannot import what right\[n=1\] names: .*planted.*'path:'"
    ):
        runner.run(suite, scheduler=cluster.scheduler_address)
    assert not Path("reports").exists()


def test_a_module_that_nobody_can_import_is_the_verdict_of_its_cases_as_without_a_cluster(suite: str, cluster):
    Path("mine.py").write_text("import no_such_module")
    audit = runner.run(suite, scheduler=cluster.scheduler_address)
    assert {result.verdict.diagnosis for result in audit.results} == {Diagnosis.IMPORT_FAILED}


def test_a_suite_that_every_worker_can_run_is_not_refused(suite: str, cluster):
    backends.check(make_plan(load_suite([suite])), scheduler=cluster.scheduler_address)
