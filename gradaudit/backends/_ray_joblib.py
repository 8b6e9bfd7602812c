"""joblib's ray backend over ray's own tasks, so that results stream and a worker may die.

joblib's works on a pool of ray actors: it gives results only when all are there, draws lots for the actor of a call,
and ends with the first actor that dies (ray 2.60). Tasks have none of this: ray places them where a core is free, and
starts them again elsewhere where a worker or a node is lost.
"""

import contextlib
from collections.abc import Callable
from typing import Any

from gradaudit.backends import BackendLost, library
from gradaudit.backends._cluster import Answer, Lost
from gradaudit.backends._crew import crew_of
from gradaudit.backends._keeper import Task

ray = library("ray", "ray")
RayBackend: Any = library("ray", "ray.util.joblib.ray_backend").RayBackend

AGAIN = 3  #: times that ray starts a task again whose worker died, on its own


def audit_on_worker(task: Task, *, run: str, folder: str) -> Answer:
    """Audit in a child of this ray worker, which ray ends with the run."""
    return task.index, crew_of(run, folder=folder).audit(task)


class HearingBackend(RayBackend):  # type: ignore[misc]  # joblib has no types
    """Runs joblib's calls, one task each, where ``ray`` has a free core: every call ends in an ``Answer``.

    Calls raise BackendLost where the cluster is gone, and whatever else an audit raises.
    """

    supports_return_generator = True

    def __init__(self) -> None:
        super().__init__()
        self._waiting: dict[Any, Task] = {}  # by the reference to the result

    def configure(self, n_jobs: int = 1, parallel: Any = None, **_: object) -> int:
        self.parallel = parallel
        return self.effective_n_jobs(n_jobs)

    def effective_n_jobs(self, n_jobs: int) -> int:
        return max(2, int(ray.cluster_resources().get("CPU", 0)))  # for one, joblib would call here

    def submit(self, func: Any, callback: Callable[[Any], None]) -> Any:
        ((function, (task,), _),) = func.items
        started = ray.remote(_named(function)).options(max_retries=AGAIN, name=f"audit {task.case.id}")
        reference = started.remote(task)
        self._waiting[reference] = task
        reference.future().add_done_callback(lambda ended: callback(self._answer(reference, ended)))
        return reference

    def retrieve_result_callback(self, out: Answer | Exception) -> list[Answer]:
        if isinstance(out, Exception):
            raise out
        return [out]

    def abort_everything(self, ensure_ready: bool = True) -> None:
        for reference in list(self._waiting):
            with contextlib.suppress(Exception):  # the connection may be what is lost
                ray.cancel(reference, force=True)

    def terminate(self) -> None:
        self._waiting.clear()

    def _answer(self, reference: Any, ended: Any) -> Answer | Exception:
        task = self._waiting.pop(reference)
        try:
            answer: Answer = ended.result()
        except (ray.exceptions.WorkerCrashedError, ray.exceptions.NodeDiedError, ray.exceptions.OutOfMemoryError):
            return task.index, Lost(f"its worker died {AGAIN + 1} times with the case in hand")
        except (ray.exceptions.RaySystemError, ConnectionError) as problem:
            return BackendLost(f"the ray cluster is gone: {problem}")
        except Exception as problem:
            return problem
        return answer


def _named(function: Callable[[Task], Answer]) -> Callable[[Task], Answer]:
    # ray takes functions, no partial ones
    def audit(task: Task) -> Answer:
        return function(task)

    return audit
