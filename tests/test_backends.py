"""Every backend gives the same verdicts, whatever a case does, and leaves no process behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
from processes import environment, wait_until
from stand_in import AUDIT, a_case

from gradaudit import backends
from gradaudit.backends import BackendError
from gradaudit.backends._order import LARGE, elements, two_levels
from gradaudit.isolation import keeper as keeper_module
from gradaudit.isolation.broken import broken
from gradaudit.isolation.child import Limits, Reply
from gradaudit.isolation.keeper import Keeper, KeeperClosed, Task
from gradaudit.isolation.nursery import Nursery, NurseryFailed
from gradaudit.isolation.processes import children_of, is_gone
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.verdict import Status, Verdict
from gradaudit.plan.case import Case, Given, Input, Settings, Stored, Target


def run(cases: list[Case], **options) -> list[Verdict]:
    found = dict(backends.run(cases, audit=AUDIT, **options))
    return [found[index] for index in range(len(cases))]


def keep(name: str, *, limit: float | None = 20.0) -> Verdict:
    """The verdict of one case, and a healthy neighbour after it."""
    with Keeper() as keeper:
        verdict = keeper.audit(Task(0, a_case(name, place="s.yaml:1:1"), limit=limit, audit=AUDIT))
        assert keeper.audit(Task(1, a_case("ok"), limit=20.0, audit=AUDIT)).status is Status.PASS
    return verdict


# one case


def test_a_segmentation_fault_is_a_crash_that_says_where():
    verdict = keep("segfaults")
    assert verdict.status is Status.CRASH
    assert verdict.diagnosis is Diagnosis.DIED
    assert "s.yaml:1:1: its process died (signal SIGSEGV)" in verdict.message
    assert "in string_at" in verdict.evidence
    assert "in segfaults" in verdict.traceback


def test_an_exit_is_a_crash_with_its_code_and_what_was_printed():
    verdict = keep("exits")
    assert verdict.status is Status.CRASH
    assert "exit code 7" in verdict.message
    assert verdict.printed == "last words\n"


@pytest.mark.parametrize(("seconds", "said"), [(0.01234, "0.012"), (2.345, "2.3"), (123.4, "123"), (7200.0, "7,200")])
def test_a_crash_says_after_how_long_as_people_do(seconds: float, said: str):
    reply = Reply(None, returncode=-9, seconds=seconds)
    assert f"(signal SIGKILL) after {said} s;" in broken(a_case("is_killed"), reply, Limits()).message


@pytest.mark.parametrize(("limit", "said"), [(1, "1 byte"), (4_000, "4,000 bytes"), (500_000_000, "500 MB")])
def test_a_limit_whose_unit_was_forgotten_is_not_called_zero(limit: int, said: str):
    reply = Reply(None, returncode=-9, seconds=1.0, memory=31_000_000)
    message = broken(a_case("eats"), reply, Limits(memory=limit)).message
    assert f"held 31 MB of memory, allowed {said}, and was killed" in message


def test_a_process_that_is_killed_is_a_crash_with_the_signal():
    assert "signal SIGKILL" in keep("is_killed").message


def test_a_case_past_its_limit_is_killed_and_says_where_it_stood():
    verdict = keep("hangs", limit=0.3)
    assert verdict.status is Status.TIMEOUT
    assert verdict.diagnosis is Diagnosis.TIMED_OUT
    assert "past its limit of 0.3 s" in verdict.message
    assert "in hangs" in verdict.evidence
    assert verdict.printed == "before it hung\n"
    assert 0.3 <= verdict.measures.duration_s < 5


@pytest.mark.parametrize("name", ["holds_the_interpreter", "ignores_signals", "dies_when_asked_where_it_stands"])
def test_no_case_can_outstay_its_limit(name: str):
    assert keep(name, limit=0.3).status is Status.TIMEOUT


@pytest.mark.parametrize("name", ["closes_everything", "scribbles", "leaves_a_copy_that_holds_the_pipes"])
def test_a_case_that_damages_the_pipes_ends_as_a_crash(name: str):
    assert keep(name).status is Status.CRASH


def test_a_case_that_forks_answers_once():
    assert keep("forks").status is Status.PASS


def test_a_process_that_dies_after_its_case_harms_neither_that_case_nor_the_next():
    with Keeper() as keeper:
        first = keeper.audit(Task(0, a_case("dies_later"), audit=AUDIT))
        time.sleep(0.3)
        second = keeper.audit(Task(1, a_case("ok"), audit=AUDIT))
    assert [first.status, second.status] == [Status.PASS, Status.PASS]


def test_a_flood_of_output_is_kept_by_its_ends():
    printed = keep("floods").printed
    assert len(printed) < 25_000
    assert printed.startswith("begin\n")
    assert printed.endswith("end\n")
    assert "bytes left out" in printed


def test_cases_share_a_process_until_their_surroundings_differ():
    cases = [a_case("process", i, env=(("WORD", word),)) for i, word in enumerate("aab")]
    first, second, third = [verdict.evidence for verdict in run(cases)]
    assert first == second != third


def test_a_child_that_cannot_start_is_no_verdict_but_says_why():
    with Keeper() as keeper, pytest.raises(NurseryFailed, match=r"(?s)exit code 1.*No module named 'no_such_module'"):
        keeper.audit(Task(0, a_case("ok"), audit="no_such_module:audit"))


def test_closing_a_keeper_ends_the_case_that_is_under_way_and_refuses_the_next():
    keeper, found = Keeper(), []
    thread = threading.Thread(target=lambda: found.append(keeper.audit(Task(0, a_case("hangs"), audit=AUDIT))))
    thread.start()
    assert wait_until(lambda: any(map(children_of, children_of(os.getpid()))))  # a worker, of the nursery
    time.sleep(0.3)
    keeper.close()
    thread.join(10)
    assert [verdict.status for verdict in found] == [Status.CRASH]
    with pytest.raises(KeeperClosed):
        keeper.audit(Task(0, a_case("ok"), audit=AUDIT))


def test_closing_a_keeper_that_is_just_starting_is_no_failure_of_the_machine():
    keeper, ends = Keeper(), []

    def audit() -> None:
        try:
            keeper.audit(Task(0, a_case("hangs"), audit=AUDIT))
        except KeeperClosed as end:
            ends.append(end)

    before = set(children_of(os.getpid()))
    thread = threading.Thread(target=audit)
    thread.start()
    assert wait_until(lambda: set(children_of(os.getpid())) - before)
    keeper.close()
    thread.join(10)
    assert len(ends) == 1
    assert set(children_of(os.getpid())) <= before


def test_a_keeper_that_is_closed_while_its_nursery_is_made_does_not_wait_for_a_worker_of_it(
    monkeypatch: pytest.MonkeyPatch,
):
    starting, closing, ends = threading.Event(), threading.Event(), []

    def slowly(*given, **named) -> Nursery:
        starting.set()
        assert closing.wait(10)
        return Nursery(*given, **named)

    def forked(*given) -> None:
        raise AssertionError("a worker was forked for a run that is over")

    monkeypatch.setattr(keeper_module, "Nursery", slowly)
    monkeypatch.setattr(keeper_module, "Child", forked)
    keeper = Keeper()

    def audit() -> None:
        try:
            keeper.audit(Task(0, a_case("hangs"), limit=3.0, audit=AUDIT))
        except (KeeperClosed, AssertionError) as end:
            ends.append(end)

    before = set(children_of(os.getpid()))
    auditing, ending = threading.Thread(target=audit), threading.Thread(target=keeper.close)
    auditing.start()
    assert starting.wait(10)
    ending.start()
    assert wait_until(lambda: keeper._closed)  # and it has found no nursery to shut down
    time.sleep(0.05)
    closing.set()
    for thread in (auditing, ending):
        thread.join(20)
    assert [type(end) for end in ends] == [KeeperClosed]
    assert set(children_of(os.getpid())) <= before


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux kills an orphan inside a native call")
def test_a_child_dies_with_its_keeper_even_inside_a_native_call():
    code = (
        "from gradaudit.isolation.keeper import Keeper, Task\n"
        "from stand_in import a_case\n"
        "Keeper().audit(Task(0, a_case('holds_the_interpreter'), audit='stand_in:audit'))"
    )
    keeper = subprocess.Popen([sys.executable, "-c", code], env=environment())
    assert wait_until(lambda: children_of(keeper.pid) and children_of(children_of(keeper.pid)[0]))
    (nursery,) = children_of(keeper.pid)
    (child,) = children_of(nursery)
    time.sleep(0.3)
    keeper.send_signal(signal.SIGKILL)
    keeper.wait()
    assert wait_until(lambda: is_gone(child) and is_gone(nursery))


# many cases

LIBRARIES = {"dask": "distributed", "ray": "ray"}
NAMES = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(
            name in LIBRARIES and find_spec(LIBRARIES[name]) is None,
            reason=f"backend {name!r} needs {name}: pip install 'gradaudit[{name}]'",
        ),
    )
    for name in backends.names()
]


@pytest.mark.parametrize("name", NAMES)
def test_every_backend_gives_every_case_its_own_verdict_and_leaves_no_child(name: str):
    before = nurseries()
    names = ["ok", "raises", "exits", "ok", "hangs", "ok", "segfaults", "ok"]
    cases = [a_case(one, i, timeout=0.5 if one == "hangs" else None) for i, one in enumerate(names)]
    verdicts = run(cases, backend=name, jobs=2)
    statuses = ["pass", "error", "crash", "pass", "timeout", "pass", "crash", "pass"]
    assert [verdict.status for verdict in verdicts] == statuses
    assert [verdict.id for verdict in verdicts] == [case.id for case in cases]
    assert nurseries() == before


@pytest.mark.parametrize("name", ["threading", "loky", "sequential"])
@pytest.mark.parametrize(("count", "jobs"), [(3, 1), (1, 2)])
def test_one_worker_is_enough_for_every_backend_and_leaves_no_child(name: str, count: int, jobs: int):
    before = nurseries()
    verdicts = run([a_case("ok", i) for i in range(count)], backend=name, jobs=jobs)
    assert [verdict.status for verdict in verdicts] == ["pass"] * count
    assert nurseries() == before


def nurseries() -> set[int]:
    """Of this process; joblib's resource tracker stays, as it does for every user of joblib."""
    return {child for child in children_of(os.getpid()) if "isolation.fork_server" in _command(child)}


