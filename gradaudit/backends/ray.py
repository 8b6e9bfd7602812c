"""Workers of a ray cluster, each case in a supervised child of its worker: that of ``--scheduler``, or a local one."""

import logging
import os
import secrets
import socket
import sys
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from types import ModuleType
from typing import Any

from gradaudit.backends import BackendError, _preflight, library
from gradaudit.backends._cluster import asking, longest_first, telling, until_answered
from gradaudit.isolation.keeper import Task
from gradaudit.judge.verdict import Verdict

CONNECT = 10.0  #: s to reach the cluster
ANSWER = 60.0  #: s for a node to start a worker and answer

_in_order: dict[str, frozenset[str]] = {}  #: by scheduler: the nodes that ``check`` found in order, until ``run``


def run(
    many: Sequence[Task],
    alone: Sequence[Task],
    *,
    jobs: int,
    scheduler: str | None = None,
    tell: Callable[[str], None] = lambda sentence: None,
) -> Generator[tuple[int, Verdict], None, None]:
    """(index, verdict) as they finish, a case a core of the cluster at ``scheduler``.

    Without one, a cluster of ``jobs`` cores on this machine is started, and ended with the run. What a lost worker had
    in hand runs on others. Nodes that join later are asked what ``check`` asks, before their first case; ``tell`` gets
    a sentence about each that is not used.

    Raises BackendError where there is no cluster, BackendLost where it goes away with cases left to do.
    """
    ray = library("ray", "ray")
    with _connected(ray, jobs=jobs, address=scheduler):
        from gradaudit.backends._ray_joblib import HearingBackend, audit_on_worker
        from gradaudit.backends._ray_nodes import Nodes, alive
        from gradaudit.backends._ray_pulse import a_listener

        admitted = None if scheduler is None else _in_order.pop(scheduler, frozenset(alive()))
        nodes = Nodes(admitted, examine=_examiner(ray, (*alone, *many)))
        listener = a_listener()
        name = f"gradaudit-{secrets.token_hex(8)}"
        audit = partial(audit_on_worker, run=name, folder=os.getcwd(), listener=listener)
        hearing = HearingBackend(listener=listener, nodes=nodes)  # NotAsked never leaves it
        answers = until_answered(longest_first(many, alone), asking(audit, hearing))
        yield from telling(answers, nodes.refused, tell, who="node")


def check(tasks: Sequence[Task], *, scheduler: str | None) -> None:
    """Whether every node at ``scheduler`` can run these; raises BackendError with what is missing, and where."""
    ray = library("ray", "ray")
    if scheduler is None:  # its workers are started by this Python, in this folder
        return
    with _connected(ray, jobs=1, address=scheduler):
        from gradaudit.backends._ray_nodes import alive

        nodes = frozenset(alive())
        _preflight.refuse(_problems(ray, nodes, _preflight.needs_of(tasks)))
        _in_order[scheduler] = nodes


def _examiner(ray: ModuleType, tasks: Sequence[Task]) -> Callable[[str], str]:
    """A question: what keeps the node of an id from ``tasks``; nothing where it is in order."""
    return _preflight.examiner(tasks, lambda node, needs: _problems(ray, [node], needs))


def _problems(ray: ModuleType, nodes: Collection[str], needs: _preflight.Needs) -> list[str]:
    who = _ask_all(ray, nodes, eval, _preflight.WHO, limit=ANSWER)
    look = partial(_ask_all, ray, nodes, _preflight.look, limit=ANSWER + _preflight.limit(needs))
    return _preflight.problems(who, look, needs)


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


def _ask_all(
    ray: ModuleType, nodes: Collection[str], function: Callable[..., Any], *args: object, limit: float
) -> dict[str, Any]:
    """``function(*args)`` on each of ``nodes``, beside what it is doing: by node, its result or an exception."""
    from gradaudit.backends._ray_nodes import alive

    affinity = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
    asked = {
        name: ray.remote(lambda: function(*args))
        .options(num_cpus=0, scheduling_strategy=affinity(node, soft=False))
        .remote()
        for node, name in alive().items()
        if node in nodes
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
