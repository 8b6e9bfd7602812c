"""Whole programs as contestants: processes of their own, imports and reports included, as on a machine that has them
installed: their modules are compiled, and linear algebra has one thread, as it has in our workers."""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from gradaudit.isolation.environment import ONE_THREAD


@dataclass(frozen=True)
class Spent:
    """What a program took."""

    seconds: float  #: by the clock
    busy: float  #: of all cores together, by the program and all that it started: what others do adds nothing


def spent(call: Callable[[], object]) -> Spent:
    """One call, which starts processes and waits for them."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    call()
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Spent(seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def least(contestants: Mapping[str, Callable[[], object]], *, rounds: int) -> dict[str, Spent]:
    """The least of each over ``rounds`` in which they take turns: what disturbs only ever adds."""
    found: dict[str, list[Spent]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, call in contestants.items():
            found[name].append(spent(call))
    return {name: Spent(min(s.seconds for s in all_), min(s.busy for s in all_)) for name, all_ in found.items()}


def environment() -> dict[str, str]:
    """That of every contestant; whatever its first call compiles, the second finds."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | ONE_THREAD


def program(folder: Path, *words: str, module: str = "gradaudit") -> Callable[[], None]:
    """``python -m module words`` in ``folder``."""

    def call() -> None:
        line = [sys.executable, "-m", module, *words]
        subprocess.run(line, cwd=folder, env=environment(), check=True, capture_output=True)

    return call