def _command(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


@pytest.mark.parametrize("name", NAMES)
def test_a_run_that_is_broken_off_ends_at_once(name: str):
    verdicts = backends.run([a_case("ok"), *(a_case("hangs", i) for i in range(4))], backend=name, jobs=2, audit=AUDIT)
    assert next(verdicts)[1].status is Status.PASS
    started = time.monotonic()
    verdicts.close()
    assert time.monotonic() - started < 10


MANY_FILES = """
import os, resource
from gradaudit import backends
from stand_in import *

resource.setrlimit(resource.RLIMIT_NOFILE, ({limit}, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
held = [os.open(os.devnull, os.O_RDONLY) for _ in range({held})]
cases = [a_case(name, i) for i, name in enumerate(["limit_of_files", "exits", "ok", "limit_of_files"])]
found = dict(backends.run(cases, jobs=3, audit=AUDIT))
print([found[0].evidence, found[1].status.value, found[2].status.value, found[3].evidence])
"""


@pytest.mark.parametrize(("limit", "held"), [(4096, 1100), (64, 40)])
def test_a_process_with_many_open_files_has_workers_and_these_keep_its_limit(limit: int, held: int):
    code = MANY_FILES.format(limit=limit, held=held)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment())
    assert done.stdout == f"{[str(limit), 'crash', 'pass', str(limit)]}\n", done.stderr


