"""A keeper audits case after case in a warm child, and replaces the child when a case hangs it, kills it or changes it.

What a broken child had in hand is audited again, alone in a fresh one, if others had used the child before: the verdict
is the case's own. No other case is run again.
"""

import atexit
import math
import os
import pickle
import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice

from gradaudit.isolation import answer, environment, spare
from gradaudit.isolation.broken import broken, unstarted
from gradaudit.isolation.child import AHEAD, Child, ChildFailed, Limits, Reply
from gradaudit.isolation.nursery import Nursery, NurseryFailed
from gradaudit.judge.attempts import is_worth_another, of_attempts
from gradaudit.judge.verdict import Status, Verdict
from gradaudit.plan.case import Case

AUDIT = "gradaudit.auditor:audit_case"
WITH_POWER = "gradaudit.auditor:audit_case_with_power"
IMPORT = "gradaudit.isolation.worker:import_case"
OVER = "the run is over: its workers were closed"
MOMENT = 0.05  #: s of work that a child is given ahead: no case of it may wait long while another child is idle


@dataclass(frozen=True)
class Task:
    """One case for a worker, with what the plan of the run adds to it: plain data."""

    index: int  #: position in the plan
    case: Case
    threads: int = 1  #: for the perturbation loop; results do not depend on it
    limit: float | None = None  #: seconds; None: no limit
    memory: int | None = None  #: bytes that its process may hold; None: no limit
    temporary: str | None = None  #: folder for temporary files; None: among those of the system
    audit: str = AUDIT  #: reference of ``audit_case(case, *, threads) -> Verdict``
    retries: int = 0  #: further attempts at a case that ends badly, each in a child of its own
    fallback: str | None = None  #: audit to try where the other is late or dies: no self-test may cost a verdict


class KeeperClosed(RuntimeError):
    """A task came after the run was over."""


