"""One plan for two levels of parallelism: many cases at once with a thread each, or one large case with all cores."""

import math
import os
from collections.abc import Sequence
from dataclasses import replace

from gradaudit.backends._keeper import Task
from gradaudit.plan.case import Case, Drawn, Given, Stored

LARGE = 2_000  #: differentiated elements from which threads over perturbations pay


def two_levels(tasks: Sequence[Task], *, jobs: int) -> tuple[list[Task], list[Task]]:
    """(cases for the workers, cases to run alone after them), in the order to start them.

    A large case runs alone, with a thread a core, where fewer of them than cores are there: with more, the cores are
    busier with a case each. For workers, cases that share a child stay together, and the longest start first; one job
    keeps the order of the plan.
    """
    if jobs <= 1:
        return list(tasks), []
    large = [task for task in tasks if elements(task.case) >= LARGE and task.case.target.engine != "python"]
    alone = large if len(large) < jobs else []
    set_apart = {task.index for task in alone}
    many = [task for task in tasks if task.index not in set_apart]
    return _longest_first(many), [replace(task, threads=jobs) for task in alone]


def elements(case: Case) -> int:
    """How many elements the case differentiates; an estimate where the values stand in a file."""
    count = sum(_size(one.source) for one in case.inputs if one.differentiate)
    return count if case.settings.elements is None else min(count, case.settings.elements)


def _longest_first(tasks: Sequence[Task]) -> list[Task]:
    first: dict[object, int] = {}
    for task in tasks:
        first.setdefault((task.case.path, task.case.env), task.index)
    return sorted(tasks, key=lambda task: (first[task.case.path, task.case.env], -elements(task.case), task.index))


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
