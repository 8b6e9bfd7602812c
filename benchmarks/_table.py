"""Contestants timed in turns, so that a slow minute of the machine meets all of them, and shown as ratios."""

import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable, Mapping


def race(
    contestants: Mapping[str, Callable[[], object]], *, reference: str, rounds: int
) -> dict[str, tuple[float, float]]:
    """Median seconds and median ratio to ``reference``, after a first round that is not counted."""
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for counted in [False] + [True] * rounds:
        for name, run in contestants.items():
            began = time.perf_counter()
            run()
            if counted:
                times[name].append(time.perf_counter() - began)
    return {name: (statistics.median(own), _ratio(own, times[reference])) for name, own in times.items()}


def table(title: str, columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table under its title, columns padded so that it reads as plain text too."""
    cells = [tuple(columns), *map(tuple, rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["| " + " | ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) + " |" for row in cells]
    rule = "|" + "|".join("-" * (w + 2) for w in widths) + "|"
    return "\n".join([f"### {title}", "", lines[0], rule, *lines[1:]])


def machine() -> str:
    """The machine, named by its cores only."""
    return f"{os.cpu_count()} cores, Python {platform.python_version()}"


def _ratio(own: list[float], reference: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(own, reference, strict=True))
