"""The dask backend: the same verdicts from any number of processes, and no leftover of them."""

import os
import signal
from pathlib import Path

import dask_cluster
from clusters import STATUSES, ends_at_ctrl_c, none_waits_for_one_that_hangs, timeless
from dask_cluster import a_cluster, children_of, distributed, processes_of, run
from processes import wait_until
from stand_in import AUDIT, a_case

from gradaudit import backends
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.verdict import Status, Verdict
from gradaudit.running import runner

cluster = dask_cluster.cluster
limited = dask_cluster.limited
suite = dask_cluster.suite


# the same verdicts


def test_a_run_on_a_cluster_is_bit_identical_to_one_on_this_machine(suite: str, cluster):
    here = runner.run(suite, jobs=1)
    there = runner.run(suite, backend="dask", scheduler=cluster.scheduler_address)
    assert [result.case.id for result in there.results] == [result.case.id for result in here.results]
    for one, other in zip(here.results, there.results, strict=True):
        if one.case.name != "dying":  # its message says after how many seconds
            assert timeless(other.verdict) == timeless(one.verdict)
    assert [str(result.verdict.status) for result in there.results] == STATUSES
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


def test_no_verdict_waits_for_a_case_that_hangs(cluster):
    none_waits_for_one_that_hangs(backend="dask", scheduler=cluster.scheduler_address)


# nothing is left behind


def test_the_scheduler_forgets_what_the_workers_of_a_run_have_told(cluster):
    run([a_case("slow", i) for i in range(60)], scheduler=cluster.scheduler_address)
    with distributed.Client(cluster, set_as_default=False) as client:
        events = client.get_events()
    told = [said for topic in events if topic.startswith("gradaudit-") for _, said in events[topic]]
    assert not [said for said in told if "answers" in said]


def test_a_finished_run_leaves_no_child_on_a_cluster_that_lives_on(cluster):
    run([a_case("ok", i) for i in range(8)], scheduler=cluster.scheduler_address)
    assert wait_until(lambda: not children_of(cluster))


def test_a_run_that_is_broken_off_ends_the_cases_under_way(cluster):
    verdicts = backends.run(
        [a_case("ok"), *(a_case("hangs", i) for i in range(4))], audit=AUDIT, scheduler=cluster.scheduler_address
    )
    assert next(verdicts)[1].status is Status.PASS
    verdicts.close()
    assert wait_until(lambda: not children_of(cluster))
    assert run([a_case("ok")], scheduler=cluster.scheduler_address)[0].status is Status.PASS


def test_one_run_on_a_shared_cluster_does_not_end_another(cluster):
    first = backends.run([a_case("ok", i) for i in range(50)], audit=AUDIT, scheduler=cluster.scheduler_address)
    assert next(first)[1].status is Status.PASS
    run([a_case("ok")], scheduler=cluster.scheduler_address)
    assert [verdict.status for _, verdict in first] == [Status.PASS] * 49


def test_ctrl_c_on_a_local_cluster_keeps_what_had_finished_and_leaves_no_process(suite: str):
    ends_at_ctrl_c(suite, backend="dask")
