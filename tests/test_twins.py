"""Nurseries that are forked from one another: cheap to have, and independent in all that follows."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from processes import environment, wait_until
from stand_in import AUDIT, a_case

from gradaudit.isolation import nursery, sibling
from gradaudit.isolation.keeper import Keeper, Task
from gradaudit.isolation.nursery import Nursery, NurseryFailed
from gradaudit.isolation.processes import children_of
from gradaudit.judge.verdict import Status, Verdict

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks a sibling, and tells whose child is")

PIPES = 5  #: of a worker


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Every test ends with the child processes that it began with, and buries what it has ended."""
    before = set(children_of(os.getpid()))
    yield
    assert set(children_of(os.getpid())) <= before


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command lines of interpreters that are started from here on."""
    lines: list[str] = []

    def noted(*arguments: object, original: Callable[..., list[str]] = nursery._command) -> list[str]:
        lines.append(" ".join(found := original(*arguments)))
        return found

    monkeypatch.setattr(nursery, "_command", noted)
    return lines


@contextmanager
def a_twin() -> Iterator[tuple[Nursery, Nursery]]:
    """(the elder, a twin that may not be born yet)."""
    with closing(Nursery(AUDIT, {})) as elder, closing(Nursery(AUDIT, {})) as twin:
        yield elder, twin


def audited(keeper: Keeper, name: str = "ok", number: int = 0, **kept) -> Verdict:
    return keeper.audit(Task(number, a_case(name, number, **kept), limit=20.0, audit=AUDIT))


def comes_up(one: Nursery) -> int:
    """The process that it is, once it has given a worker that is never used."""
    ends = [os.open(os.devnull, os.O_RDWR) for _ in range(PIPES)]
    try:
        one.fork({}, ends).end()
    finally:
        for end in ends:
            os.close(end)
    return one._process.pid


def is_gone(process: int) -> bool:
    return not Path(f"/proc/{process}").exists()


def test_the_second_nursery_starts_no_interpreter(started: list[str]):
    with Keeper() as first, Keeper() as second, Keeper() as third:
        assert [audited(one).status for one in (first, second, third)] == [Status.PASS] * 3
    assert len(started) == 1


@pytest.mark.parametrize("early", ["spare.started(AUDIT)", "contextlib.nullcontext()"])
def test_all_jobs_of_a_run_have_one_interpreter(early: str):
    code = (
        "import contextlib; from gradaudit import backends\n"
        "from gradaudit.isolation import nursery, spare\n"
        "from stand_in import AUDIT, a_case\n"
        "original, started = nursery._command, []\n"
        "nursery._command = lambda *arguments: started.append(arguments) or original(*arguments)\n"
        f"with {early}:\n"
        "    found = list(backends.run([a_case('ok', i) for i in range(6)], jobs=3, audit=AUDIT))\n"
        "assert len(found) == 6 and len(started) == 1, started"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=environment())


def test_a_twin_is_a_child_of_the_same_process_with_a_session_of_its_own(started: list[str]):
    with a_twin() as both:
        processes = [comes_up(one) for one in both]
        assert set(processes) <= set(children_of(os.getpid()))
        assert [os.getsid(process) for process in processes] == processes
    assert [is_gone(process) for process in processes] == [True, True]
    assert len(started) == 1


def test_cases_that_ask_for_another_start_get_an_interpreter_of_their_own(started: list[str]):
    with Keeper() as first, Keeper() as second:
        audited(first)
        verdict = audited(second, "settings", env=(("OMP_NUM_THREADS", "3"),))
    assert verdict.evidence == "['', '3', '1']"
    assert len(started) == 2


def test_what_a_case_detaches_is_told_of_its_own_worker_and_no_other():
    with Keeper() as first, Keeper() as second:
        before = [audited(one, "process").evidence for one in (first, second)]
        demon, calm = audited(first, "leaves_a_demon"), audited(second, "process", 1)
        after = audited(first, "process", 2)
    assert demon.notes == ("left behind: a process that detached itself; the next case has a fresh process",)
    assert (calm.notes, after.notes) == ((), ())
    assert calm.evidence == before[1]
    assert after.evidence != before[0]


def test_what_the_worker_of_a_twin_leaves_ends_with_that_worker():
    with Keeper() as first, Keeper() as second:
        audited(first)
        demon, after = audited(second, "leaves_a_demon"), audited(second, "ok", 1)
        assert "a process that detached itself" in demon.notes[0]
        assert after.notes == ()
        alive = {len(children_of(process)) for process in children_of(os.getpid())}
    assert alive <= {0, 1}  # its worker, no demon beside it


@pytest.mark.parametrize("end", [Nursery.close, Nursery.kill])
def test_a_twin_does_without_the_one_that_it_comes_from(started: list[str], end: Callable[[Nursery], object]):
    with a_twin() as (elder, twin):
        process = comes_up(twin)
        end(elder)
        assert comes_up(twin) == process
    assert is_gone(process)
    assert len(started) == 1


def test_a_twin_of_a_twin_is_as_good(started: list[str]):
    with a_twin() as (elder, twin):
        comes_up(twin)
        elder.close()
        with closing(Nursery(AUDIT, {})) as third:
            comes_up(third)
            twin.close()
            comes_up(third)
    assert len(started) == 1


def test_where_the_elder_dies_before_the_twin_is_born_an_interpreter_takes_its_place(started: list[str]):
    with a_twin() as (elder, twin):
        elder.kill()
        assert comes_up(twin)
    assert len(started) == 2


def test_where_no_sibling_can_be_forked_every_keeper_has_an_interpreter_of_its_own(started: list[str]):
    audit = "stand_in_alone:audit"
    with Keeper() as first, Keeper() as second:
        for one in (first, second):
            assert one.audit(Task(0, a_case("ok"), limit=20.0, audit=audit)).status is Status.PASS
    assert len(started) == 2


def test_a_case_that_kills_the_nursery_of_its_own_worker_harms_no_twin():
    with Keeper() as first, Keeper() as second:
        before = [audited(one, "process").evidence for one in (first, second)]
        audited(first, "kills_its_parent", 1)
        assert audited(second, "process", 1).evidence == before[1]
        assert audited(first, "process", 2).status is Status.PASS


def test_a_twin_that_is_closed_before_it_is_born_leaves_neither_a_process_nor_a_folder():
    before = set(children_of(os.getpid()))
    with a_twin() as (elder, twin):
        folder = Path(twin._temporary)
        twin.close()
        comes_up(elder)
        assert not folder.exists()
        assert len(set(children_of(os.getpid())) - before) == 1


def test_a_keeper_that_waits_for_a_twin_is_woken_by_a_shutdown():
    failures: list[NurseryFailed] = []

    def wait() -> None:
        with pytest.raises(NurseryFailed) as failure:
            comes_up(twin)
        failures.append(failure.value)

    with a_twin() as (elder, twin):
        os.kill(elder._process.pid, signal.SIGSTOP)
        thread = threading.Thread(target=wait)
        thread.start()
        twin.shutdown()
        thread.join(10)
        os.kill(elder._process.pid, signal.SIGCONT)
    assert len(failures) == 1


def test_all_twins_end_with_the_process_of_their_keepers():
    code = (
        "from gradaudit import backends\n"
        "from stand_in import AUDIT, a_case\n"
        "list(backends.run([a_case('hangs', i) for i in range(3)], jobs=3, audit=AUDIT))"
    )
    run = subprocess.Popen([sys.executable, "-c", code], env=environment())
    assert wait_until(lambda: len(workers := list(map(children_of, children_of(run.pid)))) == 3 and all(workers))
    nurseries = children_of(run.pid)
    all_of_them = {*nurseries, *(worker for one in nurseries for worker in children_of(one))}
    run.kill()
    run.wait()
    assert wait_until(lambda: all(map(is_gone, all_of_them)))


def test_how_a_sibling_ended_is_known():
    code = (
        "import os, sys; from gradaudit.isolation import sibling\n"
        "process = sibling.fork()\n"
        "if process == 0: os._exit(5)\n"
        "print(process)"
    )
    forked = int(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)
    assert sibling.Sibling(forked).wait(10) == 5


def test_a_sibling_that_lives_on_is_told_by_the_same_error_as_any_other_process():
    with a_twin() as (_, twin):
        comes_up(twin)
        with pytest.raises(subprocess.TimeoutExpired):
            twin._process.wait(0.01)
        assert twin.kill() == -signal.SIGKILL


def test_a_machine_that_has_no_known_way_refuses(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("platform.machine", lambda: "pdp11")
    with pytest.raises(OSError, match="no known way to fork a sibling"):
        sibling.fork()
