"""The keepers of one worker of a cluster: as many as cases at once, kept warm for a run, and let go when it ends."""

import contextlib
import os
import pickle
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from gradaudit.backends._cluster import Done
from gradaudit.backends._shift import shift
from gradaudit.isolation.keeper import OVER, Keeper, KeeperClosed, Task
from gradaudit.judge.verdict import Verdict

LATE = 0.1  #: s that a verdict may lie on a worker which is busy with what it was given together with its case


class Crew:
    """Keepers for the cases of one run in this process; safe to use from many threads.

    Cases work in ``folder``, as they do without a cluster, where this machine has it.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder if os.path.isdir(folder) else None
        self._lock = threading.Lock()
        self._idle: list[Keeper] = []
        self._all: list[Keeper] = []
        self._closed = False

    def audit(
        self, tasks: Sequence[Task], *, tell: Callable[[bytes], None] = lambda answers: None
    ) -> list[tuple[int, Verdict]]:
        """(index, verdict) of ``tasks``, one after the other. Raises KeeperClosed once the crew was closed.

        What is there before the last one is, ``tell`` gets soon, pickled, from a thread of its own.
        """
        answers: list[tuple[int, Verdict]] = []
        keeper = self._take()
        try:
            with _told(answers, tell) if len(tasks) > 1 else contextlib.nullcontext():
                answers.extend(shift(keeper, deque(tasks), ahead=1))
            return answers
        finally:
            with self._lock:
                self._idle.append(keeper)

    def close(self) -> None:
        """End every child at once, those in the middle of a case too; later tasks are refused."""
        with self._lock:
            self._closed = True
            keepers = tuple(self._all)
        for keeper in keepers:
            keeper.close()

    def _take(self) -> Keeper:
        with self._lock:
            if self._closed:
                raise KeeperClosed(OVER)
            if self._idle:
                return self._idle.pop()  # the last one back: the fewer are used, the warmer they are
            keeper = Keeper(folder=self._folder)
            self._all.append(keeper)
            return keeper


@contextlib.contextmanager
def _told(answers: Sequence[object], tell: Callable[[bytes], None]) -> Iterator[None]:
    """Inside, ``tell`` gets what comes to ``answers``, at most ten times a second: a cluster may have many workers."""
    over = threading.Event()
    telling = threading.Thread(target=_tell, args=(answers, tell, over), daemon=True)
    telling.start()
    try:
        yield
    finally:
        over.set()
        telling.join()


def _tell(answers: Sequence[object], tell: Callable[[bytes], None], over: threading.Event) -> None:
    told = 0
    while not over.wait(LATE):
        if fresh := answers[told:]:
            told += len(fresh)
            tell(pickle.dumps(fresh))


_crews: dict[str, Crew] = {}  #: of this process, by run: a cluster may serve several runs at once
_opening = threading.Lock()


def crew_of(run: str, *, folder: str = "") -> Crew:
    """The crew of ``run`` in this process, closed for good where the run was dismissed."""
    with _opening:
        return _crews.setdefault(run, Crew(folder))


def audit(tasks: Sequence[Task], *, run: str, folder: str, tell: Callable[[bytes], None]) -> Done:
    """A call of ``run`` in this process. Raises KeeperClosed where the run was dismissed."""
    began = time.monotonic()
    answers = crew_of(run, folder=folder).audit(tasks, tell=tell)
    return Done(answers, time.monotonic() - began)


def dismiss(run: str) -> None:
    """Close the crew of ``run``: a case that arrives after this is refused, so nothing of the run is left behind."""
    crew_of(run).close()
