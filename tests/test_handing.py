"""Cases go to the workers of a cluster several at a time, and each is answered for itself, once."""

import pickle
import threading
import time
from collections.abc import Sequence
from contextlib import closing

import pytest
from processes import wait_until
from stand_in import AUDIT, a_case

from gradaudit.backends import BackendLost
from gradaudit.backends._cluster import Done, Lost, lost
from gradaudit.backends._crew import Crew
from gradaudit.backends._handing import AHEAD, SPELL, Handing
from gradaudit.isolation.keeper import Task
from gradaudit.judge.verdict import Status, Verdict

THREADS = 2


class Workers:
    """What was sent to them, and what joblib was told."""

    def __init__(self) -> None:
        self.calls: list[tuple[Task, ...]] = []
        self.told: dict[int, list[object]] = {}
        self.handing = Handing(self.calls.append, threads=THREADS)

    def submit(self, count: int) -> None:
        for task in tasks(count):
            self.handing.submit(task, self.told.setdefault(task.index, []).append)

    def end(self, *, pace: float | None) -> int:
        """The oldest call ends, at so many seconds a case; how many cases it had."""
        call = self.calls.pop(0)
        self.handing.ended(Done(answers(call), None if pace is None else pace * len(call)))
        return len(call)

    def answered(self) -> list[int]:
        return sorted(index for index, heard in self.told.items() if heard)


def tasks(count: int) -> list[Task]:
    return [Task(index, a_case("ok", index), audit=AUDIT) for index in range(count)]


def answers(call: Sequence[Task]) -> list[tuple[int, Verdict]]:
    return [(task.index, Verdict(task.case.id, Status.PASS)) for task in call]


@pytest.fixture
def workers() -> Workers:
    return Workers()


def test_before_anything_is_known_of_them_cases_go_one_by_one_and_no_more_than_are_wanted(workers: Workers):
    workers.submit(100)
    assert [len(call) for call in workers.calls] == [1] * AHEAD * THREADS


def test_all_cases_are_sent_and_answered_once_in_the_order_in_which_they_came(workers: Workers):
    workers.submit(1000)
    seen: list[int] = []
    while workers.calls:
        seen += [task.index for task in workers.calls[0]]
        workers.end(pace=0.001)
    assert seen == list(range(1000))
    assert [len(heard) for heard in workers.told.values()] == [1] * 1000


def test_short_cases_go_together_as_many_as_fill_the_time_and_long_ones_alone(workers: Workers):
    workers.submit(10_000)
    for _ in range(3 * AHEAD * THREADS):
        workers.end(pace=0.01)
    assert {len(call) for call in workers.calls} == {int(SPELL / 0.01)}
    for _ in range(AHEAD * THREADS):
        workers.end(pace=10.0)
    assert {len(call) for call in workers.calls} == {1}


def test_the_last_cases_are_dealt_out_so_that_no_worker_has_much_to_do_when_the_others_are_done(workers: Workers):
    workers.submit(500)
    sizes = []
    while workers.calls:
        sizes.append(workers.end(pace=1e-4))
    first = sizes[AHEAD * THREADS]
    assert 30 < first < 100  # an eighth of what is left, though all of them would fit
    assert sizes[-3:] == [1, 1, 1]


def test_a_verdict_is_passed_on_before_its_call_has_ended_and_never_twice(workers: Workers):
    workers.submit(1)
    (call,) = workers.calls
    workers.handing.hear(answers(call))
    assert workers.answered() == [0]
    workers.handing.hear(answers(call))
    workers.end(pace=0.1)
    assert len(workers.told[0]) == 1


def test_what_was_answered_on_the_way_is_neither_lost_with_its_worker_nor_sent_again(workers: Workers):
    workers.submit(1000)
    for _ in range(3 * AHEAD * THREADS):
        workers.end(pace=0.001)
    call = workers.calls[0]
    workers.handing.hear(answers(call[:5]))
    assert workers.handing.unanswered(call) == call[5:]
    workers.handing.ended(lost(call, "its worker died"))
    kept, gone = ([workers.told[task.index] for task in part] for part in (call[:5], call[5:]))
    assert [answer.status for ((_, answer),) in (heard[0] for heard in kept)] == ["pass"] * 5
    assert all(isinstance(answer, Lost) for ((_, answer),) in (heard[0] for heard in gone))
    assert gone


def test_a_call_that_fails_tells_joblib_why(workers: Workers):
    workers.submit(1)
    workers.handing.fail(workers.calls[0], BackendLost("planted"))
    (why,) = workers.told[0]
    assert isinstance(why, BackendLost)


def test_a_run_that_is_over_sends_nothing_more(workers: Workers):
    workers.submit(100)
    workers.handing.forget()
    workers.end(pace=0.001)
    assert len(workers.calls) == AHEAD * THREADS - 1
    assert workers.answered() == []


def test_many_threads_may_submit_and_answer_at_once():
    told: list[int] = []
    pending: list[tuple[Task, ...]] = []
    handing = Handing(pending.append, threads=THREADS)

    def work() -> None:
        while len(told) < 600:
            try:
                call = pending.pop()
            except IndexError:
                time.sleep(0.001)
            else:
                handing.ended(Done(answers(call), 0.001 * len(call)))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for task in tasks(600):
        handing.submit(task, lambda heard: told.append(heard[0][0]))
    for thread in threads:
        thread.join(30)
    assert sorted(told) == list(range(600))


# on the worker


def test_a_worker_tells_of_verdicts_while_a_case_after_them_is_under_way():
    told: list[bytes] = []
    given = [Task(i, a_case(name, i), limit=3.0, audit=AUDIT) for i, name in enumerate(["ok", "ok", "hangs", "ok"])]
    with closing(Crew("")) as crew:
        working = threading.Thread(target=crew.audit, args=(given,), kwargs={"tell": told.append})
        working.start()
        assert wait_until(lambda: told, limit=2.5)
        early = [index for payload in told for index, _ in pickle.loads(payload)]
        working.join()
    assert early
    assert set(early) <= {0, 1}


def test_a_worker_tells_nothing_beside_the_answer_to_a_call_of_one_case():
    told: list[bytes] = []
    with closing(Crew("")) as crew:
        crew.audit([Task(0, a_case("slow"), audit=AUDIT)], tell=told.append)
    assert told == []
