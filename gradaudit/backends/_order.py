"""One plan for two levels of parallelism: many cases at once with a thread each, or one large case with all cores."""

import math
import os
from collections.abc import Sequence
from dataclasses import replace

from gradaudit.isolation.keeper import Task
from gradaudit.plan.case import Case, Drawn, Given, Stored

LARGE = 2_000  #: differentiated elements from which threads over perturbations pay
#: Engines whose functions may be compiled for those threads. None: nobody knows before the worker has loaded it.
THREADED = ("numba", None)


def two_levels(tasks: Sequence[Task], *, jobs: int) -> tuple[list[Task], list[Task]]:
    """(cases for the workers, cases to run alone after them), in the order to start them.

    Where fewer large cases than cores are there, each may have a thread a core; with more, the cores are busier with a
    case each. One that says ``engine: numba`` runs alone then. One that says nothing starts among the first of the
    workers': most functions turn out to be Python's, which no thread makes faster, and a core must not wait for them;
    a compiled one takes what the others leave.

    For workers, cases that share a child stay together, and the longest start first; one job keeps the order of the
    plan.
    """
    if jobs <= 1:
        return list(tasks), []
    large = [task for task in tasks if _has_use_for_threads(task.case)]
    if len(large) >= jobs:
        return _longest_first(tasks), []
    threaded = [replace(task, threads=jobs) for task in large]
    alone = [task for task in threaded if task.case.target.engine == "numba"]
    given = {task.index: task for task in (*tasks, *threaded)}
    for task in alone:
        del given[task.index]
    return _longest_first(list(given.values())), alone


def _has_use_for_threads(case: Case) -> bool:
    by_coordinates = case.settings.directions is None
    return by_coordinates and case.target.engine in THREADED and elements(case) >= LARGE


def elements(case: Case) -> int:
    """How many elements the case takes differences along; an estimate where the values stand in a file."""
    count, settings = _inputs(case), case.settings
    asked = settings.elements if settings.directions is None else settings.directions
    return count if asked is None else min(count, asked)


def _inputs(case: Case) -> int:
    return sum(_size(one.source) for one in case.inputs if one.differentiate)


def _longest_first(tasks: Sequence[Task]) -> list[Task]:
    first: dict[object, int] = {}
    for task in tasks:
        first.setdefault((task.case.path, task.case.env), task.index)
    return sorted(tasks, key=lambda task: (first[task.case.path, task.case.env], -_work(task.case), task.index))


def _work(case: Case) -> int:
    """What a case costs beside others, as far as its plan tells: an evaluation reads all inputs."""
    return elements(case) * _inputs(case) * case.points


def _size(source: Drawn | Given | Stored) -> int:
    if isinstance(source, Drawn):
        return math.prod(source.shape)
    if isinstance(source, Given):
        return _leaves(source.values)
    try:
        return os.path.getsize(source.file) // 8
    except OSError:  # refused with its place when the case reads it
        return 0


def _leaves(values: object) -> int:
    return sum(map(_leaves, values)) if isinstance(values, list | tuple) else 1
