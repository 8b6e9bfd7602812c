"""How cases get to the workers of a cluster: several to a call where they are short, and answered one by one.

A call costs this process and the scheduler milliseconds, however little there is to do. joblib would take short cases
together by itself, and pass on the answers to them together too, when the last one is there: a case that hangs would
keep those before it, and a process that is killed loses what it has not heard of. So joblib submits case by case, and
they are put together, and told apart again, here.
"""

import math
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from gradaudit.backends._cluster import Answer, Done, submitted
from gradaudit.isolation.keeper import Task

SPELL = 0.5  #: s that a call is meant to take, where cases are short: a hundred times what it costs
AHEAD = 2  #: calls that are on their way for each thread of the cluster, the one it is working on included

Callback = Callable[[Sequence[Answer] | Exception], None]  #: of joblib, for the one case that it submitted
Send = Callable[[tuple[Task, ...]], None]


class Handing:
    """What joblib has submitted: cases that wait, and those that a worker has in hand and nobody has answered.

    ``send`` makes a call of some cases, which ends in ``ended``. A case may be answered before that, and more than
    once: the first answer holds. Safe to use from many threads; joblib is called with no lock held, as it has its own.
    """

    def __init__(self, send: Send, *, threads: int) -> None:
        self._send = send
        self._threads = threads  #: of the cluster
        self._lock = threading.Lock()
        self._queue: deque[Task] = deque()
        self._callbacks: dict[int, Callback] = {}  #: by index, of cases without an answer
        self._calls = 0  #: that have not ended
        self._pace = math.inf  #: s a case, in the call that ended last

    def submit(self, task: Task, callback: Callback) -> None:
        """Hand ``task`` over as soon as there is room."""
        with self._lock:
            self._callbacks[task.index] = callback
            self._queue.append(task)
        self._go_on()

    def hear(self, answers: Sequence[Answer]) -> None:
        """Pass on what has not been answered before."""
        for answer in answers:
            index, _ = answer
            if (callback := self._callbacks.pop(index, None)) is not None:
                callback([answer])

    def ended(self, call: Done) -> None:
        """A call has ended, with an answer to each of its cases."""
        with self._lock:
            self._calls -= 1
            if call.seconds is not None:
                self._pace = call.seconds / len(call.answers)
        self.hear(call.answers)
        self._go_on()

    def fail(self, tasks: Sequence[Task], why: Exception) -> None:
        """A call has ended in a way that is the end of the run."""
        for task in tasks:
            if (callback := self._callbacks.pop(task.index, None)) is not None:
                callback(why)

    def unanswered(self, tasks: Sequence[Task]) -> tuple[Task, ...]:
        """Those of ``tasks`` that somebody still waits for."""
        return tuple(task for task in tasks if task.index in self._callbacks)

    def forget(self) -> None:
        """Nobody waits for an answer now."""
        with self._lock:
            self._queue.clear()
            self._callbacks.clear()

    def _go_on(self) -> None:
        while tasks := self._next():
            self._send(tasks)

    def _next(self) -> tuple[Task, ...]:
        """The cases of the next call; none where there is none, or no room for it."""
        with self._lock:
            if self._calls >= AHEAD * self._threads or not self._queue:
                return ()
            self._calls += 1
            return tuple(self._queue.popleft() for _ in range(self._count()))

    def _count(self) -> int:
        # a share of what is left: no worker shall have much to do when the others are done
        share = math.ceil(len(self._queue) / (2 * AHEAD * self._threads))
        return max(1, min(share, int(SPELL / max(self._pace, 1e-6))))


class HandingBackend:
    """What joblib's backends for clusters do alike: ``_send`` is left to each, and ``_handing`` made for every call."""

    _handing: Handing
    _function: Callable[..., Any]  #: of all calls

    def submit(self, func: Any, callback: Callback) -> None:
        self._function, task = submitted(func)
        self._handing.submit(task, callback)

    def retrieve_result_callback(self, out: Sequence[Answer] | Exception) -> Sequence[Answer]:
        if isinstance(out, Exception):
            raise out
        return out
