"""What isolation costs: small healthy cases in workers, beside the same loop over them in plain processes.

By the clock, and in processor time of all processes together, which other users of the machine disturb less. Least
of the rounds, which contestants take in turns: what disturbs only ever adds.
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks._program import Spent, environment, least
from benchmarks._table import table
from gradaudit.cli import PATIENCE

CASES = 1_000
ROUNDS = 5
REAL = Path("configs/suite.yaml")
GOAL = "< 1.05"

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
import gc
import sys

gc.set_threshold({patience}, *gc.get_threshold()[1:])  # as the command line has it


def cases():
    from dataclasses import replace
    from gradaudit.plan import make_plan
    from gradaudit.suite import load_suite

    planned = make_plan(load_suite([{suite!r}], environment={{}}))
    times = range(-(-{count} // len(planned)))
    # the same function again beside itself, as a matrix has it: a worker is forked anew where the suite's file changes
    return [replace(case, id=f"{{case.id}}#{{time}}") for case in planned for time in times][:{count}][{part}]

{audit}
assert verdicts and {{verdict.status for verdict in verdicts}} <= {{"pass", "inconclusive"}}, verdicts
"""

PLAIN = """
from gradaudit.auditor import audit_case
mine = cases()
sys.path[:0] = dict.fromkeys(folder for case in mine for folder in case.path)
verdicts = [audit_case(case) for case in mine]
"""

ISOLATED = """
from gradaudit import backends
with backends.readied():
    verdicts = [verdict for _, verdict in backends.run(cases(), jobs={jobs}, timeout=300.0)]
"""


@dataclass(frozen=True)
class Contestant:
    """Programs that run at the same time and audit a share each."""

    audit: str
    processes: int = 1
    count: int = CASES  #: together; the cases of the suite are repeated where it has fewer
    beside: str | None = None  #: the contestant that it is measured against

    def run(self, suite: Path) -> None:
        """All of them, until the last has ended."""
        started = [self._start(suite, part) for part in range(self.processes)]
        assert {one.wait() for one in started} == {0}, "a contestant failed; its traceback is above"

    def _start(self, suite: Path, part: int) -> "subprocess.Popen[bytes]":
        share = f"{part}::{self.processes}"
        text = PROGRAM.format(suite=str(suite), count=self.count, part=share, audit=self.audit, patience=PATIENCE)
        # the plain loop has one thread for its linear algebra too, as every worker has
        return subprocess.Popen([sys.executable, "-c", text], env=environment())


ONE, TWO = "one plain process", "two plain processes, half of them each"
CONTESTANTS = {
    ONE: Contestant(PLAIN),
    "workers, 1 job": Contestant(ISOLATED.format(jobs=1), beside=ONE),
    TWO: Contestant(PLAIN, processes=2),
    "workers, 2 jobs": Contestant(ISOLATED.format(jobs=2), beside=TWO),
}


def run(rounds: str = f"--rounds={ROUNDS}") -> str:
    """A table for the smallest cases there are, and one for those of the main suite, where it is there."""
    count = int(rounds.removeprefix("--rounds="))
    with _smallest() as suite:
        tables = [suite_table("small healthy cases", suite, rounds=count)]
    if REAL.exists():
        tables.append(suite_table(f"cases of the functions of {REAL}", REAL, rounds=count))
    return "\n\n".join(tables)


def suite_table(title: str, suite: Path, *, rounds: int) -> str:
    """What the contestants take, and how much more than plain processes for a case."""
    calls: dict[str, Callable[[], object]] = {
        name: partial(contestant.run, suite) for name, contestant in CONTESTANTS.items()
    }
    spent = least(calls, rounds=rounds)
    return table(
        f"{CASES:,} {title}, by the clock and in processor time",
        ("audited in", "s", "× plain", "more, µs a case", "processor s", "× plain", "more, µs a case", "goal"),
        [_row(name, spent) for name in CONTESTANTS],
    )


def _row(name: str, spent: Mapping[str, Spent]) -> Iterator[str]:
    beside = CONTESTANTS[name].beside
    own, plain = spent[name], spent[beside or name]
    yield name
    for taken, least_taken in ((own.seconds, plain.seconds), (own.busy, plain.busy)):
        yield f"{taken:.2f}"
        yield f"{taken / least_taken:.2f}"
        yield f"{1e6 * (taken - least_taken) / CASES:.0f}" if beside else ""
    yield GOAL if beside else ""


@contextmanager
def _smallest() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        listed = "".join(CASE.format(number=number) for number in range(CASES))
        (folder / "small.py").write_text(MODULE)
        (folder / "suite.yaml").write_text(f"version: 1\npath: [.]\nfunctions:{listed}\n")
        yield folder / "suite.yaml"
