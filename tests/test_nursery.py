"""Workers and the process that they are forked from: what is shared, what is replaced, and what is run again."""

import os
import pickle
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import get_type_hints

import numpy as np
import pytest
from processes import wait_until
from stand_in import AUDIT, a_case

from gradaudit import backends
from gradaudit.isolation import answer, child, environment, memory, nursery
from gradaudit.isolation.keeper import Keeper, Task
from gradaudit.isolation.outlet import Outlet
from gradaudit.isolation.processes import is_gone
from gradaudit.isolation.rows import form
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.verdict import Counts, Heat, Measures, Status, Verdict
from gradaudit.plan.case import Case

ALONE = "stand_in_alone:audit"

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a process holds, and who its are")


def asked(*cases: Case, audit: str = AUDIT, limit: float = 20.0, memory: int | None = None) -> list[Verdict]:
    """The verdicts of one keeper, in turn."""
    with Keeper() as keeper:
        return [keeper.audit(Task(i, case, limit=limit, memory=memory, audit=audit)) for i, case in enumerate(cases)]


# what is shared and what is replaced


def test_healthy_cases_share_a_worker():
    assert len({verdict.evidence for verdict in asked(*(a_case("process", i) for i in range(5)))}) == 1


def test_a_case_finds_no_signal_blocked_where_the_process_that_runs_it_blocks_some():
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})
    try:
        (verdict,) = asked(a_case("blocked_signals"))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    assert verdict.evidence == "set()"


@on_linux
@pytest.mark.parametrize("name", ["makes_temporary_files", "forks", "dies_later"])
def test_a_case_that_leaves_something_behind_says_so_and_the_next_has_a_fresh_worker(name: str):
    before, culprit, after = asked(a_case("process"), a_case(name), a_case("process", 1))
    assert culprit.status is Status.PASS
    assert [note for note in culprit.notes if note.startswith("left behind: ")]
    assert before.evidence != after.evidence
    assert after.notes == ()


@on_linux
def test_temporary_files_go_with_their_worker_even_where_nobody_may_open_them():
    culprit, after = asked(a_case("makes_temporary_files"), a_case("ok"))
    assert not Path(culprit.evidence).parent.exists()
    assert after.status is Status.PASS


@on_linux
@pytest.mark.parametrize("name", ["shares_memory", "shares_memory_and_hangs"])
def test_shared_memory_that_python_keeps_track_of_goes_with_its_worker(name: str):
    culprit, after = asked(a_case(name), a_case("ok"), limit=2.0)
    shared = Path("/dev/shm", culprit.printed.split()[0])
    assert shared.parent.is_dir()
    assert not shared.exists()
    assert after.status is Status.PASS


@on_linux
def test_a_case_whose_processes_all_fork_on_and_on_is_ended_with_every_one_of_them():
    with Keeper() as keeper:
        verdict = keeper.audit(Task(0, a_case("forks_on_and_on"), limit=0.3, audit=AUDIT))
        assert verdict.status is Status.TIMEOUT
        assert keeper._nursery is not None
        children = keeper._nursery.children
        assert wait_until(lambda: not children(), limit=3.0)  # killed processes take their time, where there are many


def test_compiled_code_is_kept_for_all_workers_and_goes_with_the_last(monkeypatch):
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)
    compiles = [a_case("keeps_compiled_code", i) for i in range(3)]
    first, again, _, other = asked(*compiles[:2], a_case("exits"), compiles[2])
    assert first.evidence == again.evidence
    assert first.notes == ()
    (one, folder), (another, same) = (verdict.evidence.split() for verdict in (first, other))
    assert one != another
    assert folder == same
    assert not Path(folder).exists()


def test_an_alarm_that_a_case_has_set_does_not_ring_in_the_next():
    first, second = asked(a_case("sets_an_alarm"), a_case("waits"))
    assert [first.status, second.status] == [Status.PASS, Status.PASS]


