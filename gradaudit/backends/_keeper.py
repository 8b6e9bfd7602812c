"""A keeper audits case after case in a warm child, and replaces the child when a case hangs it or kills it."""

import atexit
import os
import pickle
import threading
from dataclasses import dataclass, replace
from functools import cache

from gradaudit.backends._child import Child, Reply, Surroundings, died_of
from gradaudit.judge.attempts import is_worth_another, of_attempts
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.verdict import Measures, Status, Verdict
from gradaudit.plan.case import Case

AUDIT = "gradaudit.auditor:audit_case"
WITH_POWER = "gradaudit.auditor:audit_case_with_power"


@dataclass(frozen=True)
class Task:
    """One case for a worker, with what the plan of the run adds to it: plain data."""

    index: int  #: position in the plan
    case: Case
    threads: int = 1  #: for the perturbation loop; results do not depend on it
    limit: float | None = None  #: seconds; None: no limit
    audit: str = AUDIT  #: reference of ``audit_case(case, *, threads) -> Verdict``
    retries: int = 0  #: further attempts at a case that ends badly, each in a child of its own
    fallback: str | None = None  #: audit to try where the other is late or dies: no self-test may cost a verdict


class KeeperClosed(RuntimeError):
    """A task came after the run was over."""


class Keeper:
    """Owns at most one child at a time. A verdict comes out for every task, whatever the case does.

    Raises ChildFailed where no child can be started at all.
    """

    def __init__(self) -> None:
        self._child: Child | None = None
        self._closed = False
        self._busy = threading.Lock()

    def __enter__(self) -> "Keeper":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def audit(self, task: Task) -> Verdict:
        """How the case of ``task`` ended. Raises KeeperClosed once ``close`` was called."""
        attempts = [self._attempt(task)]
        while len(attempts) <= task.retries and is_worth_another(attempts[-1], task.case.expect):
            with self._busy:
                self._discard()  # what an earlier case left behind in the child may be the reason
            attempts.append(self._attempt(task))
        return of_attempts(attempts)

    def _attempt(self, task: Task) -> Verdict:
        verdict = self._audited(task)
        if task.fallback is None or verdict.status not in (Status.TIMEOUT, Status.CRASH):
            return verdict
        plain = self._audited(replace(task, audit=task.fallback, fallback=None))
        if plain.status is not Status.PASS:  # the self-test was not to blame
            return plain
        note = f"audited without the self-test of power; with it: {verdict.message}"
        return replace(plain, notes=(*plain.notes, note))

    def close(self) -> None:
        """Kill the child: a case under way in another thread ends at once, and later tasks are refused."""
        self._closed = True
        if (child := self._child) is not None:
            child.kill()
        with self._busy:
            self._discard()

    def _audited(self, task: Task) -> Verdict:
        with self._busy:
            try:
                reply = self._ask(task)
            except BaseException:  # Ctrl-C above all: the child is in the middle of a case and useless now
                self._discard()
                raise
            if reply.answer is None:
                self._discard()
                return _late(task, reply) if reply.late else _died(task, reply)
        verdict: Verdict = pickle.loads(reply.answer)
        return replace(verdict, id=task.case.id, printed=reply.printed)

    def _ask(self, task: Task) -> Reply:
        request = pickle.dumps((task.case, task.threads))
        surroundings = Surroundings(audit=task.audit, path=task.case.path, env=task.case.env)
        try:
            return self._child_for(surroundings).ask(request, limit=task.limit)
        except BrokenPipeError:  # it died between two cases, by a thread or timer that one of them left behind
            self._discard()
            return self._child_for(surroundings).ask(request, limit=task.limit)

    def _child_for(self, surroundings: Surroundings) -> Child:
        if self._child is not None and self._child.surroundings != surroundings:
            self._discard()
        if self._child is None and not self._closed:
            self._child = Child(surroundings)
        if self._child is None or self._closed:
            raise KeeperClosed("the run is over: its workers were closed")
        return self._child

    def _discard(self) -> None:
        if self._child is not None:
            self._child.close()
            self._child = None


def _late(task: Task, reply: Reply) -> Verdict:
    return Verdict(
        id=task.case.id,
        status=Status.TIMEOUT,
        diagnosis=Diagnosis.TIMED_OUT,
        message=f"{_place(task.case)}ran past its limit of {task.limit:g} s and was killed; "
        f"raise 'timeout:' of the case or --timeout, or check fewer elements",
        evidence=_innermost(reply.trace),
        measures=Measures(duration_s=reply.seconds),
        traceback=reply.trace,
        printed=reply.printed,
    )


def _died(task: Task, reply: Reply) -> Verdict:
    return Verdict(
        id=task.case.id,
        status=Status.CRASH,
        diagnosis=Diagnosis.DIED,
        message=f"{_place(task.case)}its process died ({died_of(reply.returncode)}) after {reply.seconds:.2g} s; "
        f"run {task.case.target.function} alone to see why",
        evidence=_innermost(reply.trace) or f"the process ended with {died_of(reply.returncode)}",
        measures=Measures(duration_s=reply.seconds),
        traceback=reply.trace,
        printed=reply.printed,
    )


def _place(case: Case) -> str:
    return f"{case.place}: " if case.place else ""


def _innermost(trace: str) -> str:
    """``last seen in File "x.py", line 3 in f`` from what faulthandler wrote, its innermost frame first."""
    current = trace[max(trace.find("Current thread"), 0) :]
    lines = current.partition("(most recent call first):\n")[2].splitlines()
    return f"last seen in {lines[0].strip()}" if lines else ""


@cache
def _own(process: int) -> Keeper:
    keeper = Keeper()
    atexit.register(keeper.close)
    return keeper


def audit_here(task: Task) -> tuple[int, Verdict]:
    """Audit in the one keeper of this process: what worker processes of any kind call."""
    return task.index, _own(os.getpid()).audit(task)
