"""What a second core is worth: one large case in threads, and a suite of many cases in processes.

Two cores share caches and memory, and others may hold a part of them, so beside each speedup stands what the machine
gives to two contestants that share nothing, in the same round: two loops beside threads, and beside the suite two plain
processes that audit half of it each. The efficiency is our speedup over theirs.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numba import njit

from benchmarks._program import program
from benchmarks._table import table
from benchmarks.isolation import PLAIN, Contestant
from benchmarks.rosenbrock import ours
from gradaudit.auditor import audit_case
from gradaudit.judge.verdict import Status
from gradaudit.plan import make_plan
from gradaudit.suite import load_suite

ROUNDS = 4
GOAL = "≥ 0.9"
LARGE, BUSY = 20_000, 200_000_000
CORES = 2

MODULE = """
import numpy as np
from numba import njit


@njit
def chain(x):
    total = 0.0
    for i in range(x.size - 1):
        total += np.sin(x[i]) * x[i + 1] ** 2
    return total


@njit
def chain_gradient(x):
    out = np.zeros(x.size)
    for i in range(x.size - 1):
        out[i] += np.cos(x[i]) * x[i + 1] ** 2
        out[i + 1] += 2 * np.sin(x[i]) * x[i + 1]
    return out


def logsum(a):
    return float(np.log1p(np.exp(a @ a.T)).sum())


def logsum_gradient(a):
    weight = 1 / (1 + np.exp(-(a @ a.T)))
    return 2 * weight @ a
"""

LARGE_CASE = """
version: 1
path: [.]
functions:
  - {function: many:chain, gradient: many:chain_gradient, inputs: {x: {shape: [6000]}}}
"""

MANY_CASE = """
  - name: logsum {number}
    function: many:logsum
    gradient: many:logsum_gradient
    inputs: {{a: {{shape: [32, 24]}}}}"""
MANY = 600


@njit(nogil=True)
def _busy(count):  # type: ignore[no-untyped-def]
    total = 0
    for i in range(count):
        total ^= (total << 1) + i
    return total


def run() -> str:
    """Speedups on two cores, beside what the machine gives to two loops that share nothing."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "many.py").write_text(MODULE)
        (folder / "large.yaml").write_text(LARGE_CASE)
        cases = "".join(MANY_CASE.format(number=number) for number in range(MANY))
        (folder / "many.yaml").write_text(f"version: 1\npath: [.]\nfunctions:{cases}\n")
        rows = [
            _row(f"gradient of Rosenbrock, n = {LARGE:,}, the kernel's threads", _kernel()),
            _row("one large case (compiled, n = 6,000), threads inside the audit", _audited(folder)),
            _row(f"a suite of {MANY} cases of 768 elements, whole command, -j", _suite(folder), beside=_plain(folder)),
        ]
    columns = ("", "1 core s", "2 cores s", "speedup", "two that share nothing", "efficiency", "goal")
    return table(f"A second core ({os.cpu_count()} here)", columns, rows)


def _row(name: str, work: Callable[[int], object], *, beside: Callable[[], float] | None = None) -> tuple[str, ...]:
    """``work(cores)`` on one core and on two, with ``beside``, the machine's own speedup, before and after."""
    machines = beside or _two_loops
    work(1)
    one, two, speedups, given = [], [], [], []
    for _ in range(ROUNDS):
        before = machines()
        one.append(_seconds(lambda: work(1)))
        two.append(_seconds(lambda: work(CORES)))
        given.append((before + machines()) / 2)
        speedups.append(one[-1] / two[-1])
    efficiency = statistics.median(ours_ / theirs for ours_, theirs in zip(speedups, given, strict=True))
    medians = (statistics.median(values) for values in (one, two, speedups, given))
    return (name, *(f"{value:.2f}" for value in medians), f"{efficiency:.2f}", GOAL)


def _two_loops() -> float:
    """How much more two threads without the GIL do in a time than one does."""
    _busy(1)
    one = _seconds(lambda: _busy(BUSY))
    with ThreadPoolExecutor(CORES) as pool:
        two = _seconds(lambda: list(pool.map(_busy, [BUSY] * CORES)))
    return CORES * one / two


def _plain(folder: Path) -> Callable[[], float]:
    """How much sooner plain processes are done with the suite's cases where two share them: whole programs, too."""
    suite = folder / "many.yaml"

    def speedup() -> float:
        alone, shared = (Contestant(PLAIN, processes=count, count=MANY) for count in (1, CORES))
        return _seconds(lambda: alone.run(suite)) / _seconds(lambda: shared.run(suite))

    return speedup


def _kernel() -> Callable[[int], object]:
    x = np.random.default_rng(0).normal(size=LARGE)
    gradients = {threads: ours(x, threads) for threads in (1, CORES)}
    return lambda cores: gradients[cores]()


def _audited(folder: Path) -> Callable[[int], object]:
    sys.path.insert(0, str(folder))
    (case,) = make_plan(load_suite([folder / "large.yaml"], environment={}))

    def audit(cores: int) -> None:
        verdict = audit_case(case, threads=cores)
        assert verdict.status is Status.PASS, verdict.message

    return audit


def _suite(folder: Path) -> Callable[[int], object]:
    return lambda cores: program(folder, "run", "many.yaml", "-j", str(cores), "--baseline", "none")()


def _seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began
