"""One case after the other, in one child of this process."""

from collections.abc import Generator, Sequence

from gradaudit.backends._keeper import Keeper, Task
from gradaudit.judge.verdict import Verdict


def run(many: Sequence[Task], alone: Sequence[Task], *, jobs: int) -> Generator[tuple[int, Verdict], None, None]:
    """(index, verdict) in the order given; ``jobs`` changes nothing here."""
    with Keeper() as keeper:
        for task in (*many, *alone):
            yield task.index, keeper.audit(task)
