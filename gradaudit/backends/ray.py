"""Workers of a ray cluster, each case in a supervised child of its worker: that of ``--scheduler``, or a local one."""

import logging
import os
import secrets
import socket
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from types import ModuleType
from typing import Any

from gradaudit.backends import BackendError, _preflight, library
from gradaudit.backends._cluster import longest_first, until_answered
from gradaudit.backends._joblib import as_finished
from gradaudit.backends._keeper import Task
from gradaudit.judge.verdict import Verdict

CONNECT = 10.0  #: s to reach the cluster
ANSWER = 60.0  #: s for a node to start a worker and answer


def run(
    many: Sequence[Task], alone: Sequence[Task], *, jobs: int, scheduler: str | None = None
) -> Generator[tuple[int, Verdict], None, None]:
    """(index, verdict) as cases finish, a case a core of the cluster at ``scheduler``.

    Without one, a cluster of ``jobs`` cores on this machine is started, and ended with the run. What a lost worker had
    in hand runs on others.

    Raises BackendError where there is no cluster, BackendLost where it goes away with cases left to do.
    """
    ray = library("ray", "ray")
    from gradaudit.backends._ray_joblib import HearingBackend, audit_on_worker

    with _connected(ray, jobs=jobs, address=scheduler):
        audit = partial(audit_on_worker, run=f"gradaudit-{secrets.token_hex(8)}", folder=os.getcwd())
        ask = partial(as_finished, audit, jobs=-1, backend=HearingBackend())
        yield from until_answered(longest_first(many, alone), ask)


def check(tasks: Sequence[Task], *, scheduler: str | None) -> None:
    """Whether every node at ``scheduler`` can run these; raises BackendError with what is missing, and where."""
    ray = library("ray", "ray")
    if scheduler is None:  # its workers are started by this Python, in this folder
        return
    with _connected(ray, jobs=1, address=scheduler):
        _preflight.refuse(_preflight.strangers(_ask_all(ray, eval, _preflight.WHO, limit=ANSWER)))
        needs = _preflight.needs_of(tasks)
        found = _ask_all(ray, _preflight.look, needs, limit=ANSWER + _preflight.limit(needs))
        _preflight.refuse(_preflight.lacking(found, needs))


@contextmanager
def _connected(ray: ModuleType, *, jobs: int, address: str | None) -> Iterator[None]:
    if address is not None:
        _reach(address)
    try:
        with _importing_the_same():
            ray.init(**_where(jobs, address), log_to_driver=False, logging_level=logging.CRITICAL)
    except (ConnectionError, RuntimeError, ValueError) as problem:
        raise BackendError(f"no ray cluster answers at {address or 'this machine'}: {problem}") from None
    try:
        yield
    finally:
        ray.shutdown()


def _where(jobs: int, address: str | None) -> dict[str, Any]:
    if address is not None:
        return {"address": address}
    # "local": left out, ray would take any cluster that happens to run on this machine
    return {"address": "local", "num_cpus": jobs, "include_dashboard": False}


@contextmanager
def _importing_the_same() -> Iterator[None]:
    """A cluster that is started in here imports what this process does: ray's own way to say so takes seconds."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
    try:
        yield
    finally:
        os.environ.pop("PYTHONPATH")
        if before is not None:
            os.environ["PYTHONPATH"] = before


def _reach(address: str) -> None:
    """Raises BackendError where nothing listens at ``address``: ray itself would try for minutes."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if address in ("auto", "local"):
        return
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT).close()
    except (OSError, ValueError, OverflowError) as problem:
        raise BackendError(f"no ray cluster answers at {address}: {problem}; start: ray start --head") from None


def _ask_all(ray: ModuleType, function: Callable[..., Any], *args: object, limit: float) -> dict[str, Any]:
    """``function(*args)`` on every node, beside what it is doing: by node, its result or an exception."""
    affinity = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
    asked = {
        f"node {node['NodeManagerAddress']}": ray.remote(lambda: function(*args))
        .options(num_cpus=0, scheduling_strategy=affinity(node["NodeID"], soft=False))
        .remote()
        for node in ray.nodes()
        if node["Alive"]
    }
    ready, _ = ray.wait(list(asked.values()), num_returns=len(asked), timeout=limit)
    return {name: _answer(ray, reference, done=reference in ready, limit=limit) for name, reference in asked.items()}


def _answer(ray: ModuleType, reference: Any, *, done: bool, limit: float) -> Any:
    if not done:
        return TimeoutError(f"no answer within {limit:g} s")
    try:
        return ray.get(reference)
    except Exception as problem:  # the first line says it; the rest is ray's own traceback
        return RuntimeError(str(problem).strip().splitlines()[-1])