@pytest.mark.parametrize("name", ["threading", "loky"])
def test_jobs_work_at_the_same_time(name: str):
    cases = [a_case("slow_process", i) for i in range(20)]
    processes = {verdict.evidence for verdict in run(cases, backend=name, jobs=2)}
    assert len(processes) == 2


def test_the_limit_of_the_run_holds_for_cases_without_their_own():
    quick, patient = run([a_case("hangs"), a_case("waits", timeout=20.0)], timeout=0.1)
    assert [quick.status, patient.status] == [Status.TIMEOUT, Status.PASS]


@pytest.mark.parametrize(("jobs", "backend"), [(1, "sequential"), (2, "threading")])
def test_what_runs_where_no_backend_was_named_needs_neither_joblib_nor_numpy(jobs: int, backend: str):
    assert backends.default(jobs) == backend
    code = (
        "import sys; from gradaudit import backends; from stand_in import *\n"
        f"assert len(list(backends.run([a_case(), a_case('ok', 1)], jobs={jobs}, audit=AUDIT))) == 2\n"
        "assert 'joblib' not in sys.modules and 'numpy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=environment())


def test_an_unknown_backend_is_refused_with_those_that_exist():
    with pytest.raises(
        backends.BackendError, match=r"'lokey' is not on the shelf; allowed: .*loky.*sequential, threading"
    ):
        backends.run([a_case()], backend="lokey")


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_backend_without_its_library_is_refused_with_what_to_install(name: str, monkeypatch):
    monkeypatch.setitem(sys.modules, LIBRARIES[name], None)
    with pytest.raises(BackendError, match=f"^backend '{name}' needs {name}: pip install 'gradaudit\\[{name}\\]'$"):
        backends.check([a_case()], backend=name)


@pytest.mark.parametrize("name", ["loky", "threading", "sequential"])
def test_a_backend_of_this_machine_takes_no_scheduler(name: str):
    with pytest.raises(BackendError, match=f"'{name}' works on this machine and has no scheduler: use --backend dask"):
        backends.check([a_case()], backend=name, scheduler="tcp://host:8786")


def test_an_address_alone_means_dask():
    assert backends.default(4, scheduler="tcp://host:8786") == "dask"


# the plan


def tasks(*sizes: int, engine: str | None = None, **settings) -> list[Task]:
    cases = [a_case("ok", i, elements=size) for i, size in enumerate(sizes)]
    return [
        Task(i, replace(c, target=replace(c.target, engine=engine), settings=replace(c.settings, **settings)))
        for i, c in enumerate(cases)
    ]


def test_a_large_compiled_case_runs_alone_with_all_cores_after_the_small_ones():
    many, alone = two_levels(tasks(3, LARGE, 5, engine="numba"), jobs=2)
    assert [task.index for task in many] == [2, 0]
    assert [(task.index, task.threads) for task in alone] == [(1, 2)]
    verdicts = run([task.case for task in tasks(3, LARGE, 5, engine="numba")], jobs=2)
    assert [verdict.engine for verdict in verdicts] == ["threads=1", "threads=2", "threads=1"]


def test_a_large_case_that_may_be_pythons_starts_first_and_holds_up_nobody():
    many, alone = two_levels(tasks(3, LARGE, 5), jobs=2)
    assert [(task.index, task.threads) for task in many] == [(1, 2), (2, 1), (0, 1)]
    assert alone == []


@pytest.mark.parametrize("engine", ["python", "torch", "jax", "tape", "autograd"])
def test_threads_are_not_given_to_what_has_no_use_for_them(engine: str):
    many, alone = two_levels(tasks(3, LARGE, 5, engine=engine), jobs=2)
    assert [(task.index, task.threads) for task in many] == [(1, 1), (2, 1), (0, 1)]
    assert alone == []


def test_a_case_along_few_directions_is_not_a_large_one():
    many, alone = two_levels(tasks(3, LARGE, 5, engine="numba", directions=8), jobs=2)
    assert [(task.index, task.threads) for task in many] == [(1, 1), (2, 1), (0, 1)]
    assert alone == []


def test_as_many_large_cases_as_cores_run_side_by_side_longest_first():
    many, alone = two_levels(tasks(3, LARGE, 2 * LARGE), jobs=2)
    assert [(task.index, task.threads) for task in many] == [(2, 1), (1, 1), (0, 1)]
    assert alone == []


def test_one_job_keeps_the_order_of_the_plan():
    many, alone = two_levels(tasks(3, LARGE, 5), jobs=1)
    assert [task.index for task in many] == [0, 1, 2]
    assert alone == []


def test_cases_that_share_a_process_stay_together():
    mixed = [Task(i, a_case("ok", i, elements=i + 1, env=(("WORD", word),))) for i, word in enumerate("abab")]
    assert [task.index for task in two_levels(mixed, jobs=2)[0]] == [2, 0, 3, 1]


def test_the_size_of_a_case_counts_what_is_differentiated(tmp_path):
    stored = tmp_path / "x.npy"
    stored.write_bytes(bytes(800))
    inputs = (
        Input("a", Given(((1, 2), (3, 4)))),
        Input("b", Given(7)),
        Input("c", Stored(str(stored))),
        Input("d", Given((1, 2, 3)), differentiate=False),
    )
    case = Case("c", "c", Target("m:f"), inputs, ())
    assert elements(case) == 4 + 1 + 100
    assert elements(Case("c", "c", Target("m:f"), inputs, (), settings=Settings(elements=9))) == 9
