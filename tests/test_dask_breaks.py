"""A dask cluster that breaks in the middle of a run: no loss, no hang."""

import importlib
import itertools
import multiprocessing
import os
import re
import signal
import sys
from pathlib import Path

import dask_cluster
import pytest
from dask_cluster import (
    a_cluster,
    a_scheduler,
    a_worker,
    distributed,
    run,
    wait_for_workers,
)
from stand_in import AUDIT, a_case

from gradaudit import backends
from gradaudit.backends import BackendLost
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.verdict import Status, Verdict

cluster = dask_cluster.cluster
limited = dask_cluster.limited
watching = importlib.import_module("gradaudit.backends._dask_joblib")


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


class FreezesItsWorker:
    """Stops every worker that it is sent to."""

    def __reduce__(self):
        return _freeze_worker, ()


def _freeze_worker() -> FreezesItsWorker:
    if "dask_worker" in sys.argv[0]:
        os.kill(os.getpid(), signal.SIGSTOP)
    return FreezesItsWorker()  # the scheduler reads it too, on its way


def test_a_case_that_freezes_its_workers_is_a_timeout_and_its_neighbours_pass(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("gradaudit.backends._dask_roster.SILENCE", 5.0)
    monkeypatch.setattr(watching, "LOSSES", 1)
    cases = [a_case("ok", i, tags=(FreezesItsWorker(),) if i == 2 else ()) for i in range(12)]
    with a_scheduler(tmp_path) as (_, address), a_worker(address), a_worker(address), a_worker(address):
        wait_for_workers(3, address)
        verdicts = run(cases, scheduler=address)
    assert [verdict.status for verdict in verdicts] == [Status.PASS] * 2 + [Status.TIMEOUT] + [Status.PASS] * 9
    assert "its worker froze or died 1 times with the case in hand, asked twice" in verdicts[2].message


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


def test_a_connection_that_closes_while_a_verdict_is_fetched_is_lost_too():
    class Closing:
        def result(self, timeout):
            raise distributed.comm.CommClosedError("in ConnectionPool.gather: Stream is closed")

    found = watching.HearingBackend._answer(Closing(), ())
    assert isinstance(found, BackendLost)
    assert "connection to the dask scheduler was lost" in str(found)


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
