"""What isolation costs: small healthy cases in workers, beside the same loop over them in plain processes.

By the clock, and in processor time of all processes together, which other users of the machine disturb less. Least
of the rounds, which contestants take in turns: what disturbs only ever adds.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks._table import table
from gradaudit.backends._environment import ONE_THREAD

CASES = 1_000
ROUNDS = 5

MODULE = """
import numpy as np


def waves(x):
    return float(np.sin(x).sum())


def waves_gradient(x):
    return np.cos(x)
"""

CASE = """
  - name: waves {number}
    function: small:waves
    gradient: small:waves_gradient
    inputs: {{x: {{shape: [4]}}}}"""

#: Whole programs, interpreter and imports included: read the suite, plan it, audit it. Only the last part differs.
PROGRAM = """
import sys
from gradaudit.plan import make_plan
from gradaudit.suite import load_suite

cases = make_plan(load_suite(["suite.yaml"], environment={{}}))[{part}]
{audit}
assert len(verdicts) == len(cases) > 0 and all(verdict.status == "pass" for verdict in verdicts)
"""

PLAIN = """
from gradaudit.auditor import audit_case
sys.path.insert(0, ".")
verdicts = [audit_case(case) for case in cases]
"""

ISOLATED = """
from gradaudit import backends
verdicts = [verdict for _, verdict in backends.run(cases, jobs={jobs}, timeout=300.0)]
"""


@dataclass(frozen=True)
class Contestant:
    """Programs that run at the same time and audit a share each."""

    audit: str
    processes: int = 1
    beside: str | None = None  #: the contestant that it is measured against
    goal: str = ""


ONE, TWO = "one plain process", "two plain processes, half of them each"
CONTESTANTS = {
    ONE: Contestant(PLAIN),
    "workers, 1 job": Contestant(ISOLATED.format(jobs=1), beside=ONE, goal="< 1.05"),
    TWO: Contestant(PLAIN, processes=2),
    "workers, 2 jobs": Contestant(ISOLATED.format(jobs=2), beside=TWO),
}


@dataclass(frozen=True)
class Cost:
    """What one run of a contestant took, starting included."""

    clock: float  #: s
    processor: float  #: s of all processes together, user and system


def run() -> str:
    """The table."""
    with _suite() as folder:
        rounds = [{name: _cost(folder, contestant) for name, contestant in CONTESTANTS.items()} for _ in range(ROUNDS)]
    least = {
        name: Cost(min(one[name].clock for one in rounds), min(one[name].processor for one in rounds))
        for name in CONTESTANTS
    }
    return table(
        f"{CASES:,} small healthy cases, by the clock and in processor time",
        ("audited in", "s", "× plain", "processor s", "× plain", "goal"),
        [_row(name, contestant, least) for name, contestant in CONTESTANTS.items()],
    )


def _row(name: str, contestant: Contestant, least: dict[str, Cost]) -> Sequence[str]:
    own, plain = least[name], least[contestant.beside or name]
    clock, processor = own.clock / plain.clock, own.processor / plain.processor
    return name, f"{own.clock:.2f}", f"{clock:.2f}", f"{own.processor:.2f}", f"{processor:.2f}", contestant.goal


@contextmanager
def _suite() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        listed = "".join(CASE.format(number=number) for number in range(CASES))
        (folder / "small.py").write_text(MODULE)
        (folder / "suite.yaml").write_text(f"version: 1\npath: [.]\nfunctions:{listed}\n")
        yield folder


def _cost(folder: Path, contestant: Contestant) -> Cost:
    began = time.perf_counter()
    started = [_start(folder, contestant.audit, part, contestant.processes) for part in range(contestant.processes)]
    ended = [os.wait4(process.pid, 0) for process in started]
    clock = time.perf_counter() - began
    assert all(status == 0 for _, status, _ in ended), "a contestant failed; its traceback is above"
    return Cost(clock, sum(usage.ru_utime + usage.ru_stime for _, _, usage in ended))


def _start(folder: Path, audit: str, part: int, parts: int) -> "subprocess.Popen[bytes]":
    program = PROGRAM.format(audit=audit, part=f"{part}::{parts}")
    # the plain loop has one thread for its linear algebra too, as every worker has
    return subprocess.Popen([sys.executable, "-c", program], cwd=folder, env=os.environ | ONE_THREAD)
