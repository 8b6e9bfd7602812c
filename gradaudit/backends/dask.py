"""Workers of a dask cluster, each case in a supervised child of its worker: that of ``--scheduler``, or a local one."""

import asyncio
import contextlib
import logging
import os
import secrets
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from types import ModuleType
from typing import Any

from gradaudit.backends import BackendError, _preflight, library
from gradaudit.backends._cluster import asking, longest_first, telling, until_answered
from gradaudit.backends._crew import dismiss
from gradaudit.backends._dask_workers import ask_all, ask_scheduler, beside, forget, threads_of
from gradaudit.isolation.keeper import Task
from gradaudit.judge.verdict import Verdict

#: a worker that died is started again; one that is not back in 15 s, as on a busy machine, would be taken out
_LOST_FOR_GOOD = "distributed.deploy.lost-worker-timeout"
CONNECT = 10.0  #: s to reach the scheduler, and then for a first worker
#: Ctrl-C in the terminal reaches all processes: this one ends the others, which have nothing to say about it
_DEAF = "def dask_setup(worker):\n    import signal\n    signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
ANSWER = 60.0  #: s to say who one is: the first import on a cold and busy machine
START = 120.0  #: s for the workers of a local cluster to come up
CLOSE = 5.0  #: s for each part of the cluster to take leave

_SCHEDULER = "the scheduler"  #: what it is called among those that are asked who they are

#: by scheduler, the workers that ``check`` found in order, until they are used
_in_order: dict[str, frozenset[str]] = {}


def run(
    many: Sequence[Task],
    alone: Sequence[Task],
    *,
    jobs: int,
    scheduler: str | None = None,
    tell: Callable[[str], None] = lambda sentence: None,
) -> Generator[tuple[int, Verdict], None, None]:
    """(index, verdict) as they finish, a case a thread of the workers at ``scheduler``.

    Without a scheduler, a cluster of ``jobs`` processes on this machine is started, and closed at the end. What a lost
    worker had in hand runs on others. Workers that join later are asked what ``check`` asks, before their first case;
    ``tell`` gets a sentence about each that is not used.

    Raises BackendError where there is no cluster, BackendLost where it goes away with cases left to do.
    """
    distributed = library("dask", "distributed")
    from gradaudit.backends._dask_joblib import HearingBackend, audit_on_worker
    from gradaudit.backends._dask_roster import Roster

    name = f"gradaudit-{secrets.token_hex(8)}"
    with (
        _quiet(distributed),
        _connected(distributed, jobs=jobs, scheduler=scheduler) as client,
        _dismissed(client, name),
    ):
        roster = Roster(None if scheduler is None else _admitted(client, scheduler))
        hearing = HearingBackend(client, run=name, roster=roster, examine=_examiner(client, (*alone, *many)))
        audit = partial(audit_on_worker, run=name, folder=os.getcwd())
        answers = until_answered(longest_first(many, alone), asking(audit, hearing))
        yield from telling(answers, roster.refused, tell, who="worker")


def check(tasks: Sequence[Task], *, scheduler: str | None) -> None:
    """Whether every worker at ``scheduler`` can run these; raises BackendError with what is missing, and where."""
    distributed = library("dask", "distributed")
    if scheduler is None:  # its workers will be copies of this process
        return
    with _quiet(distributed), _connected(distributed, jobs=1, scheduler=scheduler) as client:
        try:
            who = _who(client)
            workers = [worker.removeprefix("worker ") for worker in who if worker != _SCHEDULER]
            problems = _preflight.problems(who, partial(_looked, client, workers), _preflight.needs_of(tasks))
        except TimeoutError as problem:
            raise BackendError(f"the dask scheduler at {scheduler} gave {problem}; start it again") from None
        _preflight.refuse(problems)
        _in_order[scheduler] = frozenset(workers)


def _admitted(client: Any, scheduler: str) -> frozenset[str]:
    """Who was found in order; where nobody has asked, all that are there."""
    checked = _in_order.pop(scheduler, None)
    return frozenset(threads_of(client, limit=ANSWER)) if checked is None else checked


