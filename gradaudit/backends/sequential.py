"""One case after the other, in one child of this process."""

from collections.abc import Generator, Sequence
from itertools import zip_longest

from gradaudit.backends._keeper import Keeper, Task
from gradaudit.judge.verdict import Verdict


def run(many: Sequence[Task], alone: Sequence[Task], *, jobs: int) -> Generator[tuple[int, Verdict], None, None]:
    """(index, verdict) in the order given; ``jobs`` changes nothing here."""
    with Keeper() as keeper:
        tasks = [*many, *alone]
        for task, upcoming in zip_longest(tasks, tasks[1:]):
            yield task.index, keeper.audit(task, upcoming=upcoming)