@on_linux
def test_a_case_that_kills_the_process_that_workers_come_from_harms_nobody():
    verdicts = asked(a_case("ok"), a_case("kills_its_parent"), a_case("process"), a_case("exits"), a_case("process", 1))
    assert [verdict.status for verdict in verdicts] == ["pass", "pass", "pass", "crash", "pass"]


@on_linux
def test_a_case_that_kills_the_process_that_workers_come_from_is_followed_by_cases_that_are_watched_again():
    names = ["process", "kills_its_parent", "leaves_a_demon", "eats"]
    _, culprit, demon, greedy = in_turn(*(a_case(name) for name in names), timeout=10.0, max_memory=400_000_000)
    assert culprit.notes == ()  # by the time that it is seen, another case may be at hand
    assert demon.notes == ("left behind: a process that detached itself; the next case has a fresh process",)
    assert greedy.diagnosis is Diagnosis.MEMORY


@on_linux
@pytest.mark.parametrize("wakes", [True, False])
def test_a_case_that_stops_the_process_that_workers_come_from_holds_nobody_up(
    wakes: bool, monkeypatch: pytest.MonkeyPatch
):
    if not wakes:
        monkeypatch.setattr(nursery, "END_LIMIT", 0.5)
        monkeypatch.setattr(nursery.Nursery, "_wake", lambda self: None)
    started = time.monotonic()
    before, *verdicts = asked(a_case("process"), a_case("stops_its_parent"), a_case("process", 1), limit=0.5)
    assert [verdict.status for verdict in verdicts] == [Status.TIMEOUT, Status.PASS]
    assert time.monotonic() - started < 10
    assert is_gone(int(before.evidence))


@on_linux
def test_a_case_that_kills_the_process_that_workers_come_from_has_no_more_memory_for_it():
    (greedy,) = asked(a_case("kills_its_parent_and_eats"), memory=400_000_000, limit=10.0)
    assert greedy.diagnosis is Diagnosis.MEMORY


@on_linux
def test_a_worker_whose_nursery_somebody_has_killed_between_two_cases_is_not_used_again():
    with Keeper() as keeper:
        before = keeper.audit(Task(0, a_case("parent"), audit=AUDIT))
        os.kill(int(before.evidence), signal.SIGKILL)
        assert wait_until(lambda: is_gone(int(before.evidence)))
        after = keeper.audit(Task(1, a_case("leaves_a_demon"), audit=AUDIT))
    assert after.notes == ("left behind: a process that detached itself; the next case has a fresh process",)


def test_what_python_reads_when_it_starts_is_set_before_it_starts():
    assert environment.early((("OMP_NUM_THREADS", "2"), ("LD_LIBRARY_PATH", "x"), ("WORD", "y"))).keys() == {
        "OMP_NUM_THREADS",
        "LD_LIBRARY_PATH",
    }
    early, late = (("PYTHONUTF8", "0"), ("OMP_NUM_THREADS", "3")), (("WORD", "late"),)
    (verdict,) = asked(a_case("settings", env=(*early, *late)))
    assert verdict.evidence == "['late', '3', '1']"


@pytest.mark.parametrize("env", [("PYTHONMALLOC", "bogus"), ("PYTHONHOME", "/nonexistent")])
def test_an_environment_in_which_nothing_starts_is_an_error_of_its_cases_and_of_no_others(env: tuple[str, str]):
    bad = [a_case("ok", i, env=(env,), place="s.yaml:1:1") for i in range(2)]
    before, *errors, after = asked(a_case("ok"), *bad, a_case("ok", 1))
    assert [before.status, after.status] == [Status.PASS, Status.PASS]
    for verdict in errors:
        assert verdict.status is Status.ERROR
        assert verdict.message.startswith(f"s.yaml:1:1: no process can be started with its env ({env[0]}={env[1]}): ")
        assert "it said:" in verdict.message
        assert "Fatal Python error" in verdict.printed