def _examiner(client: Any, tasks: Sequence[Task]) -> Callable[[str], str]:
    """A question: what keeps the worker at an address from ``tasks``; nothing where it is in order."""

    def problems(worker: str, needs: _preflight.Needs) -> list[str]:
        who = ask_all(client, eval, _preflight.WHO, limit=ANSWER, workers=[worker])
        return _preflight.problems(who, partial(_looked, client, [worker]), needs)

    return _preflight.examiner(tasks, problems)


def _looked(client: Any, workers: Sequence[str], needs: _preflight.Needs) -> dict[str, Any]:
    """What ``workers`` lack, each in a thread beside its cases."""
    return ask_all(client, beside, _preflight.look, needs, limit=_preflight.limit(needs), workers=workers)


def _who(client: Any) -> dict[str, object]:
    """Who the workers say they are, and the scheduler, which reads each task on its way to them."""
    scheduler = ask_scheduler(client, eval, _preflight.WHO, limit=ANSWER)
    workers = {} if isinstance(scheduler, TimeoutError) else ask_all(client, eval, _preflight.WHO, limit=ANSWER)
    return {_SCHEDULER: scheduler, **workers}


def _quiet(distributed: ModuleType) -> AbstractContextManager[None]:
    """What goes wrong is in verdicts and errors; the log of a client would tear the progress to pieces."""
    quiet: AbstractContextManager[None] = distributed.utils.silence_logging_cmgr(logging.CRITICAL)
    return quiet


@contextmanager
def _connected(distributed: ModuleType, *, jobs: int, scheduler: str | None) -> Iterator[Any]:
    with ExitStack() as stack:
        address = scheduler or stack.enter_context(_local_cluster(distributed, jobs=jobs))
        try:
            if scheduler is not None:
                asyncio.run(_reach(distributed, scheduler))
            client = distributed.Client(address, timeout=CONNECT, set_as_default=False)
        except (OSError, ValueError) as problem:
            why = str(problem) or f"no word within {CONNECT:g} s"
            raise BackendError(f"no dask scheduler answers at {address}: {why}; start one: dask scheduler") from None
        stack.callback(_closed, client)
        try:
            client.wait_for_workers(1, timeout=CONNECT)
        except TimeoutError:
            raise BackendError(
                f"the dask scheduler at {address} has no worker, after {CONNECT:g} s; start one: dask worker {address}"
            ) from None
        yield client


async def _reach(distributed: ModuleType, address: str) -> None:
    """Raises OSError or ValueError where no scheduler answers: a client would wait for ever for one that is frozen."""
    how = distributed.Security().get_connection_args("client")
    async with asyncio.timeout(CONNECT):  # all of it: to take leave of a frozen one has no limit of its own
        comm = await distributed.comm.connect(address, timeout=CONNECT, **how)
        try:
            await comm.write({"op": "identity", "reply": True})
            await comm.read()
        finally:
            comm.abort()


@contextmanager
def _local_cluster(distributed: ModuleType, *, jobs: int) -> Iterator[Any]:
    with library("dask", "dask").config.set({_LOST_FOR_GOOD: "1 day"}):
        cluster = distributed.LocalCluster(
            n_workers=jobs,
            threads_per_worker=1,
            dashboard_address="127.0.0.1:0",  # one that is free: None is 8787, for everybody
            memory_limit=0,  # user code is in the children; a worker is not to be stopped for what they use
            silence_logs=logging.CRITICAL,
            preload=[_DEAF],
            death_timeout=START,
        )
        try:
            yield cluster
        finally:
            _closed(cluster)


def _closed(part: Any) -> None:
    with contextlib.suppress(TimeoutError, OSError, RuntimeError):  # it may be what is lost
        part.close(timeout=CLOSE)


@contextmanager
def _dismissed(client: Any, run: str) -> Iterator[None]:
    """At the end no worker keeps a child of ``run``, not even in the middle of a case that nobody waits for now."""
    try:
        yield
    finally:
        if client.status == "running":  # otherwise the scheduler is gone, and nobody can be asked
            with contextlib.suppress(Exception):
                ask_all(client, beside, dismiss, run, limit=CLOSE)
                ask_scheduler(client, forget, run, limit=CLOSE)
