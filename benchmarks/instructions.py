"""Instructions, and cycles where they can be had, for one evaluation of f within a gradient by central differences."""

import importlib.util
import json
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from ctypes import CDLL
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from llvmlite.binding import get_host_cpu_name
from numba import njit
from scipy.optimize._numdiff import approx_derivative

from benchmarks._counters import (
    REFERENCE,
    Counts,
    Meter,
    Work,
    emulated,
    hardware,
    median,
    per_evaluation,
    reference_cycles,
    within_emulator,
)
from benchmarks._table import table
from benchmarks.rosenbrock import SCIPY, Array, C, H, build, in_c, label, ours, rosenbrock
from gradaudit.perturb import ranges

SIZES = (8, 100, 1_000, 4_000)
WORK = 1_600_000  #: elements of x to read, at least, in gradients that one call takes together
SHORTEST = 400  #: coordinates at least, in the shorter of two counts
TIMED = 15  #: rounds of what is timed; what is counted is counted once
ALL_STEPS = 1_000  #: the largest n at which numdifftools takes its own fifteen steps

#: The emulated processor is so much slower, and the kernel's ranges are as long as their time says: told so, they are
#: those that it takes outside.
SLOWER = 30

REFERENCE_ROW, LOOP, OURS = label(C, 1), "the same loop compiled by Numba", label("gradaudit", 1)
ONE, MANY = "one gradient a call", "many gradients a call"

Found = dict[str, Counts]  #: by contestant, group and n, as ``key`` writes them


@dataclass(frozen=True)
class Contestant:
    """One way to the gradient at one n."""

    name: str
    group: str  #: ONE or MANY
    n: int
    gradient: Work
    evaluations: int  #: of f, in one call

    @property
    def key(self) -> str:
        return key(self.name, self.group, self.n)


def key(name: str, group: str, n: int) -> str:
    return f"{name}, {group}, n = {n}"


def run() -> str:
    """Count and time every contestant, one thread, and return the tables; what is missing is said below them."""
    with tempfile.TemporaryDirectory() as folder:
        field = contestants(Path(folder))
        found, note = counted(field, Path(folder))
        clock = reference_cycles(Path(folder))
        if clock is not None:
            found = joined(found, measured(field, clock, rounds=TIMED))
    groups = {group: [one for one in field if one.group == group] for group in (ONE, MANY)}
    tables = [table(f"Instructions, {group}", *rows(those, found)) for group, those in groups.items()]
    return "\n\n".join([*tables, note, *missing(found)])


def counted(field: Sequence[Contestant], folder: Path) -> tuple[Found, str]:
    """Events by the first way that this machine has, and which one that is."""
    meter = hardware()
    if meter is not None:
        return measured(field, meter), "Instructions and cycles by the processor's own counters."
    told = emulated(folder, "-m", "benchmarks.instructions", str(folder))
    if told is None:
        return {}, "Not counted: no counters of the processor's that may be read, and no valgrind with its headers."
    answer = json.loads(told)
    return answer["found"], f"Instructions by callgrind, on an emulated processor, to LLVM a {answer['cpu']}."


def main(folder: Path) -> None:
    """The part that runs on the emulated processor."""
    ranges.LONG, ranges.SHORT = SLOWER * ranges.LONG, SLOWER * ranges.SHORT
    field = contestants(folder)
    print(json.dumps({"cpu": get_host_cpu_name(), "found": measured(field, within_emulator(folder))}))


def measured(field: Sequence[Contestant], meter: Meter, *, rounds: int = 1) -> Found:
    """Events for one evaluation of each contestant, the median over rounds in which they take turns."""
    counts = [{one.key: evaluation(one, meter) for one in field} for _ in range(rounds)]
    return {one.key: median([found[one.key] for found in counts]) for one in field}


