"""The shelf of backends: each file runs tasks in its own kind of worker; its name is the word the user types.

A backend is one file with one function:

    run(many: Sequence[Task], alone: Sequence[Task], *, jobs: int) -> Generator[tuple[int, Verdict], None, None]

It runs ``many``, ``jobs`` at a time, and when all of them have finished, ``alone`` one by one, with all cores. It
yields (index of the task, verdict) as cases finish, in any order, and leaves no process behind, also where its
generator is closed early. Libraries are imported inside the function.

A backend whose workers may be other machines has a second one, and its ``run`` takes ``scheduler`` too, the address of
a cluster that is there (None: it starts one on this machine, and closes it), and ``tell``, for sentences about it:

    check(tasks: Sequence[Task], *, scheduler: str | None) -> None

It raises BackendError where a worker of the cluster cannot run ``tasks``.
"""

import importlib
import pkgutil
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, nullcontext
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gradaudit.isolation.keeper import Task
    from gradaudit.judge.verdict import Verdict
    from gradaudit.plan.case import Case


class BackendError(Exception):
    """The backend asked for cannot be used, and why: found before the first case."""


class BackendLost(RuntimeError):
    """The workers of a backend went away, with cases left to do."""


def names() -> list[str]:
    """The backends on the shelf, without importing any."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))


def part(name: str) -> ModuleType:
    """The backend called ``name``. Raises BackendError where it is not on the shelf."""
    if name in names():
        return importlib.import_module(f"{__name__}.{name}")
    raise BackendError(f"backend {name!r} is not on the shelf; allowed: {', '.join(names())}")


def library(backend: str, module: str) -> ModuleType:
    """The module of the library that ``backend`` is called like. Raises BackendError where it is not installed."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError:
        raise BackendError(f"backend {backend!r} needs {backend}: pip install 'gradaudit[{backend}]'") from None


def check(cases: "Sequence[Case]", *, backend: str | None = None, scheduler: str | None = None) -> None:
    """Whether ``cases`` can run on ``backend``. Raises BackendError where they cannot."""
    if backend is None and scheduler is None:
        return
    shelf = part(backend or default(1, scheduler=scheduler))
    if hasattr(shelf, "check"):
        shelf.check(_tasks(cases), scheduler=scheduler)
    elif scheduler is not None:
        raise BackendError(f"backend {backend!r} works on this machine and has no scheduler: use --backend dask or ray")


def readied(
    *, backend: str | None = None, scheduler: str | None = None, power: bool = False
) -> AbstractContextManager[None]:
    """Start now what the first case will need: inside, a ``run`` with these arguments need not wait for it.

    To be entered before the suite is read; what no run has used is ended on leaving.
    """
    if scheduler is not None or backend not in (None, "sequential", "threading"):
        return nullcontext()
    from gradaudit.isolation import keeper, spare

    return spare.started(keeper.WITH_POWER if power else keeper.AUDIT)


def run(
    cases: "Sequence[Case]",
    *,
    backend: str | None = None,
    jobs: int = 1,
    timeout: float | None = None,
    audit: str | None = None,
    power: bool = False,
    retries: int = 0,
    scheduler: str | None = None,
    max_memory: int | None = None,
    tell: Callable[[str], None] = lambda sentence: None,
) -> "Generator[tuple[int, Verdict], None, None]":
    """Audit ``cases`` and yield (position, verdict) as they finish.

    ``jobs`` processes work at once; ``backend`` None is ``sequential`` for one job and ``threading`` for more.
    ``timeout``, in seconds, holds for cases that have none of their own. ``audit`` is the reference of the function
    that audits one case. ``power`` tests every case that passes by known faults in its claim; nothing else about its
    verdict changes. ``retries`` are further attempts at a case that ends badly and not as expected, each in a process
    of its own. ``scheduler`` is the address of a cluster. ``max_memory`` is how many bytes the process of a case may
    hold, with all that it starts. ``tell`` gets sentences about workers of the cluster that are not used. Verdicts do
    not depend on ``jobs`` or ``backend``.

    Raises BackendError at once, and whatever the library of the backend raises where it breaks.
    """
    from gradaudit.backends import _order

    tasks = _tasks(cases, timeout=timeout, audit=audit, power=power, retries=retries, max_memory=max_memory)
    many, alone = _order.two_levels(tasks, jobs=1 if backend == "sequential" else jobs)
    shelf = part(backend or default(min(jobs, len(many)), scheduler=scheduler))
    cluster: dict[str, object] = {} if scheduler is None else {"scheduler": scheduler, "tell": tell}
    answers: Generator[tuple[int, Verdict], None, None] = shelf.run(
        many, alone, jobs=max(1, min(jobs, len(many))), **cluster
    )
    return answers


def default(jobs: int, *, scheduler: str | None = None) -> str:
    """The backend for ``jobs`` where none was named: the one that is ready first.

    Cases run in children of their own in any case, so a pool of processes in between adds half a second and no safety.
    """
    if scheduler is not None:
        return "dask"
    return "sequential" if jobs <= 1 else "threading"


def _tasks(
    cases: "Sequence[Case]",
    *,
    timeout: float | None = None,
    audit: str | None = None,
    power: bool = False,
    retries: int = 0,
    max_memory: int | None = None,
) -> "list[Task]":
    from gradaudit.isolation import keeper

    return [
        keeper.Task(
            index=index,
            case=case,
            limit=case.settings.timeout if case.settings.timeout is not None else timeout,
            audit=keeper.WITH_POWER if power else audit or keeper.AUDIT,
            fallback=keeper.AUDIT if power else None,
            retries=retries,
            memory=max_memory,
        )
        for index, case in enumerate(cases)
    ]