def test_a_python_that_tells_more_of_its_imports_than_a_pipe_holds_starts_too():
    started = time.monotonic()
    (verdict,) = asked(a_case("ok", env=(("PYTHONVERBOSE", "2"),)))
    assert verdict.status is Status.PASS
    assert time.monotonic() - started < 20


def test_where_forking_is_not_safe_every_worker_is_a_process_of_its_own():
    names = ["process", "process", "exits", "hangs", "ok"]
    verdicts = asked(*(a_case(name, i) for i, name in enumerate(names)), audit=ALONE, limit=4.0)
    assert [verdict.status for verdict in verdicts] == ["pass", "pass", "crash", "timeout", "pass"]
    assert verdicts[0].evidence == verdicts[1].evidence
    assert "exit code 7" in verdicts[2].message
    assert "in hangs" in verdicts[3].evidence


# what is run again


@pytest.mark.parametrize("harm", ["exits", "hangs", pytest.param("eats", marks=on_linux)])
def test_what_a_worker_breaks_over_is_run_again_alone_if_others_had_used_the_worker(harm: str):
    poison, fragile = asked(a_case("poisons"), a_case("is_fragile", tags=(harm,)), limit=2.0, memory=300_000_000)
    assert poison.status is Status.PASS
    assert (fragile.status, fragile.evidence) == (Status.PASS, "unharmed")


@pytest.mark.parametrize("jobs", [1, 2])
def test_nothing_else_is_run_again(jobs: int, tmp_path: Path):
    counted = tmp_path / "counted"
    env = (("COUNTED", str(counted)),)
    cases = [a_case("counts", i, env=env, tags=("exits",) if i in (4, 9) else ()) for i in range(14)]
    found = dict(backends.run(cases, jobs=jobs, audit=AUDIT))
    assert [found[i].status for i in range(14)] == ["crash" if i in (4, 9) else "pass" for i in range(14)]
    runs = Counter(counted.read_text().splitlines())
    assert {name for name, count in runs.items() if count > 1} <= {cases[4].id, cases[9].id}
    assert set(runs) == {case.id for case in cases}
    assert max(runs.values()) <= 2


def test_a_task_that_was_foretold_and_does_not_come_changes_nothing():
    first, other, third = (Task(i, a_case("process", i), audit=AUDIT) for i in range(3))
    with Keeper() as keeper:
        verdicts = [keeper.audit(first, upcoming=[other]), keeper.audit(third), keeper.audit(other)]
    assert [verdict.id for verdict in verdicts] == [first.case.id, third.case.id, other.case.id]
    assert [verdict.status for verdict in verdicts] == [Status.PASS] * 3


def in_turn(*cases: Case, **limits) -> list[Verdict]:
    """The verdicts of ``cases``, each of which the worker is given while it is busy with the one before."""
    return [verdict for _, verdict in backends.run(cases, jobs=1, audit=AUDIT, **limits)]


def test_what_cases_print_stays_with_them_though_the_worker_goes_on_at_once():
    names = ["prints", "ok", "prints", "prints", "ok", "ok", "prints"]
    verdicts = in_turn(*(a_case(name, number) for number, name in enumerate(names)), timeout=20.0)
    text = "to stdout\nto stderr\nto the descriptor\n"
    assert [verdict.printed for verdict in verdicts] == [text if name == "prints" else "" for name in names]


def test_a_case_after_which_nobody_would_wait_for_the_keeper_to_read_takes_nothing_from_the_next():
    names = ["keeps_the_streams_waiting_for_nobody", "prints_at_once", "prints", "ok"]
    verdicts = in_turn(*(a_case(name) for name in names), timeout=20.0)
    assert [verdict.status for verdict in verdicts] == [Status.PASS] * 4
    assert verdicts[1].evidence == "1000000"
    assert [verdict.printed for verdict in verdicts[2:]] == ["to stdout\nto stderr\nto the descriptor\n", ""]


