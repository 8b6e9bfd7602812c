"""How a keeper takes from the queue: far ahead where cases are short, and not at all where they are long."""

from collections import deque
from collections.abc import Iterable

import pytest
from stand_in import a_case

from gradaudit.backends._keeper import Task
from gradaudit.backends._shift import shift
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


def test_two_keepers_share_a_queue_and_nothing_is_done_twice_or_forgotten():
    queue = tasks(7)
    one, other = shift(Recorded(2), queue), shift(Recorded(0), queue)
    done = [next(one)[0], next(other)[0], next(other)[0], *(index for index, _ in one), *(index for index, _ in other)]
    assert sorted(done) == list(range(7))