class Keeper:
    """Owns at most one child at a time. A verdict comes out for every task, whatever the case does.

    Cases work in ``folder``; None: in that of this process.

    Raises NurseryFailed or ChildFailed where no child can be started at all; where none can be with what the ``env`` of
    its suite says, that is an error of the case.
    """

    def __init__(self, *, folder: str | None = None) -> None:
        self._folder = folder
        self._nursery: Nursery | None = None
        self._child: Child | None = None
        self._surroundings: tuple[object, ...] = ()  #: of the child
        self._ahead: deque[Task] = deque()  #: what the child has been asked already
        self._unstartable: dict[tuple[object, ...], str] = {}  #: what was said where none could be started
        self._closed = False
        self._busy = threading.Lock()

    def __enter__(self) -> "Keeper":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def foresight(self) -> int:
        """How many upcoming tasks keep its child busy for a moment, as fast as it has been of late."""
        pace = math.inf if self._child is None else self._child.pace
        return int(min(AHEAD - 1, MOMENT / max(pace, 1e-6)))

    def audit(self, task: Task, *, upcoming: Iterable[Task] = ()) -> Verdict:
        """How the case of ``task`` ended. Raises KeeperClosed once ``close`` was called.

        Where the tasks of the next calls are known, the child begins with each as soon as it is done with the one
        before.
        """
        attempts = [self._attempt(task, upcoming=upcoming)]
        while len(attempts) <= task.retries and is_worth_another(attempts[-1], task.case.expect):
            with self._busy:
                self._discard()  # what an earlier case left behind in the child may be the reason
            attempts.append(self._attempt(task))
        return of_attempts(attempts)

    def _attempt(self, task: Task, *, upcoming: Iterable[Task] = ()) -> Verdict:
        verdict = self._audited(task, upcoming=upcoming)
        if task.fallback is None or verdict.status not in (Status.TIMEOUT, Status.CRASH):
            return verdict
        plain = self._audited(replace(task, audit=task.fallback, fallback=None))
        if plain.status is not Status.PASS:  # the self-test was not to blame
            return plain
        note = f"audited without the self-test of power; with it: {verdict.message}"
        return replace(plain, notes=(*plain.notes, note))

    def close(self) -> None:
        """End the child: a case under way in another thread ends at once, and later tasks are refused."""
        self._closed = True
        if (nursery := self._nursery) is not None:
            nursery.shutdown()
        with self._busy:
            self._discard()
            self._dismiss()

    def _audited(self, task: Task, *, upcoming: Iterable[Task] = ()) -> Verdict:
        with self._busy:
            try:
                if (said := self._unstartable.get(_start(task))) is not None:
                    return unstarted(task.case, said)
                reply, alone = self._ask(task, upcoming)
                if reply.answer is None and not alone and not self._closed:
                    self._discard()
                    reply, _ = self._ask(task)
                return self._verdict(task, reply)
            except (NurseryFailed, ChildFailed) as problem:
                self._discard()
                if self._closed:  # in the middle of its start
                    raise KeeperClosed(OVER) from None
                if not task.case.env:  # not the suite's doing: no case can run here
                    raise
                self._unstartable[_start(task)] = str(problem)
                return unstarted(task.case, str(problem))
            except BaseException:  # Ctrl-C above all: the child is in the middle of a case and useless now
                self._discard()
                raise

    def _verdict(self, task: Task, reply: Reply) -> Verdict:
        if reply.answer is None:
            self._discard()
            return broken(task.case, reply, _limits(task))
        try:
            written, left, _ = answer.opened(reply.answer)
            if left:
                self._discard()
            verdict = answer.read(written)
        except pickle.UnpicklingError as problem:  # a case that spoiled what writes answers
            self._discard()
            return broken(
                task.case, reply, _limits(task), how=f"its process gave no verdict that can be read: {problem}"
            )
        if told := [one for one in left if one]:
            note = f"left behind: {', '.join(told)}; the next case has a fresh process"
            verdict = replace(verdict, notes=(*verdict.notes, note))
        return replace(verdict, id=task.case.id, printed=reply.printed)

    def _ask(self, task: Task, upcoming: Iterable[Task] = ()) -> tuple[Reply, bool]:
        """The reply, and whether the child had served no other case."""
        if self._ahead and self._ahead[0] is task:
            self._ahead.popleft()
        else:
            self._ask_anew(task)
        child = self._child_for(task)
        self._look_ahead(child, islice(upcoming, len(self._ahead), None))
        return _weighed(child.reply(), task), child.served == 1

    def _look_ahead(self, child: Child, upcoming: Iterable[Task]) -> None:
        for task in upcoming:
            if self._surroundings != _surroundings(task) or not child.has_room(request := _request(task)):
                return
            try:
                child.ask(request, limits=_limits(task))
            except BrokenPipeError:  # it has died: asked again when its turn comes, of another child
                return
            self._ahead.append(task)

    def _ask_anew(self, task: Task) -> None:
        # another one than was foretold: its child is busy with that; or nobody sees what a child holds and starts
        if self._ahead or (self._nursery is not None and self._nursery.has_ended()):
            self._discard()
        try:
            self._child_for(task).ask(_request(task), limits=_limits(task))
        except BrokenPipeError:  # it died between two cases, by something that one of them left behind
            self._discard()
            self._child_for(task).ask(_request(task), limits=_limits(task))

    def _child_for(self, task: Task) -> Child:
        if self._child is not None and self._surroundings != _surroundings(task):
            self._discard()
        if self._closed:
            raise KeeperClosed(OVER)
        if self._child is None:
            self._child = self._forked(task)
            self._surroundings = _surroundings(task)
        return self._child

    def _forked(self, task: Task) -> Child:
        nursery, late = self._nursery_for(task), environment.late(task.case.env)
        if not nursery.used:
            return Child(nursery, late)
        try:
            return Child(nursery, late)
        except NurseryFailed:  # a case has killed it
            self._dismiss()
            return Child(self._nursery_for(task), late)

    def _nursery_for(self, task: Task) -> Nursery:
        early = environment.early(task.case.env)
        old = self._nursery
        if old is not None and (old.audit != task.audit or old.env != early or old.has_ended()):
            self._dismiss()
        if self._nursery is None:
            started = None if task.temporary else spare.claimed(task.audit, early, folder=self._folder)
            self._nursery = started or Nursery(task.audit, early, folder=self._folder, temporary=task.temporary)
            if self._closed:  # while it was made: who closed us has not seen it, and would wait for its start
                raise KeeperClosed(OVER)
        return self._nursery

    def _discard(self) -> None:
        self._ahead.clear()
        if self._child is not None:
            self._child.close()
            self._child = None

    def _dismiss(self) -> None:
        if self._nursery is not None:
            self._nursery.close()
            self._nursery = None


def _surroundings(task: Task) -> tuple[object, ...]:
    """What cases have in common that may share a child."""
    return task.audit, task.case.path, task.case.env, task.memory


def _start(task: Task) -> tuple[object, ...]:
    """What it depends on whether a child can be started."""
    return task.audit, task.case.env


def _request(task: Task) -> bytes:
    return pickle.dumps((task.case, task.threads, task.memory))


def _weighed(reply: Reply, task: Task) -> Reply:
    """The reply, as if its case had been seen where it held too much memory: a moment may escape who only looks."""
    if task.memory is None or reply.answer is None:
        return reply
    try:
        *_, held = answer.opened(reply.answer)
    except pickle.UnpicklingError:  # no verdict either, which is told of it
        return reply
    return reply if held is None else replace(reply, answer=None, memory=held)


def _limits(task: Task) -> Limits:
    return Limits(seconds=task.limit, memory=task.memory)


@cache
def _own(process: int) -> Keeper:
    keeper = Keeper()
    atexit.register(keeper.close)
    return keeper


def audit_here(task: Task) -> tuple[int, Verdict]:
    """Audit in the one keeper of this process: what worker processes of any kind call."""
    return task.index, _own(os.getpid()).audit(task)
