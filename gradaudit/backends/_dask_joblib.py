"""joblib's own dask backend, made to hear of every call that ends without a result, and of every case that is overdue.

joblib's passes on the result of a call, and nothing where there is none (joblib 1.6): it waits for ever for a call
whose worker died too often, whose module a worker cannot import, or whose scheduler is gone. Here each is an answer,
and none depends on what is broken: every question to the cluster has a limit, and a watch beside it ends what is left.
"""

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from joblib._dask import DaskDistributedBackend

from gradaudit.backends import BackendLost, library
from gradaudit.backends._cluster import Answer, Lost
from gradaudit.backends._crew import crew_of
from gradaudit.backends._dask_workers import threads_of
from gradaudit.backends._keeper import Task

distributed = library("dask", "distributed")

GRACE = 300.0  #: s that a worker may be late with a case beyond its limit: a cold machine starts slowly
PATIENCE = 60.0  #: s without any worker until the cluster is given up: one that died may be on its way back
LOOK = 1.0  #: s between looks
ANSWER = 10.0  #: s for the scheduler to say who its workers are
HAND_OVER = 60.0  #: s for a verdict that is there to come here


def audit_on_worker(task: Task, *, run: str, folder: str) -> Answer:
    """Audit in a child of this dask worker, and tell the client first that the case has begun here."""
    worker = distributed.get_worker()
    worker.log_event(run, {"index": task.index, "worker": worker.address})
    return task.index, crew_of(run, folder=folder).audit(task)


@dataclass(frozen=True)
class _Call:
    """What joblib waits for."""

    task: Task
    callback: Callable[[Answer | Exception], None]