def test_a_case_that_leaves_no_way_out_for_what_is_printed_says_so_and_the_next_has_a_fresh_worker():
    names = ["prints", "closes_what_leads_to_the_keeper", "prints", "ok"]
    before, culprit, *after = in_turn(*(a_case(name) for name in names), timeout=20.0)
    assert culprit.notes == ("left behind: no way out for what is printed; the next case has a fresh process",)
    assert [verdict.printed for verdict in after] == [before.printed, ""]
    assert [verdict.notes for verdict in after] == [(), ()]


def test_the_time_of_a_case_begins_when_the_one_before_has_ended():
    waiting = [a_case("waits", number, timeout=20.0) for number in range(5)]  # a second in all, at least
    verdicts = in_turn(*waiting, a_case("hangs", timeout=0.9), a_case("ok"), timeout=20.0)
    assert [verdict.status for verdict in verdicts] == [Status.PASS] * 5 + [Status.TIMEOUT, Status.PASS]
    assert 0.9 <= verdicts[5].measures.duration_s < 5
    assert verdicts[5].printed == "before it hung\n"


def test_a_case_too_large_for_the_pipe_holds_no_one_up_and_hides_no_time_out():
    large = a_case("ok", 1, owner="x" * 1_000_000)
    verdicts = in_turn(a_case("hangs", timeout=0.5), large, a_case("ok", 2), timeout=20.0)
    assert [verdict.status for verdict in verdicts] == [Status.TIMEOUT, Status.PASS, Status.PASS]


@on_linux
def test_a_case_that_was_already_asked_does_not_run_beside_what_another_has_left():
    first, demon, after = in_turn(a_case("process"), a_case("leaves_a_demon"), a_case("process", 1), timeout=20.0)
    assert demon.notes == ("left behind: a process that detached itself; the next case has a fresh process",)
    assert (first.notes, after.notes) == ((), ())
    assert after.evidence != first.evidence


# memory


@on_linux
@pytest.mark.parametrize("name", ["eats", "eats_by_a_child"])
def test_a_case_that_holds_too_much_memory_is_killed_and_says_how_much(name: str):
    greedy, after = asked(a_case(name, place="s.yaml:1:1"), a_case("ok"), memory=400_000_000)
    assert (greedy.status, greedy.diagnosis) == (Status.CRASH, Diagnosis.MEMORY)
    assert greedy.message.startswith("s.yaml:1:1: its process held ")
    assert "MB of memory, allowed 400 MB, and was killed; raise --max-memory" in greedy.message
    assert f"in {name}" in greedy.traceback
    assert after.status is Status.PASS


@on_linux
@pytest.mark.parametrize(("tags", "found"), [((), Diagnosis.TIMED_OUT), (("eats",), Diagnosis.MEMORY)])
def test_a_case_that_prints_all_the_time_is_ended_at_its_limits(
    tags: tuple[str, ...], found: Diagnosis, monkeypatch: pytest.MonkeyPatch
):
    take = Outlet.take
    # as on a busy machine: when the keeper has read something, more is there
    monkeypatch.setattr(Outlet, "take", lambda outlet: (take(outlet), time.sleep(0.005))[0])
    started = time.monotonic()
    limit = 20.0 if tags else 0.5
    verdict, after = asked(a_case("prints_all_the_time", tags=tags), a_case("ok"), memory=400_000_000, limit=limit)
    assert verdict.diagnosis is found
    assert after.status is Status.PASS
    assert time.monotonic() - started < 10


@pytest.fixture
def no_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """No keeper looks at memory while a case runs: whatever is seen was seen at its end."""
    monkeypatch.setattr(child, "MEMORY_TICK", 1000.0)


