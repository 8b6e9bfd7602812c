"""joblib's own dask backend, made to hear of every call that ends without a result, and of every case that is overdue.

joblib's passes on the result of a call, and nothing where there is none (joblib 1.6): it waits for ever for a call
whose worker died too often, whose module a worker cannot import, or whose scheduler is gone. Here each is an answer,
and none depends on what is broken: every question to the cluster has a limit, and a watch beside it hands on what a
frozen worker has in hand and ends what is left.
"""

import contextlib
import math
import pickle
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from queue import SimpleQueue
from typing import Any

from joblib._dask import DaskDistributedBackend

from gradaudit.backends import BackendLost, _crew, library
from gradaudit.backends._cluster import Done, allowed, in_thread, lost
from gradaudit.backends._dask_roster import Roster
from gradaudit.backends._dask_workers import Seen, threads_of, whereabouts
from gradaudit.backends._handing import Handing, HandingBackend
from gradaudit.isolation.keeper import Task

distributed = library("dask", "distributed")

PATIENCE = 60.0  #: s without any worker until the cluster is given up: one that died may be on its way back
LOOK = 1.0  #: s between looks
ANSWER = 10.0  #: s for the scheduler to say who its workers are
HAND_OVER = 60.0  #: s for a verdict that is there to come here
LOSSES = 3  #: workers that may die or freeze with a case in hand, until it is asked alone; dask counts deaths itself


def audit_on_worker(tasks: Sequence[Task], *, run: str, folder: str) -> Done:
    """Audit in a child of this dask worker, and tell the client of the begin, the verdicts on the way, and the end."""
    worker = distributed.get_worker()
    said = {"key": worker.get_current_task(), "worker": worker.address}

    def tell(answers: bytes) -> None:
        worker.log_event(run, {**said, "answers": answers})

    worker.log_event(run, {**said, "begun": True})
    try:
        return _crew.audit(tasks, run=run, folder=folder, tell=tell)
    finally:
        worker.log_event(run, said)


@dataclass(frozen=True)
class _Call:
    """What a worker is given at once."""

    tasks: tuple[Task, ...]
    targets: frozenset[str] | None = None  #: workers that it was sent to; None: any
    deaths: int = 0  #: of workers with it in hand, where it was sent before
    freezes: int = 0  #: likewise


