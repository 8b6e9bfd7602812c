"""What every worker of a cluster must have before the first case: looked for there, and told by worker.

A module that cannot be imported is the suite's own fault where it cannot be imported here either, and becomes the
verdict of its cases as it does without a cluster. Where it can be imported here, or on another worker, it is the
worker's, and the run is refused.
"""

import os
import platform
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cache, partial
from importlib import metadata

import gradaudit
from gradaudit.backends import BackendError
from gradaudit.backends._crew import Crew
from gradaudit.isolation.keeper import IMPORT, Task
from gradaudit.judge.verdict import Status
from gradaudit.plan.case import Stored

IMPORT_LIMIT = 60.0  #: s for the modules of one case
START = 120.0  #: s for a first child, on a cold and busy machine
START_AGAIN = 5.0  #: s for one after it
SHOWN = 5  #: problems in a message
#: modules that have a part in every number; what a suite names itself is added
NUMERIC = ("numpy", "numba", "llvmlite", "scipy")
#: by module of an engine: where its numbers are made besides
BENEATH = {"jax": ("jaxlib",)}

#: expression of builtins only: it must be answered by any Python that has any gradaudit, or none
WHO = "[__import__('gradaudit').__version__, '.'.join(__import__('platform').python_version_tuple()[:2])]"


@dataclass(frozen=True)
class Needs:
    """What to look for on a worker, as plain data."""

    folders: tuple[str, ...]  #: of the suite's ``path:``
    files: tuple[str, ...]  #: that inputs are read from
    imports: tuple[Task, ...]  #: a task a target
    home: str  #: the folder that the run works in
    versions: Mapping[str, str] = field(default_factory=dict)  #: by package, of those that can change a number


@dataclass(frozen=True)
class Found:
    """What a worker lacks."""

    folders: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    imports: Mapping[int, str] = field(default_factory=dict)  #: by index of the task, why it failed
    versions: Mapping[str, str | None] = field(default_factory=dict)  #: by package, where it is another than wanted


def needs_of(tasks: Sequence[Task]) -> Needs:
    """Everything that ``tasks`` take from the machine they run on and that is on this one."""
    folders = {folder for task in tasks for folder in task.case.path if os.path.isdir(folder)}
    sources = [given.source for task in tasks for given in task.case.inputs]
    files = {source.file for source in sources if isinstance(source, Stored) and os.path.isfile(source.file)}
    first: dict[object, Task] = {}
    for task in tasks:
        first.setdefault(task.case.imported, task)
    imports = [
        replace(task, audit=IMPORT, fallback=None, limit=min(task.limit or IMPORT_LIMIT, IMPORT_LIMIT))
        for task in first.values()
    ]
    home, versions = os.getcwd(), _versions(tasks)
    return Needs(tuple(sorted(folders)), tuple(sorted(files)), tuple(imports), home=home, versions=versions)


def _versions(tasks: Sequence[Task]) -> dict[str, str]:
    """Of the installed packages that have a part in the numbers of ``tasks``, frameworks and audited ones included."""
    modules = {*NUMERIC}
    for target, path, _ in {task.case.imported for task in tasks}:
        references = (target.function, *(reference for _, reference in target.claims))
        named = {reference.partition(":")[0].partition(".")[0] for reference in references} | {target.engine or ""}
        modules |= {module for module in named if not _is_in(path, module)}
    modules |= {below for module in modules for below in BENEATH.get(module, ())}
    packages = metadata.packages_distributions()
    found = {package for module in modules for package in packages.get(module, ())} - {"gradaudit"}
    return {package: metadata.version(package) for package in sorted(found)}


def _is_in(path: Sequence[str], module: str) -> bool:
    # what a suite brings along is not what is installed under the same name
    places = [os.path.join(folder, module) for folder in path]
    return any(os.path.isdir(place) or os.path.isfile(f"{place}.py") for place in places)