@on_linux
@pytest.mark.usefixtures("no_looks")
@pytest.mark.parametrize("name", ["eats_for_a_moment", "eats_for_a_moment_by_a_child"])
def test_memory_that_was_given_back_before_anybody_looked_is_seen_too(name: str):
    greedy, after = in_turn(a_case(name, place="s.yaml:1:1"), a_case("process"), max_memory=400_000_000)
    assert (greedy.status, greedy.diagnosis) == (Status.CRASH, Diagnosis.MEMORY)
    assert re.match(r"s.yaml:1:1: its process held [56]\d\d MB of memory, allowed 400 MB, and was ki", greedy.message)
    assert after.status is Status.PASS
    assert [verdict.status for verdict in in_turn(a_case(name))] == [Status.PASS]


@on_linux
@pytest.mark.usefixtures("no_looks")
def test_what_an_earlier_case_held_is_not_held_against_a_later_one(tmp_path: Path):
    counted = tmp_path / "counted"
    env = (("COUNTED", str(counted)),)
    moment, counts = a_case("eats_for_a_moment", env=env), a_case("counts", env=env)
    limits = [(counts, None), (moment, None), (counts, 400_000_000), (moment, 900_000_000), (counts, 400_000_000)]
    with Keeper() as keeper:
        verdicts = [keeper.audit(Task(i, case, memory=limit, audit=AUDIT)) for i, (case, limit) in enumerate(limits)]
    assert [verdict.status for verdict in verdicts] == [Status.PASS] * 5
    assert len(counted.read_text().splitlines()) == 3  # nor was it run again, to find out


@on_linux
@pytest.mark.usefixtures("no_looks")
def test_cases_below_the_limit_share_a_worker():
    verdicts = in_turn(*(a_case("process", i) for i in range(5)), max_memory=400_000_000)
    assert len({verdict.evidence for verdict in verdicts}) == 1


@pytest.mark.parametrize(
    ("text", "count"),
    [("500MB", 500_000_000), ("2GB", 2 * 10**9), ("1.5 GiB", 3 * 2**29), ("64000k", 64_000_000), ("1048576", 2**20)],
)
def test_a_size_may_be_written_as_people_write_it(text: str, count: int):
    assert memory.size(text) == count


def test_a_size_without_its_unit_is_refused():
    with pytest.raises(ValueError, match=r"'4' is 4 bytes, less than any process holds; write a unit, such as 2GB"):
        memory.size("4")


@pytest.mark.parametrize("text", ["", "GB", "-1GB", "0", "1e400TB", "2 giga", "9" * 30])
def test_anything_else_is_refused_with_what_is_allowed(text: str):
    with pytest.raises(ValueError, match="is not a size; allowed: 500MB, 2GB"):
        memory.size(text)


@on_linux
def test_what_this_process_holds_is_more_than_nothing_and_less_than_all():
    assert 10_000_000 < memory.resident(os.getpid()) < 100_000_000_000
    assert memory.resident(2**22 + 1) == 0


# answers


def test_an_answer_comes_back_as_it_was():
    verdict = Verdict("a", Status.FAIL, Diagnosis.ZERO, measures=Measures(bound=1e-3), notes=("one", "two"))
    written, left, held = answer.opened(answer.sealed(answer.write(verdict), ("a thread",), 7))
    assert repr(answer.read(written)) == repr(verdict)
    assert (left, held) == (("a thread",), 7)


@pytest.mark.parametrize("called", [os.mkdir, eval, getattr, answer.read, pickle.loads])
def test_nothing_in_an_answer_is_called(called: object):
    with pytest.raises(pickle.UnpicklingError, match="has no place in a verdict"):
        answer.read(pickle.dumps(called))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"status": None}, "None (NoneType) where Verdict.status should be"),
        ({"status": "pass"}, "'pass' (str) where Verdict.status should be"),
        ({"message": 7}, "7 (int) where Verdict.message should be"),
        ({"diagnosis": Status.FAIL}, "where Verdict.diagnosis should be"),
        ({"notes": ["a list"]}, "['a list'] (list) where tuple[str, ...] should be, in Verdict.notes"),
        ({"notes": ("a note", None)}, "None (NoneType) where str should be"),
        ({"measures": Measures(bound="small")}, "'small' (str) where Measures.bound should be, in Verdict.measures"),
        ({"measures": Measures(evaluations=True)}, "True (bool) where Measures.evaluations should be"),
        (
            {"heat": (Heat("gradient", "x", (3,), 3, (1, 1, 1), (0.5,)),)},
            "(tuple) where tuple[int, int] should be, in Heat.block",
        ),
        ({"heat": (Heat("gradient", "x", (3,), 3, (1, "1"), (0.5,)),)}, "'1' (str) where int should be"),
        ({"heat": (Heat("gradient", "x", (3,), 3, (1, 1), (0.5, "0.5")),)}, "'0.5' (str) where float should be"),
    ],
)
def test_a_verdict_with_something_else_in_a_field_is_refused(wrong: dict[str, object], said: str):
    fields = {"id": "a", "status": Status.PASS} | wrong
    with pytest.raises(pickle.UnpicklingError, match=re.escape(said)):
        answer.read(answer.write(Verdict(**fields)))


