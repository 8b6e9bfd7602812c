"""Worker processes of joblib's loky pool, each with a keeper and its child."""

import os
import time
from collections.abc import Generator, Sequence
from dataclasses import replace
from functools import cache, partial
from threading import Thread

from gradaudit.backends import sequential
from gradaudit.backends._joblib import as_finished
from gradaudit.isolation import scratch
from gradaudit.isolation.keeper import Task, audit_here
from gradaudit.judge.verdict import Verdict

LOOK = 0.5  #: s between a worker's looks at whether the run is still there


def run(many: Sequence[Task], alone: Sequence[Task], *, jobs: int) -> Generator[tuple[int, Verdict], None, None]:
    """(index, verdict) as cases finish: ``many`` in ``jobs`` workers, then ``alone`` in a child of this process.

    Raises joblib's TerminatedWorkerError where a worker of the pool dies; cases cannot do that, they run in its child.
    """
    if jobs == 1:  # for one, joblib has no worker: it would audit here, in a child that outlives the run
        yield from sequential.run(many, alone, jobs=1)
        return
    from joblib.externals.loky import get_reusable_executor

    temporary = scratch.make()
    mine = [replace(task, temporary=temporary) for task in many]
    try:
        with as_finished(partial(_audit, run=os.getpid()), mine, jobs=jobs, backend="loky") as finished:
            yield from finished
    finally:
        # the pool would idle on for minutes; the children of its workers die with them
        get_reusable_executor(max_workers=jobs).shutdown(wait=True, kill_workers=True)
        scratch.remove(temporary)  # killed at once, they could not
    yield from sequential.run((), alone, jobs=1)


def _audit(task: Task, *, run: int) -> tuple[int, Verdict]:
    """In a worker: audit, and do not outlive the process ``run``."""
    _end_with(run)
    return audit_here(task)


@cache
def _end_with(run: int) -> None:
    """Have this process end when ``run`` does: where that was killed, nobody ends the pool."""
    Thread(target=_await_end, args=(run,), name="gradaudit end of the run", daemon=True).start()


def _await_end(run: int) -> None:
    while os.getppid() == run:
        time.sleep(LOOK)
    os._exit(1)
