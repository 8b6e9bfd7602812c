"""What a dask cluster is asked before the first case, and each worker that joins later."""

import contextlib
import re
import signal
from pathlib import Path

import dask_cluster
import numpy as np
import pytest
from clusters import MINE, ONLY_WITH_HERE, other_versions
from dask_cluster import a_scheduler, a_worker, wait_for_workers
from stand_in import AUDIT, a_case

from gradaudit import backends, cli
from gradaudit.backends import BackendError, _preflight
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.verdict import Status, Verdict
from gradaudit.plan import make_plan
from gradaudit.running import runner
from gradaudit.suite import load_suite

cluster = dask_cluster.cluster
limited = dask_cluster.limited
suite = dask_cluster.suite


def test_a_scheduler_that_is_frozen_is_refused(suite: str, tmp_path: Path, monkeypatch):
    monkeypatch.setattr("gradaudit.backends.dask.CONNECT", 1.0)
    with a_scheduler(tmp_path) as (scheduler, address):
        scheduler.send_signal(signal.SIGSTOP)
        with pytest.raises(BackendError, match=f"no dask scheduler answers at {address}: .*; start one"):
            runner.run(suite, scheduler=address)


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
    Path("mine.py").write_text(MINE + ONLY_WITH_HERE)
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


# versions, and workers that join later


def test_a_worker_with_another_numpy_is_named_with_both_versions_and_the_fix(suite: str, tmp_path: Path):
    with (
        a_scheduler(tmp_path) as (_, address),
        a_worker(address, folder=other_versions(tmp_path, numpy="1.2.3")),
        pytest.raises(BackendError) as refused,
    ):
        runner.run(suite, scheduler=address)
    said = rf"worker tcp://\S+ has numpy 1\.2\.3, here is {np.__version__}; install there: numpy=={np.__version__}, "
    assert re.search(said, str(refused.value))
    assert not Path("reports").exists()


def test_a_worker_that_joins_later_with_another_scipy_gets_no_case_and_is_told_of(suite: str, tmp_path: Path):
    told: list[str] = []
    other = other_versions(tmp_path, scipy="0.0.1")
    with a_scheduler(tmp_path) as (_, address), a_worker(address), contextlib.ExitStack() as later:
        wait_for_workers(1, address)
        found = _joined_by(later, address, folder=other, tell=told.append, until=lambda _: told)
    assert {verdict.status for verdict in found.values()} == {Status.PASS}
    assert len({verdict.evidence for verdict in found.values()}) == 1  # one child, of the first worker
    assert len(told) == 1
    assert re.match(r"a worker that joined later is not used: worker tcp://\S+ has scipy 0\.0\.1, here is ", told[0])


def test_a_worker_that_joins_later_and_is_in_order_takes_cases(tmp_path: Path):
    told: list[str] = []
    with a_scheduler(tmp_path) as (_, address), a_worker(address), contextlib.ExitStack() as later:
        wait_for_workers(1, address)
        found = _joined_by(later, address, folder="", tell=told.append, until=_from_two_children)
    assert _from_two_children(found)
    assert told == []


def _from_two_children(found: dict[int, Verdict]) -> bool:
    return len({verdict.evidence for verdict in found.values()}) == 2


def _joined_by(later: contextlib.ExitStack, address: str, *, folder: str, tell, until) -> dict[int, Verdict]:
    """Verdicts of a run that a second worker joins after the third, broken off when ``until`` is true of them."""
    cases = [a_case("slow_process", i) for i in range(2000)]
    found: dict[int, Verdict] = {}
    with contextlib.closing(backends.run(cases, audit=AUDIT, scheduler=address, tell=tell)) as verdicts:
        for index, verdict in verdicts:
            found[index] = verdict
            if len(found) == 3:
                later.enter_context(a_worker(address, folder=folder))
            if until(found):
                break
    return found


# what is compared


def _needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, functions: str) -> _preflight.Needs:
    monkeypatch.chdir(tmp_path)
    Path("suite.yaml").write_text(f"version: 1\npath: [.]\nfunctions:\n{functions}")
    return _preflight.needs_of(backends._tasks(make_plan(load_suite(["suite.yaml"]))))


def test_versions_of_audited_packages_are_compared_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    line = '  - {function: "yaml:dump", gradient: "mine:g", inputs: {x: {shape: [2]}}}\n'
    versions = _needs(tmp_path, monkeypatch, line).versions
    assert versions.keys() >= {"numpy", "numba", "llvmlite", "PyYAML"}
    assert not versions.keys() & {"gradaudit", "torch", "pytest"}


def test_a_module_that_the_suite_brings_along_has_no_installed_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "yaml.py").write_text("def f(x): return x.sum()")
    line = '  - {function: "yaml:f", gradient: "mine:g", inputs: {x: {shape: [2]}}}\n'
    assert "PyYAML" not in _needs(tmp_path, monkeypatch, line).versions
