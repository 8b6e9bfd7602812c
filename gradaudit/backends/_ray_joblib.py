"""joblib's ray backend over ray's own tasks, so that results stream and a worker may die.

joblib's works on a pool of ray actors: it gives results only when all are there, draws lots for the actor of a call,
and ends with the first actor that dies (ray 2.60). Tasks have none of this: ray places them where a core is free, and
starts them again elsewhere where a worker or a node is lost.
"""

import contextlib
import pickle
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from gradaudit.backends import BackendLost, _crew, library
from gradaudit.backends._cluster import Done, allowed, in_thread, lost
from gradaudit.backends._handing import Handing, HandingBackend
from gradaudit.backends._ray_nodes import Nodes, here
from gradaudit.backends._ray_pulse import listen, living, watch
from gradaudit.isolation.keeper import Task

ray = library("ray", "ray")
RayBackend: Any = library("ray", "ray.util.joblib.ray_backend").RayBackend

AGAIN = 3  #: times that ray starts a task again whose worker died, on its own


@dataclass(frozen=True)
class NotAsked:
    """In place of an answer: nobody has asked this node yet whether it is in order."""

    node: str


def audit_on_worker(
    tasks: Sequence[Task], admitted: frozenset[str] | None, *, run: str, folder: str, listener: Any
) -> Done | NotAsked:
    """Audit in a child of this ray worker, which ray ends with the run; on any node where ``admitted`` is None."""
    if admitted is not None and (node := here()) not in admitted:
        return NotAsked(node)
    with living(listener, limit=allowed(tasks)):
        return _crew.audit(tasks, run=run, folder=folder, tell=listener.tell.remote)


class HearingBackend(HandingBackend, RayBackend):  # type: ignore[misc]  # joblib has no types
    """Runs joblib's calls where ``ray`` has a free core, short ones several at a time: each ends in an answer.

    Workers that say nothing to ``listener`` are ended. Calls raise BackendLost where the cluster is gone, or has only
    nodes that are not in order, and whatever else an audit raises.
    """

    supports_return_generator = True

    def __init__(self, *, listener: Any, nodes: Nodes) -> None:
        super().__init__()
        self._listener = listener
        self._nodes = nodes
        self._threads = 1  # of the cluster
        self._waiting: dict[Any, tuple[Task, ...]] = {}  # by the reference to the result
        self._started: Any = None  # the one function of all calls, as ray has it
        self._over = threading.Event()

    def configure(self, n_jobs: int = 1, parallel: Any = None, **_: object) -> int:
        self.parallel = parallel
        return self.effective_n_jobs(n_jobs)

    def effective_n_jobs(self, n_jobs: int) -> int:
        self._threads = max(1, int(ray.cluster_resources().get("CPU", 0)))
        return max(2, self._threads)  # for one, joblib would call here

    def start_call(self) -> None:
        self._over = threading.Event()  # of this call: the watch of the one before may be in the middle of a look
        self._handing = Handing(self._send, threads=self._threads)
        in_thread(watch, self._listener, self._over)
        in_thread(listen, self._listener, self._over, self._pass_on)

    def stop_call(self) -> None:
        self._over.set()

    def abort_everything(self, ensure_ready: bool = True) -> None:
        self._handing.forget()
        for reference in list(self._waiting):
            with contextlib.suppress(Exception):  # the connection may be what is lost
                ray.cancel(reference, force=True)

    def terminate(self) -> None:
        self._waiting.clear()

    def _send(self, tasks: tuple[Task, ...]) -> None:
        try:
            self._started = self._started or ray.remote(_named(self._function))
            options = {"max_retries": AGAIN, "name": f"audit {tasks[0].case.id}", **self._nodes.options()}
            reference = self._started.options(**options).remote(tasks, self._nodes.admitted)
        except Exception as problem:  # raised, it would be lost in a thread of ray's, and joblib wait for ever
            why = BackendLost(f"the ray cluster takes no case: {type(problem).__name__}: {problem}")
            self._handing.fail(tasks, why)
            return
        self._waiting[reference] = tasks
        reference.future().add_done_callback(lambda ended: self._hear(reference, ended))

    def _hear(self, reference: Any, ended: Any) -> None:
        if (tasks := self._waiting.pop(reference, None)) is None:  # the call of joblib is over
            return
        how = self._answer(tasks, ended)
        if isinstance(how, NotAsked):
            in_thread(self._send_again, tasks, how.node)
        elif isinstance(how, Done):
            self._handing.ended(how)
        else:
            self._handing.fail(tasks, how)

    def _send_again(self, tasks: tuple[Task, ...], node: str) -> None:
        try:
            self._nodes.meet(node)
        except Exception as problem:  # otherwise joblib would wait for ever
            self._handing.fail(tasks, problem)
        else:
            self._send(tasks)

    def _pass_on(self, answers: bytes) -> None:
        self._handing.hear(pickle.loads(answers))

    @staticmethod
    def _answer(tasks: Sequence[Task], ended: Any) -> Done | NotAsked | Exception:
        try:
            how: Done | NotAsked = ended.result()
        except (ray.exceptions.WorkerCrashedError, ray.exceptions.NodeDiedError, ray.exceptions.OutOfMemoryError):
            return lost(tasks, f"its worker died {AGAIN + 1} times with the case in hand")
        except (ray.exceptions.RaySystemError, ConnectionError) as problem:
            return BackendLost(f"the ray cluster is gone: {problem}")
        except Exception as problem:
            return problem
        return how


def _named(function: Callable[..., Done | NotAsked]) -> Callable[..., Done | NotAsked]:
    # ray takes functions, no partial ones
    def audit(tasks: tuple[Task, ...], admitted: frozenset[str] | None) -> Done | NotAsked:
        return function(tasks, admitted)

    return audit
