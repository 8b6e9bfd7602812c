"""As many keepers as jobs, each with its own child, minded by joblib's threads of this process."""

from collections.abc import Generator, Sequence
from contextlib import ExitStack, closing
from queue import SimpleQueue

from gradaudit.backends._keeper import Keeper, Task
from gradaudit.judge.verdict import Verdict


def run(tasks: Sequence[Task], *, jobs: int) -> Generator[tuple[int, Verdict], None, None]:
    """(index, verdict) as cases finish, ``jobs`` at a time."""
    from joblib import Parallel, delayed

    idle: SimpleQueue[Keeper] = SimpleQueue()

    def audit(task: Task) -> tuple[int, Verdict]:
        keeper = idle.get()
        try:
            return task.index, keeper.audit(task)
        finally:
            idle.put(keeper)

    parallel = Parallel(n_jobs=jobs, backend="threading", return_as="generator_unordered", batch_size=1)
    with ExitStack() as stack:
        finished = stack.enter_context(closing(parallel(delayed(audit)(task) for task in tasks)))
        for _ in range(jobs):  # entered last, so closed first: joblib then waits for no case
            idle.put(stack.enter_context(Keeper()))
        yield from finished
