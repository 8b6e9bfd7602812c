"""What isolation costs: small healthy cases in workers, beside the same loop over them in one plain process."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks._table import race, table
from gradaudit.backends._environment import ONE_THREAD

CASES = 1_000
ROUNDS = 3

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
from dataclasses import replace
from gradaudit.plan import make_plan
from gradaudit.suite import load_suite

cases = make_plan(load_suite(["suite.yaml"], environment={{}}))
{audit}
assert len(verdicts) == {cases} and all(verdict.status == "pass" for verdict in verdicts)
"""

PLAIN = """
from gradaudit.auditor import audit_case
sys.path.insert(0, ".")
verdicts = [audit_case(case) for case in cases]
"""

ISOLATED = """
from gradaudit import backends
{cases}
verdicts = [verdict for _, verdict in backends.run(cases, jobs={jobs}, timeout=300.0)]
"""

#: A variable of its own for each case, so that no two share a worker.
REPLACED = """cases = [replace(case, env=(("NUMBER", str(i)),)) for i, case in enumerate(cases)]"""

CONTESTANTS = {
    "one plain process": PLAIN,
    "workers, 1 job": ISOLATED.format(cases="", jobs=1),
    "workers, 2 jobs": ISOLATED.format(cases="", jobs=2),
    "a new worker for every case, 1 job": ISOLATED.format(cases=REPLACED, jobs=1),
}


def run() -> str:
    """The table."""
    reference, goals = "one plain process", {"workers, 1 job": "< 1.05"}
    with _suite() as folder:
        contestants = {name: lambda audit=audit: _call(folder, audit) for name, audit in CONTESTANTS.items()}
        measured = race(contestants, reference=reference, rounds=ROUNDS)
    rows = [
        (name, f"{seconds:.2f}", f"{1e3 * seconds / CASES:.2f}", f"{ratio:.2f}", goals.get(name, ""))
        for name, (seconds, ratio) in measured.items()
    ]
    return table(
        f"{CASES:,} small healthy cases", ("audited in", "s", "ms a case", "× one plain process", "goal"), rows
    )


@contextmanager
def _suite() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        listed = "".join(CASE.format(number=number) for number in range(CASES))
        (folder / "small.py").write_text(MODULE)
        (folder / "suite.yaml").write_text(f"version: 1\npath: [.]\nfunctions:{listed}\n")
        yield folder


def _call(folder: Path, audit: str) -> None:
    program = PROGRAM.format(audit=audit, cases=CASES)
    # the plain loop has one thread for its linear algebra too, as every worker has
    subprocess.run([sys.executable, "-c", program], cwd=folder, env=os.environ | ONE_THREAD, check=True)