def _installed(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def look(needs: Needs) -> Found:
    """Which of ``needs`` this machine lacks; modules are imported in a child."""
    return Found(
        folders=tuple(folder for folder in needs.folders if not os.path.isdir(folder)),
        files=tuple(file for file in needs.files if not os.path.isfile(file)),
        imports=_unresolved(needs.imports, home=needs.home),
        versions={
            package: found for package, wanted in needs.versions.items() if (found := _installed(package)) != wanted
        },
    )


def limit(needs: Needs) -> float:
    """Seconds that ``look`` may take: every module on its limit, in a child that starts anew after each."""
    return START + sum((task.limit or 0.0) + START_AGAIN for task in needs.imports)


def examiner(tasks: Sequence[Task], problems_of: Callable[[str, Needs], Sequence[str]]) -> Callable[[str], str]:
    """A question: what keeps one worker, that ``problems_of`` can ask, from ``tasks``; nothing where it is in order."""
    needs = cache(partial(needs_of, tasks))
    return lambda worker: next(iter(problems_of(worker, needs())), "")


def problems(
    who: Mapping[str, object], look_there: Callable[[Needs], Mapping[str, Found | Exception]], needs: Needs
) -> list[str]:
    """What keeps the workers that answered ``WHO`` like this from what has ``needs``.

    ``look_there`` has them all ``look``; strangers, who may not know how, are not asked.
    """
    return strangers(who) or lacking(look_there(needs), needs)


def strangers(who: Mapping[str, object]) -> list[str]:
    """What is wrong with workers that answered ``WHO`` like this, or with an exception."""
    wanted = [gradaudit.__version__, ".".join(platform.python_version_tuple()[:2])]
    return [
        problem for worker, answer in who.items() if (problem := _estranged(worker, answer, wanted=wanted)) is not None
    ]


def lacking(found: Mapping[str, Found | Exception], needs: Needs) -> list[str]:
    """What is wrong with workers that answered ``look`` like this, or with an exception."""
    problems = [
        f"{worker} broke while it was asked: {why}" for worker, why in found.items() if isinstance(why, Exception)
    ]
    answers = {worker: answer for worker, answer in found.items() if isinstance(answer, Found)}
    for worker, answer in answers.items():
        problems += [
            f"{worker} has no folder {folder} of 'path:'; share it or copy it there" for folder in answer.folders
        ]
        problems += [f"{worker} has no file {file} of an input; share it or copy it there" for file in answer.files]
        problems += [
            _unlike(worker, package, version, wanted=needs.versions[package])
            for package, version in answer.versions.items()
        ]
    return problems + _unequal_imports(answers, needs)


def refuse(problems: Sequence[str]) -> None:
    """Raises BackendError with ``problems``, the first of them in full; nothing where there are none."""
    more = [f"and {len(problems) - SHOWN} problems more"] if len(problems) > SHOWN else []
    if problems:
        raise BackendError("\n  ".join(["not every worker can run this suite:", *problems[:SHOWN], *more]))


def _unequal_imports(found: Mapping[str, Found], needs: Needs) -> list[str]:
    suspects = [task for task in needs.imports if any(task.index in answer.imports for answer in found.values())]
    everywhere = {task.index for task in suspects if all(task.index in answer.imports for answer in found.values())}
    own = _unresolved([task for task in suspects if task.index in everywhere], home=needs.home)
    return [
        f"{worker} cannot import what {task.case.id} names: {answer.imports[task.index]}; install it there, or name a "
        f"folder that it can read in 'path:'"
        for task in suspects
        if task.index not in own
        for worker, answer in found.items()
        if task.index in answer.imports
    ]


def _unlike(worker: str, package: str, version: str | None, *, wanted: str) -> str:
    has = f"{package} {version}" if version else f"no {package}"
    return (
        f"{worker} has {has}, here is {wanted}; install there: {package}=={wanted}, "
        f"or the last digits of their results will differ"
    )


def _unresolved(tasks: Sequence[Task], *, home: str) -> dict[int, str]:
    with closing(Crew(home)) as crew:
        verdicts = crew.audit(tasks)
    return {index: verdict.message for index, verdict in verdicts if verdict.status is not Status.PASS}


def _estranged(worker: str, answer: object, *, wanted: list[str]) -> str | None:
    if isinstance(answer, TimeoutError):
        return f"{worker} is there and gave {answer}; start it again, or wait until it is less busy"
    if isinstance(answer, Exception):
        return f"{worker} cannot use gradaudit: {answer}; install there: gradaudit=={wanted[0]}"
    if answer == wanted:
        return None
    assert isinstance(answer, list | tuple)
    return (
        f"{worker} has gradaudit {answer[0]} under Python {answer[1]}, here are {wanted[0]} and {wanted[1]}; "
        f"give all the same, or the last digits of their results will differ"
    )
