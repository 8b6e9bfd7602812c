"""How a keeper takes from the queue: far ahead where cases are short, and not at all where they are long."""

import math
from collections import deque
from collections.abc import Iterable
from types import SimpleNamespace

import pytest
from stand_in import a_case

from gradaudit.backends._shift import shift
from gradaudit.isolation.keeper import Keeper, Task
from gradaudit.judge.verdict import Status, Verdict


class Recorded:
    """A keeper that audits nothing, and remembers what it was told."""

    def __init__(self, foresight: int) -> None:
        self.foresight = foresight
        self.told: list[list[int]] = []

    def audit(self, task: Task, *, upcoming: Iterable[Task] = ()) -> Verdict:
        self.told.append([task.index for task in upcoming])
        return Verdict(task.case.id, Status.PASS)


def tasks(count: int) -> deque[Task]:
    return deque(Task(number, a_case("ok", number)) for number in range(count))


@pytest.mark.parametrize(
    ("foresight", "ahead", "told"),
    [
        (0, 0, [[], [], [], []]),
        (0, 1, [[1], [2], [3], []]),
        (2, 0, [[1, 2], [2, 3], [3], []]),
        (9, 1, [[1, 2, 3], [2, 3], [3], []]),
    ],
)
def test_every_task_is_done_in_turn_and_told_as_far_ahead_as_pays(foresight: int, ahead: int, told: list[list[int]]):
    keeper = Recorded(foresight)
    assert [index for index, _ in shift(keeper, tasks(4), ahead=ahead)] == [0, 1, 2, 3]
    assert keeper.told == told


@pytest.mark.parametrize(("pace", "count"), [(math.inf, 0), (1.0, 0), (0.01, 5), (0.001, 15), (0.0, 15)])
def test_a_keeper_looks_far_ahead_only_where_its_child_is_fast(pace: float, count: int):
    keeper = Keeper()
    keeper._child = SimpleNamespace(pace=pace)
    assert keeper.foresight == count


def test_a_keeper_without_a_child_looks_no_further_than_it_must():
    assert Keeper().foresight == 0


def test_two_keepers_share_a_queue_and_nothing_is_done_twice_or_forgotten():
    queue = tasks(7)
    one, other = shift(Recorded(2), queue), shift(Recorded(0), queue)
    done = [next(one)[0], next(other)[0], next(other)[0], *(index for index, _ in one), *(index for index, _ in other)]
    assert sorted(done) == list(range(7))