@pytest.mark.parametrize("other", [None, 7, "a", (), ("a", Status.PASS), [*range(20)], {"id": "a"}])
def test_what_is_no_whole_verdict_is_refused(other: object):
    with pytest.raises(pickle.UnpicklingError):
        answer.read(pickle.dumps(other))


@pytest.mark.parametrize("wrong", [{"measures": None}, {"measures": Counts()}, {"heat": (None,)}])
def test_what_has_no_such_fields_cannot_be_written(wrong: dict[str, object]):
    with pytest.raises(AttributeError):
        answer.write(Verdict("a", Status.PASS, **wrong))


@pytest.mark.parametrize("shorter", [1, 2, 15])
def test_a_part_of_a_verdict_without_all_of_its_fields_is_refused(shorter: int):
    row = form(Verdict).write(Verdict("a", Status.PASS))
    at = list(get_type_hints(Verdict)).index("measures")
    for cut in ((*row[:at], row[at][:-shorter], *row[at + 1 :]), row[:-shorter]):
        with pytest.raises(pickle.UnpicklingError, match="should be"):
            answer.read(pickle.dumps(cut))


def test_a_verdict_may_hold_numbers_of_numpy():
    measures = Measures(bound=np.float32(0.5), evaluations=np.int64(7))
    read = answer.read(answer.write(Verdict("a", Status.PASS, measures=measures)))
    assert (read.measures.bound, read.measures.evaluations) == (0.5, 7)


NO_ANSWERS = [7, (b"", ()), (b"", ("a thread",), 3.5), (b"", ("a thread", 7), None), ("", (), None)]


@pytest.mark.parametrize("payload", [b"", b"x", pickle.dumps((b"", ()))[:-3], *map(pickle.dumps, NO_ANSWERS)])
def test_bytes_that_are_no_answer_are_refused(payload: bytes):
    with pytest.raises(pickle.UnpicklingError):
        answer.opened(payload)


def test_a_verdict_that_would_call_something_when_it_is_read_is_a_crash_of_its_case(tmp_path: Path):
    made = tmp_path / "made"
    evil, after = asked(a_case("answers_with_a_function", env=(("COUNTED", str(made)),)), a_case("ok"))
    assert evil.status is Status.CRASH
    assert "no verdict that can be read: " in evil.message
    assert not made.exists()
    assert after.status is Status.PASS


def test_a_verdict_without_a_status_is_a_crash_of_its_case_and_not_the_end_of_the_run():
    (verdict,) = asked(a_case("ok"), audit="stand_in:gives_no_status")
    assert verdict.status is Status.CRASH
    assert "no verdict that can be read: None (NoneType) where Verdict.status should be" in verdict.message


def test_a_worker_without_a_nursery_does_not_mind_what_else_its_keeper_has_started():
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as other:
        try:
            verdicts = asked(a_case("process"), a_case("process", 1), audit=ALONE)
        finally:
            other.kill()
    assert verdicts[0].evidence == verdicts[1].evidence
    assert not any(verdict.notes for verdict in verdicts)
