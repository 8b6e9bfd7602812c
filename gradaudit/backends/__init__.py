"""The shelf of backends: each file runs tasks in its own kind of worker; its name is the word the user types.

A backend is one file with one function:

    run(many: Sequence[Task], alone: Sequence[Task], *, jobs: int) -> Generator[tuple[int, Verdict], None, None]

It runs ``many``, ``jobs`` at a time, and when all of them have finished, ``alone`` one by one, with all cores. It
yields (index of the task, verdict) as cases finish, in any order, and leaves no process behind, also where its
generator is closed early. Libraries are imported inside the function.
"""

import importlib
import pkgutil
from collections.abc import Generator, Sequence
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gradaudit.judge.verdict import Verdict
    from gradaudit.plan.case import Case

PLANNED = ("dask", "ray")  #: named by the contract, not on the shelf yet


class BackendError(Exception):
    """No such backend: the message says which are allowed."""


def names() -> list[str]:
    """The backends on the shelf, without importing any."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))


def part(name: str) -> ModuleType:
    """The backend called ``name``. Raises BackendError where it is not on the shelf."""
    if name in names():
        return importlib.import_module(f"{__name__}.{name}")
    why = "is not part of this version yet" if name in PLANNED else "is not on the shelf"
    raise BackendError(f"backend {name!r} {why}; allowed: {', '.join(names())}")


def run(
    cases: "Sequence[Case]",
    *,
    backend: str | None = None,
    jobs: int = 1,
    timeout: float | None = None,
    audit: str | None = None,
    power: bool = False,
    retries: int = 0,
) -> "Generator[tuple[int, Verdict], None, None]":
    """Audit ``cases`` and yield (position, verdict) as they finish.

    ``jobs`` processes work at once; ``backend`` None is ``sequential`` for one job and ``threading`` for more.
    ``timeout``, in seconds, holds for cases that have none of their own. ``audit`` is the reference of the function
    that audits one case. ``power`` tests every case that passes by known faults in its claim; nothing else about its
    verdict changes. ``retries`` are further attempts at a case that ends badly and not as expected, each in a process
    of its own. Verdicts do not depend on ``jobs`` or ``backend``.

    Raises BackendError at once, and whatever the library of the backend raises where it breaks.
    """
    from gradaudit.backends import _keeper, _order

    tasks = [
        _keeper.Task(
            index=index,
            case=case,
            limit=case.settings.timeout if case.settings.timeout is not None else timeout,
            audit=_keeper.WITH_POWER if power else audit or _keeper.AUDIT,
            fallback=_keeper.AUDIT if power else None,
            retries=retries,
        )
        for index, case in enumerate(cases)
    ]
    many, alone = _order.two_levels(tasks, jobs=1 if backend == "sequential" else jobs)
    shelf = part(backend or default(min(jobs, len(many))))
    answers: Generator[tuple[int, Verdict], None, None] = shelf.run(many, alone, jobs=max(1, min(jobs, len(many))))
    return answers


def default(jobs: int) -> str:
    """The backend for ``jobs`` where none was named: the one that is ready first.

    Cases run in children of their own in any case, so a pool of processes in between adds half a second and no safety.
    """
    return "sequential" if jobs <= 1 else "threading"