class HearingBackend(HandingBackend, DaskDistributedBackend):  # type: ignore[misc]  # joblib has no types
    """Runs joblib's calls on the workers of ``client``, short ones several at a time: each ends in an answer.

    Workers that ``roster`` has not admitted get no call before ``examine`` has found nothing wrong with them.
    Calls raise BackendLost where the scheduler or all workers are gone, and whatever else an audit raises.
    """

    def __init__(
        self, client: Any, *, run: str, roster: Roster | None = None, examine: Callable[[str], str] = lambda worker: ""
    ) -> None:
        super().__init__(client=client)
        self._run = run
        self._roster = roster or Roster()
        self._examine = examine
        self._threads = 1  # of the cluster
        self._told: SimpleQueue[bytes] = SimpleQueue()  # answers that came before the end of their call
        self._waiting: dict[Any, _Call] = {}  # by future; who takes one out answers it
        self._begun: dict[str, tuple[float, str]] = {}  # by key of the future: when and where
        self._over = threading.Event()

    # joblib's side

    def start_call(self) -> None:
        # joblib's own would collect, 100 times a second, futures that it is never given
        # of this call: those who serve the one before may be in the middle of a look
        self._over, self._told = threading.Event(), SimpleQueue()
        self._handing = Handing(self._submit, threads=self._threads)
        self.client.subscribe_topic(self._run, self._hear)
        in_thread(self._watch, self._over)
        in_thread(self._pass_on, self._told)

    def stop_call(self) -> None:
        self._over.set()
        self._told.put(b"")  # it is all

    def effective_n_jobs(self, n_jobs: int) -> int:
        try:
            self._threads = max(1, sum(threads_of(self.client, limit=ANSWER).values()))
        except Exception as problem:
            raise BackendLost(f"the dask scheduler does not say who its workers are: {problem}") from problem
        return max(2, self._threads)  # for one, joblib would call here and not on the worker

    def abort_everything(self, ensure_ready: bool = True) -> None:
        self._handing.forget()
        futures = list(self._waiting)
        self._waiting.clear()
        self._cancel(futures)

    # the cluster's side

    def _submit(self, tasks: tuple[Task, ...]) -> None:
        self._send(_Call(tasks))

    def _send(self, call: _Call) -> None:
        call = replace(call, targets=self._roster.targets())
        workers = None if call.targets is None else sorted(call.targets)
        try:
            future = self.client.submit(self._function, call.tasks, pure=False, workers=workers)
            self._waiting[future] = call
            future.add_done_callback(self._hand_over)
        except Exception as problem:  # raised, it would be lost in a thread of dask's, and joblib wait for ever
            why = BackendLost(f"the dask scheduler takes no case: {type(problem).__name__}: {problem}")
            self._end(call, why)

    def _hand_over(self, future: Any) -> None:
        # called by the one thread that dask has for this: a result on a worker that has just frozen would keep all
        # other answers waiting
        if future in self._waiting:
            in_thread(self._fetch, future)

    def _fetch(self, future: Any) -> None:
        if (call := self._waiting.get(future)) is not None:
            self._settle(future, self._answer(future, call.tasks))

    def _settle(self, future: Any, how: Done | Exception) -> None:
        if (call := self._take(future)) is not None:
            self._end(call, how)

    def _end(self, call: _Call, how: Done | Exception) -> None:
        if isinstance(how, Done):
            self._handing.ended(how)
        else:
            self._handing.fail(call.tasks, how)

    def _take(self, future: Any) -> _Call | None:
        self._begun.pop(future.key, None)
        return self._waiting.pop(future, None)

    @staticmethod
    def _answer(future: Any, tasks: Sequence[Task]) -> Done | Exception:
        try:
            done: Done = future.result(timeout=HAND_OVER)
        except distributed.KilledWorker as problem:
            workers = problem.allowed_failures + 1
            return lost(tasks, f"its worker died {workers} times with the case in hand")
        except (distributed.CancelledError, distributed.comm.CommClosedError):  # the latter while it was fetched
            return BackendLost("the connection to the dask scheduler was lost")
        except TimeoutError:
            return lost(tasks, f"its worker did not hand over the verdict within {HAND_OVER:g} s", late=True)
        except Exception as problem:
            return problem
        return done

    def _hear(self, event: tuple[float, dict[str, Any]]) -> None:
        _, said = event
        self._roster.heard(said["worker"])
        if "begun" in said:
            self._begun[said["key"]] = time.monotonic(), said["worker"]
        if "answers" in said:  # joblib takes locks, for which the thread that hears must not wait
            self._told.put(said["answers"])

    def _pass_on(self, told: "SimpleQueue[bytes]") -> None:
        while answers := told.get():
            self._handing.hear(pickle.loads(answers))

    # the watch

    def _watch(self, over: threading.Event) -> None:
        last_hope = time.monotonic()
        while not over.wait(LOOK):
            seen = self._seen()
            for newcomer in self._roster.update(seen.silence):
                in_thread(self._meet, newcomer)
            if self._roster.is_hopeful():
                last_hope = time.monotonic()
            if time.monotonic() - last_hope > PATIENCE:
                self._give_up(self._without_workers())
            else:
                self._give_up_overdue()
                self._hand_on(seen)

    def _seen(self) -> Seen:
        """Nobody and nothing where the scheduler is gone, or silent."""
        try:
            return whereabouts(
                self.client, [future.key for future in list(self._waiting)], topic=self._run, limit=ANSWER
            )
        except Exception:  # nearly anything, by what the connection was doing when it was lost
            return Seen({}, {}, {})

    def _meet(self, worker: str) -> None:
        try:
            problem = self._examine(worker)
        except Exception as broken:  # asking is all that it did
            problem = f"worker {worker} could not be asked: {broken}"
        self._roster.judge(worker, problem)

    def _without_workers(self) -> BackendLost:
        why = "".join(f"; {problem}" for problem in self._roster.refused())
        return BackendLost(f"the dask cluster has had no worker for {PATIENCE:g} s{why}")

    def _give_up(self, why: BackendLost) -> None:
        futures = list(self._waiting)
        for future in futures:
            self._settle(future, why)
        self._cancel(futures)

    def _give_up_overdue(self) -> None:
        for future, call in list(self._waiting.items()):
            limit = allowed(call.tasks)
            begun, worker = self._begun.get(future.key, (math.inf, ""))  # an answer may take it out at any moment
            if limit is not None and time.monotonic() - begun > limit:
                self._roster.suspect([worker])
                late = f"worker {worker} did not answer within {limit:g} s"
                self._settle(future, lost(call.tasks, late, late=True))
                self._cancel([future])

    def _hand_on(self, seen: Seen) -> None:
        """Send to others what waits for a worker that does not answer, or for one that is no longer there."""
        for future, call in list(self._waiting.items()):
            if not self._roster.usable():
                return
            place, begun = seen.places.get(future.key, ()), future.key in self._begun
            if self._is_stuck(call, place, begun=begun) and self._take(future) is not None:
                self._cancel([future])
                deaths, frozen = seen.deaths.get(future.key, 0), self._roster.is_silent(place)
                tasks = self._handing.unanswered(call.tasks)
                self._send_again(replace(call, tasks=tasks, deaths=call.deaths + deaths, freezes=call.freezes + frozen))

    def _is_stuck(self, call: _Call, place: Collection[str], *, begun: bool) -> bool:
        if not place:  # nobody has it: it may be sent to workers that have gone
            return call.targets is not None and call.targets.isdisjoint(self._roster.usable())
        return self._roster.is_silent(place) or (self._roster.is_overdue(place) and not begun)

    def _send_again(self, call: _Call) -> None:
        if call.tasks and call.deaths + call.freezes < LOSSES:
            self._send(call)
            return
        how = "froze or died" if call.freezes else "died"
        why = f"its worker {how} {call.deaths + call.freezes} times with the case in hand"
        self._handing.ended(lost(call.tasks, why, late=call.freezes > 0))

    def _cancel(self, futures: list[Any]) -> None:
        with contextlib.suppress(Exception):  # the connection may be what is lost
            if futures:
                self.client.cancel(futures, force=True)