def evaluation(one: Contestant, meter: Meter) -> Counts:
    """After a call that is not counted: the contestant before has left its own data in the caches."""
    one.gradient()
    repeats = max(1, 2 * SHORTEST // one.evaluations)
    return per_evaluation(meter, one.gradient, repeats=repeats, evaluations=one.evaluations)


def contestants(folder: Path) -> list[Contestant]:
    """All of them at all n, each called once, so that nothing is compiled any more."""
    library = build(folder)
    field = [one for n in SIZES for one in (*called_once(n, library), *called_for_many(n, library))]
    for one in field:
        one.gradient()
    return field


def called_once(n: int, library: CDLL | None) -> Iterator[Contestant]:
    """As a user would."""
    x = point(n)
    if library is not None:
        yield Contestant(REFERENCE_ROW, ONE, n, in_c(library, x, 1), 2 * n)
    yield Contestant(LOOP, ONE, n, partial(loop, rosenbrock, x, H, 1), 2 * n)
    yield Contestant(OURS, ONE, n, ours(x, 1), 2 * n + 1)
    for name, way in from_python(x):
        yield Contestant(name, ONE, n, partial(way, rosenbrock), calls(way))


def called_for_many(n: int, library: CDLL | None) -> Iterator[Contestant]:
    """So that what a call costs disappears beside the evaluations."""
    x, times = point(n), max(1, WORK // n**2)
    if library is not None:
        yield Contestant(REFERENCE_ROW, MANY, n, in_c(library, x, 1, times=times), 2 * n * times)
    yield Contestant(LOOP, MANY, n, partial(loop, rosenbrock, x, H, times), 2 * n * times)
    yield Contestant(OURS, MANY, n, ours(x, 1, times=times), 2 * n * times)


def point(n: int) -> Array:
    return np.random.default_rng(0).normal(size=n)


@njit
def loop(f: Any, x: Array, h: float, times: int) -> Array:
    """The loop in C: f is compiled into it."""
    work, slopes = x.copy(), np.empty(x.size)
    for _ in range(times):
        for i in range(x.size):
            work[i] = x[i] + h
            above = f(work)
            work[i] = x[i] - h
            below = f(work)
            work[i] = x[i]
            slopes[i] = (above - below) / ((x[i] + h) - (x[i] - h))
    return slopes


def from_python(x: Array) -> Iterator[tuple[str, Callable[[Any], object]]]:
    """What calls f from Python, over any f."""
    yield "f called from Python, and nothing else", lambda f: [f(x) for _ in range(2 * x.size)]
    yield SCIPY, lambda f: approx_derivative(f, x)
    if has_numdifftools():
        numdifftools: Any = importlib.import_module("numdifftools")
        yield "numdifftools.Gradient, one step", lambda f: numdifftools.Gradient(f, step=H)(x)
        if x.size <= ALL_STEPS:
            yield "numdifftools.Gradient, its own steps", lambda f: numdifftools.Gradient(f)(x)


def calls(way: Callable[[Any], object]) -> int:
    """How often ``way`` evaluates."""
    count = 0

    def f(x: Array) -> float:
        nonlocal count
        count += 1
        return rosenbrock(x)

    way(f)
    return count


def joined(first: Found, second: Found) -> Found:
    """The events of both."""
    return {key: {**first.get(key, {}), **second[key]} for key in second}


def rows(field: Iterable[Contestant], found: Found) -> tuple[list[str], list[list[str]]]:
    """Columns, and a row a contestant: each event for an evaluation, for an element of it, and beside C."""
    events = events_of(found)
    parts = [column for event in events for column in (event, "an element", "× C")]
    return ["an evaluation within", "n", "evaluations a call", *parts], [
        [one.name, f"{one.n:,}", f"{one.evaluations:,}", *chain.from_iterable(cells(one, e, found) for e in events)]
        for one in field
    ]


def cells(one: Contestant, event: str, found: Found) -> tuple[str, str, str]:
    """One event: an evaluation, an element, and beside C at the same n."""
    count, beside = found[one.key][event], found.get(key(REFERENCE_ROW, one.group, one.n))
    return f"{count:,.0f}", f"{count / one.n:,.1f}", f"{count / beside[event]:.2f}" if beside else ""


def events_of(found: Found) -> list[str]:
    """All events, in the order in which they were counted."""
    return list(dict.fromkeys(event for counts in found.values() for event in counts))


def missing(found: Found) -> list[str]:
    """What this machine has not."""
    lacks = {
        "No C compiler with OpenMP was found: its rows are missing.": not any(REFERENCE_ROW in name for name in found),
        "No time-stamp counter could be read.": REFERENCE not in events_of(found),
        "numdifftools is not installed: its rows are missing. `pip install numdifftools` adds them.": not (
            has_numdifftools()
        ),
    }
    return [note for note, lacking in lacks.items() if lacking]


def has_numdifftools() -> bool:
    return importlib.util.find_spec("numdifftools") is not None


if __name__ == "__main__":
    main(Path(sys.argv[1]))
