"""What the workers of a ray cluster tell while they have cases in hand: that they live, and verdicts on the way.

ray notices a worker that died and a node that is gone, and starts their cases again elsewhere; for a worker that is
frozen it waits for ever (ray 2.60). So each tells a listener on the cluster, every few seconds, that it lives, and one
that was silent for long is killed on its node: then it has died.
"""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from gradaudit.backends import library
from gradaudit.isolation.processes import born

ray = library("ray", "ray")

#: the node's id, the process, and when that was born: numbers of processes are used again
Worker = tuple[str, int, str]

PULSE = 2.0  #: s between signs of life
SILENCE = 20.0  #: s without one after which a worker is ended
LOOK = 1.0  #: s between looks
EAR = 0.2  #: s between questions for verdicts
ANSWER = 10.0  #: s for the listener to say who is silent


class Listener:
    """What the workers tell, in a process of the cluster."""

    def __init__(self) -> None:
        self._heard: dict[Worker, float] = {}  # when, of those with a case in hand
        self._answers: list[bytes] = []

    def hear(self, worker: Worker) -> None:
        """It lives."""
        self._heard[worker] = time.monotonic()

    def rest(self, worker: Worker) -> None:
        """It has nothing in hand: no sign of life is expected."""
        self._heard.pop(worker, None)

    def tell(self, answers: bytes) -> None:
        """These are there before the end of their call."""
        self._answers.append(answers)

    def told(self) -> list[bytes]:
        """What it was told since it was last asked."""
        told, self._answers = self._answers, []
        return told

    def silent(self, limit: float) -> list[Worker]:
        """Who has said nothing for ``limit`` seconds, each named once in that time: ending it may have failed."""
        now = time.monotonic()
        found = [worker for worker, heard in self._heard.items() if now - heard > limit]
        self._heard.update(dict.fromkeys(found, now))
        return found


def a_listener() -> Any:
    """A handle on a new one, on any node; it is started again elsewhere where that one is lost."""
    return ray.remote(Listener).options(num_cpus=0, max_restarts=-1, max_task_retries=0).remote()


@contextlib.contextmanager
def living(listener: Any, *, limit: float | None) -> Iterator[None]:
    """Give signs of life from this worker, but not for longer than ``limit`` seconds: then it should be done."""
    worker = (ray.get_runtime_context().get_node_id(), os.getpid(), born(os.getpid()))
    done = threading.Event()
    pulse = threading.Thread(target=_pulse, args=(listener, worker, done, limit), daemon=True)
    listener.hear.remote(worker)
    pulse.start()
    try:
        yield
    finally:
        done.set()
        pulse.join()
        listener.rest.remote(worker)


def _pulse(listener: Any, worker: Worker, done: threading.Event, limit: float | None) -> None:
    begun = time.monotonic()
    while not done.wait(PULSE) and (limit is None or time.monotonic() - begun < limit):
        listener.hear.remote(worker)


def watch(listener: Any, over: threading.Event) -> None:
    """End workers that are silent, until ``over``."""
    while not over.wait(LOOK):
        with contextlib.suppress(Exception):  # the listener, or the cluster, may be what is lost: ray says so elsewhere
            for worker in ray.get(listener.silent.remote(SILENCE), timeout=ANSWER):
                _end(listener, worker)


def listen(listener: Any, over: threading.Event, hear: Callable[[bytes], None]) -> None:
    """``hear`` what the workers tell, until ``over``."""
    while not over.wait(EAR):
        with contextlib.suppress(Exception):  # what is lost here comes at the end of its call
            for answers in ray.get(listener.told.remote(), timeout=ANSWER):
                hear(answers)


def _end(listener: Any, worker: Worker) -> None:
    there = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(worker[0], soft=False)
    ray.remote(_end_here).options(num_cpus=0, max_retries=0, scheduling_strategy=there).remote(listener, worker)


def _end_here(listener: Any, worker: Worker) -> None:
    _, process, birth = worker
    if birth and born(process) == birth:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    listener.rest.remote(worker)
