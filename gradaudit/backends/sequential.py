"""One case after the other, in one child of this process."""

from collections import deque
from collections.abc import Generator, Sequence

from gradaudit.backends._shift import shift
from gradaudit.isolation.keeper import Keeper, Task
from gradaudit.judge.verdict import Verdict


def run(many: Sequence[Task], alone: Sequence[Task], *, jobs: int) -> Generator[tuple[int, Verdict], None, None]:
    """(index, verdict) in the order given; ``jobs`` changes nothing here."""
    with Keeper() as keeper:
        yield from shift(keeper, deque([*many, *alone]), ahead=1)
