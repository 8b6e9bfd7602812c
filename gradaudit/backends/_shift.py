"""A keeper at work: task after task from a queue, and its child told of what comes next."""

from collections import deque
from collections.abc import Iterator

from gradaudit.isolation.keeper import Keeper, Task
from gradaudit.judge.verdict import Verdict


def shift(keeper: Keeper, queue: deque[Task], *, ahead: int = 0) -> Iterator[tuple[int, Verdict]]:
    """(index, verdict) of tasks from the left end of ``queue``, until it is empty; other keepers may take from it too.

    ``ahead`` tasks at least are taken before their turn. More are where cases are short, so that the child never waits;
    where they are long, another keeper may be free before this one.
    """
    mine: deque[Task] = deque()
    while _has_taken(mine, queue, 1):
        task = mine.popleft()
        _has_taken(mine, queue, max(ahead, keeper.foresight))
        yield task.index, keeper.audit(task, upcoming=mine)


def _has_taken(mine: deque[Task], queue: deque[Task], count: int) -> bool:
    """Whether ``mine`` has any, after it was filled up to ``count``."""
    while len(mine) < count:
        try:
            mine.append(queue.popleft())
        except IndexError:  # not asked before: another keeper could have taken the last one since
            break
    return bool(mine)
