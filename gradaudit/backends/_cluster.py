"""What every cluster does alike: a case whose worker was lost runs again, alone; where that fails, it is a verdict."""

import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

from gradaudit.backends._joblib import as_finished
from gradaudit.isolation.keeper import Task
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.verdict import Status, Verdict

GRACE = 300.0  #: s that a worker may be late with a case beyond its limit: a cold machine starts slowly


@dataclass(frozen=True)
class Lost:
    """What came back in place of a verdict: the worker that had the case in hand is gone, or does not answer."""

    why: str
    late: bool = False  #: the worker may live, and said nothing long after the limit of the case


Answer = tuple[int, Verdict | Lost]


@dataclass(frozen=True)
class Done:
    """How a call ended: an answer to each task that a worker was given together."""

    answers: Sequence[Answer]
    seconds: float | None = None  #: that the worker took for all of them; None: it did not say


Ask = Callable[[Sequence[Task]], AbstractContextManager[Iterator[Answer]]]


def longest_first(many: Sequence[Task], alone: Sequence[Task]) -> list[Task]:
    """One queue, a thread a case: the machines of a cluster have cases to do while one is at a large one."""
    return [replace(task, threads=1) for task in (*alone, *many)]


def asking(audit: Callable[..., object], backend: object) -> Ask:
    """Rounds of ``audit(tasks)`` by ``backend`` of joblib, which is given all of them and takes short ones together."""
    return partial(as_finished, cast(Callable[[Task], Answer], audit), jobs=-1, backend=backend, ahead="all")


def submitted(calls: Any) -> tuple[Callable[..., Any], Task]:
    """The function of one of joblib's calls, the same for all tasks of a run, and the task."""
    ((function, (task,), _),) = calls.items
    return function, task


def lost(tasks: Sequence[Task], why: str, *, late: bool = False) -> Done:
    """The same answer to all ``tasks`` that a worker had in hand."""
    return Done([(task.index, Lost(why, late)) for task in tasks])


def allowed(tasks: Sequence[Task]) -> float | None:
    """Seconds that a worker may take for ``tasks``, the start of its child included; None: one has no limit."""
    limits = [_audits(task) * task.limit for task in tasks if task.limit is not None]
    return sum(limits) + GRACE if len(limits) == len(tasks) else None


def _audits(task: Task) -> int:
    """How many the keeper on the worker may make, each ended at the limit of the case."""
    # with a fallback an attempt may be two, and the first of all is made again where its child had served other cases
    return (task.retries + 1) * (1 if task.fallback is None else 2) + 1


def until_answered(tasks: Sequence[Task], ask: Ask) -> Generator[tuple[int, Verdict], None, None]:
    """(index, verdict) of all ``tasks`` as they finish, from rounds of ``ask``.

    A healthy case may have shared a worker with one that ended it: what is lost is asked once more, each alone.
    """
    again: list[Task] = []
    by_index = {task.index: task for task in tasks}
    with ask(tasks) as answers:
        for index, answer in answers:
            if isinstance(answer, Lost):
                again.append(by_index[index])
            else:
                yield index, answer
    for task in again:
        with ask([task]) as answers:
            for index, answer in answers:
                yield index, _given_up(task, answer) if isinstance(answer, Lost) else answer


def telling(
    answers: Generator[tuple[int, Verdict], None, None],
    refused: Callable[[], Sequence[str]],
    tell: Callable[[str], None],
    *,
    who: str,
) -> Generator[tuple[int, Verdict], None, None]:
    """``answers``; each problem of ``refused`` goes to ``tell`` once, when it is first there, and ``who`` has it."""
    told: set[str] = set()
    with closing(answers):
        for answer in answers:
            for problem in (problems := set(refused())) - told:
                tell(f"a {who} that joined later is not used: {problem}")
            told |= problems
            yield answer


def _given_up(task: Task, lost: Lost) -> Verdict:
    place = f"{task.case.place}: " if task.case.place else ""
    return Verdict(
        id=task.case.id,
        status=Status.TIMEOUT if lost.late else Status.CRASH,
        diagnosis=Diagnosis.TIMED_OUT if lost.late else Diagnosis.DIED,
        message=f"{place}{lost.why}, asked twice, the second time alone; look at the logs of the workers, or run the "
        f"case without a cluster: --backend sequential --id {task.case.id!r}",
        evidence=lost.why,
    )


def in_thread(function: Callable[..., None], *args: object) -> None:
    """``function(*args)`` in a thread of its own, for which nothing waits, not even the end of the process."""
    threading.Thread(target=function, args=args, name="gradaudit beside its cluster", daemon=True).start()
