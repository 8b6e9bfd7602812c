"""What isolation costs: small healthy cases in workers, beside the same cases in plain processes.

First in the command that people run, ``gradaudit run`` with its record and its reports: as it is, and with the cases in
its own process or in a plain pool of joblib's, where any of them could end it. Then in a bare loop over the audits,
which does nothing beside them. By the clock, and in processor time of all processes together, which other users of the
machine disturb less. Least of the rounds, which contestants take in turns: what disturbs only ever adds.
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


#: The command line, whose cases are audited by another ``run`` of the backends where there is one.
COMMAND = """
import sys
{backend}
from gradaudit.cli import main
sys.argv = ["gradaudit", "run", {suite!r}, "-j", "{jobs}", "-o", "results.csv", "-o", "report.html"]
main()
"""

WITHOUT_WORKERS = """
from contextlib import nullcontext
from gradaudit import backends

def audited(index, case):
    from gradaudit.auditor import audit_case
    sys.path[:0] = [folder for folder in case.path if folder not in sys.path]
    return index, audit_case(case)

def run(cases, *, jobs, **_):
    if jobs == 1:
        return (audited(index, case) for index, case in enumerate(cases))
    import joblib
    calls = (joblib.delayed(audited)(index, case) for index, case in enumerate(cases))
    return joblib.Parallel(n_jobs=jobs, return_as="generator_unordered")(calls)

backends.run = run
backends.readied = lambda **_: nullcontext()
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


@dataclass(frozen=True)
class Command:
    """``gradaudit run``, whole, in a folder of its own."""

    jobs: int
    backend: str = ""
    beside: str | None = None  #: the contestant that it is measured against

    def run(self, suite: Path) -> None:
        """Until it has ended."""
        text = COMMAND.format(suite=str(suite.resolve()), jobs=self.jobs, backend=self.backend)
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([sys.executable, "-c", text], cwd=folder, env=environment(), check=True, capture_output=True)


OWN, POOL = "its own process", "a plain pool of two"
COMMANDS = {
    OWN: Command(1, WITHOUT_WORKERS),
    "workers, -j 1": Command(1, beside=OWN),
    POOL: Command(2, WITHOUT_WORKERS),
    "workers, -j 2": Command(2, beside=POOL),
}

ONE, TWO = "one plain process", "two plain processes, half of them each"
LOOPS = {
    ONE: Contestant(PLAIN),
    "workers, 1 job": Contestant(ISOLATED.format(jobs=1), beside=ONE),
    TWO: Contestant(PLAIN, processes=2),
    "workers, 2 jobs": Contestant(ISOLATED.format(jobs=2), beside=TWO),
}
Contestants = Mapping[str, Contestant] | Mapping[str, Command]


def run(rounds: str = f"--rounds={ROUNDS}") -> str:
    """Tables for the smallest cases there are, and one for those of the main suite, where it is there."""
    count = int(rounds.removeprefix("--rounds="))
    with _smallest() as suite:
        tables = [
            suite_table(f"gradaudit run, {CASES:,} small healthy cases", COMMANDS, suite, rounds=count),
            suite_table(f"A loop, {CASES:,} small healthy cases", LOOPS, suite, rounds=count),
        ]
    if REAL.exists():
        title = f"A loop, {CASES:,} cases of the functions of {REAL}"
        tables.append(suite_table(title, LOOPS, REAL, rounds=count))
    return "\n\n".join(tables)


def suite_table(title: str, contestants: Contestants, suite: Path, *, rounds: int) -> str:
    """What the contestants take, and how much more than plain processes for a case."""
    calls: dict[str, Callable[[], object]] = {
        name: partial(contestant.run, suite) for name, contestant in contestants.items()
    }
    spent = least(calls, rounds=rounds)
    return table(
        f"{title}, by the clock and in processor time",
        ("audited in", "s", "× plain", "more, µs a case", "processor s", "× plain", "more, µs a case", "goal"),
        [_row(name, contestant.beside, spent) for name, contestant in contestants.items()],
    )


def _row(name: str, beside: str | None, spent: Mapping[str, Spent]) -> Iterator[str]:
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