class HearingBackend(DaskDistributedBackend):  # type: ignore[misc]  # joblib has no types
    """Runs joblib's calls, one task each, on the workers of ``client``: every call ends in an ``Answer``.

    Calls raise BackendLost where the scheduler or all workers are gone, and whatever else an audit raises.
    """

    def __init__(self, client: Any, *, run: str) -> None:
        super().__init__(client=client)
        self._run = run
        self._waiting: dict[Any, _Call] = {}  # by future; who takes one out answers it
        self._begun: dict[int, tuple[float, str]] = {}  # by index: when and where
        self._distrusted: set[str] = set()  # workers with an overdue case in hand
        self._over = threading.Event()

    # joblib's side

    def start_call(self) -> None:
        # joblib's own would collect, 100 times a second, futures that it is never given
        self._over = threading.Event()  # of this call: the watch of the one before may be in the middle of a look
        self.client.subscribe_topic(self._run, self._hear)
        threading.Thread(target=self._watch, args=(self._over,), name="watch of the cluster", daemon=True).start()

    def stop_call(self) -> None:
        self._over.set()

    def effective_n_jobs(self, n_jobs: int) -> int:
        try:
            threads = sum(threads_of(self.client, limit=ANSWER).values())
        except Exception as problem:
            raise BackendLost(f"the dask scheduler does not say who its workers are: {problem}") from problem
        return max(2, threads)  # for one, joblib would call here and not on the worker

    def submit(self, func: Any, callback: Callable[[Any], None]) -> Any:
        ((function, (task,), _),) = func.items
        self._begun.pop(task.index, None)
        try:
            future = self.client.submit(function, task, pure=False, workers=self._trusted())
            self._waiting[future] = _Call(task, callback)
            future.add_done_callback(self._hand_over)
        except Exception as problem:  # raised, it would be lost in a thread of dask's, and joblib wait for ever
            callback(BackendLost(f"the dask scheduler takes no case: {type(problem).__name__}: {problem}"))
            return None
        return future

    def retrieve_result_callback(self, out: Answer | Exception) -> list[Answer]:
        if isinstance(out, Exception):
            raise out
        return [out]

    def abort_everything(self, ensure_ready: bool = True) -> None:
        futures = list(self._waiting)
        self._waiting.clear()
        self._cancel(futures)

    # the cluster's side

    def _hand_over(self, future: Any) -> None:
        # called by the one thread that dask has for this: what waits here keeps all other answers waiting
        if (call := self._waiting.get(future)) is not None:
            self._settle(future, self._answer(future, call.task))

    def _settle(self, future: Any, answer: Answer | Exception) -> None:
        if (call := self._waiting.pop(future, None)) is not None:
            call.callback(answer)

    @staticmethod
    def _answer(future: Any, task: Task) -> Answer | Exception:
        try:
            answer: Answer = future.result(timeout=HAND_OVER)
        except distributed.KilledWorker as problem:
            workers = problem.allowed_failures + 1
            return task.index, Lost(f"its worker died {workers} times with the case in hand")
        except distributed.CancelledError:
            return BackendLost("the connection to the dask scheduler was lost")
        except TimeoutError:
            return task.index, Lost(f"its worker did not hand over the verdict within {HAND_OVER:g} s", late=True)
        except Exception as problem:
            return problem
        return answer

    def _trusted(self) -> list[str] | None:
        """Addresses that may take a task; None for all."""
        if not self._distrusted:
            return None
        return [address for address in self._workers() if address not in self._distrusted] or None

    def _workers(self) -> list[str]:
        """Addresses; none where the scheduler is gone, or silent."""
        try:
            return list(threads_of(self.client, limit=ANSWER))
        except Exception:  # nearly anything, by what the connection was doing when it was lost
            return []

    def _hear(self, event: tuple[float, dict[str, Any]]) -> None:
        _, said = event
        self._begun[said["index"]] = time.monotonic(), said["worker"]
        self._distrusted.discard(said["worker"])  # it works again

    # the watch

    def _watch(self, over: threading.Event) -> None:
        last_seen = time.monotonic()
        while not over.wait(LOOK):
            if set(self._workers()) - self._distrusted:
                last_seen = time.monotonic()
            if time.monotonic() - last_seen > PATIENCE:
                self._give_up(lambda task: BackendLost(f"the dask cluster has had no worker for {PATIENCE:g} s"))
            else:
                self._give_up_overdue()

    def _give_up_overdue(self) -> None:
        late = {task.index for task in self._tasks() if self._is_overdue(task)}
        if not late:
            return
        self._distrusted |= {self._begun[index][1] for index in late}
        # what has not begun may be waiting for the same workers
        late |= {task.index for task in self._tasks() if task.index not in self._begun}
        self._give_up(lambda task: (task.index, self._late(task)) if task.index in late else None)

    def _give_up(self, answer: Callable[[Task], Answer | Exception | None]) -> None:
        """Answer what waits in place of the cluster, where ``answer`` has one."""
        given = {future: found for future, call in list(self._waiting.items()) if (found := answer(call.task))}
        for future, found in given.items():
            self._settle(future, found)
        self._cancel(list(given))

    def _tasks(self) -> list[Task]:
        return [call.task for call in list(self._waiting.values())]

    def _is_overdue(self, task: Task) -> bool:
        if task.limit is None or task.index not in self._begun:
            return False
        begun, _ = self._begun[task.index]
        return time.monotonic() - begun > _allowed(task)

    def _late(self, task: Task) -> Lost:
        if task.index not in self._begun:
            return Lost("it waited behind a case whose worker did not answer", late=True)
        _, worker = self._begun[task.index]
        return Lost(f"worker {worker} did not answer within {_allowed(task):g} s", late=True)

    def _cancel(self, futures: list[Any]) -> None:
        with contextlib.suppress(Exception):  # the connection may be what is lost
            if futures:
                self.client.cancel(futures, force=True)


def _allowed(task: Task) -> float:
    # the keeper on the worker ends each attempt at its limit; with a fallback it may take the limit twice
    return 2 * (task.retries + 1) * (task.limit or 0.0) + GRACE
