"""One case after the other, in one child of this process."""

from collections.abc import Iterator, Sequence

from gradaudit.backends._keeper import Keeper, Task
from gradaudit.judge.verdict import Verdict


def run(tasks: Sequence[Task], *, jobs: int) -> Iterator[tuple[int, Verdict]]:
    """(index, verdict) in the order of ``tasks``; ``jobs`` changes nothing here."""
    with Keeper() as keeper:
        for task in tasks:
            yield task.index, keeper.audit(task)
