"""As many keepers as jobs, each with its own child, minded by joblib's threads of this process."""

from collections.abc import Generator, Sequence
from contextlib import ExitStack
from queue import SimpleQueue

from gradaudit.backends._joblib import as_finished
from gradaudit.backends._keeper import Keeper, Task
from gradaudit.judge.verdict import Verdict


def run(many: Sequence[Task], alone: Sequence[Task], *, jobs: int) -> Generator[tuple[int, Verdict], None, None]:
    """(index, verdict) as cases finish: ``many`` with ``jobs`` at a time, then ``alone`` in a child that is warm."""
    idle: SimpleQueue[Keeper] = SimpleQueue()

    def audit(task: Task) -> tuple[int, Verdict]:
        keeper = idle.get()
        try:
            return task.index, keeper.audit(task)
        finally:
            idle.put(keeper)

    with ExitStack() as stack:
        finished = stack.enter_context(as_finished(audit, many, jobs=jobs, backend="threading"))
        for _ in range(jobs):  # entered last, so closed first: joblib then waits for no case
            idle.put(stack.enter_context(Keeper()))
        yield from finished
        yield from map(audit, alone)
