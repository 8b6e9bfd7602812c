"""joblib's own dask backend, made to hear of every call that ends without a result, and of every case that is overdue.

joblib's passes on the result of a call, and nothing where there is none (joblib 1.6): it waits for ever for a call
whose worker died too often, whose module a worker cannot import, or whose scheduler is gone. Here each is an answer.
"""

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any

from joblib._dask import DaskDistributedBackend

from gradaudit.backends import BackendLost, library
from gradaudit.backends._cluster import Answer, Lost
from gradaudit.backends._crew import crew_of
from gradaudit.backends._keeper import Task

distributed = library("dask", "distributed")

GRACE = 300.0  #: s that a worker may be late with a case beyond its limit: a cold machine starts slowly
PATIENCE = 60.0  #: s without any worker until the cluster is given up: one that died may be on its way back
LOOK = 1.0  #: s between looks


def audit_on_worker(task: Task, *, run: str, folder: str) -> Answer:
    """Audit in a child of this dask worker, and tell the client first that the case has begun here."""
    worker = distributed.get_worker()
    worker.log_event(run, {"index": task.index, "worker": worker.address})
    return task.index, crew_of(run, folder=folder).audit(task)


class HearingBackend(DaskDistributedBackend):  # type: ignore[misc]  # joblib has no types
    """Runs joblib's calls, one task each, on the workers of ``client``: every call ends in an ``Answer``.

    Calls raise BackendLost where the scheduler or all workers are gone, and whatever else an audit raises.
    """

    def __init__(self, client: Any, *, run: str) -> None:
        super().__init__(client=client)
        self._run = run
        self._waiting: dict[Any, Task] = {}  # by future
        self._begun: dict[int, tuple[float, str]] = {}  # by index: when and where
        self._overdue: set[int] = set()
        self._distrusted: set[str] = set()  # workers with an overdue case in hand
        self._broken: BackendLost | None = None
        self._over = threading.Event()

    # joblib's side

    def start_call(self) -> None:
        super().start_call()
        self._over.clear()
        self.client.subscribe_topic(self._run, self._hear)
        threading.Thread(target=self._watch, name="watch of the cluster", daemon=True).start()

    def stop_call(self) -> None:
        self._over.set()
        super().stop_call()

    def effective_n_jobs(self, n_jobs: int) -> int:
        return max(2, super().effective_n_jobs(n_jobs))  # for one, joblib would call here and not on the worker

    def submit(self, func: Any, callback: Callable[[Any], None]) -> Any:
        ((function, (task,), _),) = func.items
        future = self.client.submit(function, task, pure=False, workers=self._trusted())
        self._waiting[future] = task
        future.add_done_callback(lambda ended: callback(self._answer(ended)))
        return future

    def retrieve_result_callback(self, out: Answer | Exception) -> list[Answer]:
        if isinstance(out, Exception):
            raise out
        return [out]

    def abort_everything(self, ensure_ready: bool = True) -> None:
        self._cancel(list(self._waiting))

    # the cluster's side

    def _answer(self, future: Any) -> Answer | Exception:
        task = self._waiting.pop(future)
        try:
            answer: Answer = future.result()
        except distributed.KilledWorker as problem:
            workers = problem.allowed_failures + 1
            return task.index, Lost(f"its worker died {workers} times with the case in hand")
        except distributed.CancelledError:
            if task.index in self._overdue:
                self._overdue.discard(task.index)
                return task.index, self._late(task)
            return self._broken or BackendLost("the connection to the dask scheduler was lost")
        except Exception as problem:
            return problem
        return answer

    def _late(self, task: Task) -> Lost:
        _, worker = self._begun.pop(task.index)
        return Lost(f"worker {worker} did not answer within {_allowed(task):g} s", late=True)

    def _trusted(self) -> list[str] | None:
        """Addresses that may take a task; None for all."""
        if not self._distrusted:
            return None
        return [address for address in self.client.nthreads() if address not in self._distrusted] or None

    def _hear(self, event: tuple[float, dict[str, Any]]) -> None:
        _, said = event
        self._begun[said["index"]] = time.monotonic(), said["worker"]

    def _watch(self) -> None:
        last_seen = time.monotonic()
        while not self._over.wait(LOOK):
            with contextlib.suppress(OSError, ValueError):  # no connection: the client will say so to every call
                if self.client.nthreads():
                    last_seen = time.monotonic()
            if time.monotonic() - last_seen > PATIENCE:
                self._broken = BackendLost(f"the dask cluster has had no worker for {PATIENCE:g} s")
                self._cancel(list(self._waiting))
            else:
                self._cancel([future for future, task in list(self._waiting.items()) if self._is_overdue(task)])

    def _is_overdue(self, task: Task) -> bool:
        if task.limit is None or task.index not in self._begun:
            return False
        begun, worker = self._begun[task.index]
        if time.monotonic() - begun <= _allowed(task):
            return False
        self._overdue.add(task.index)
        self._distrusted.add(worker)
        return True

    def _cancel(self, futures: list[Any]) -> None:
        with contextlib.suppress(Exception):  # the connection may be what is lost
            if futures:
                self.client.cancel(futures, force=True)


def _allowed(task: Task) -> float:
    # the keeper on the worker ends each attempt at its limit; with a fallback it may take the limit twice
    return 2 * (task.retries + 1) * (task.limit or 0.0) + GRACE
