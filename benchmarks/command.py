"""What the command line costs: its help beside Python with click, and the main suite with and without a Numba cache."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks._table import race, table

SUITE = Path("configs/suite.yaml")
ROUNDS = 9


def run() -> str:
    """Both tables; the second only where the suite is there."""
    return "\n\n".join(
        [help_table(), suite_table() if SUITE.exists() else f"{SUITE} was not found: run from the repository."]
    )


def help_table() -> str:
    """Start-up of the command line."""
    reference, own = "python -c 'import click'", "gradaudit --help"
    contestants = {reference: lambda: call("-c", "import click"), own: lambda: call("-m", "gradaudit", "--help")}
    measured = race(contestants, reference=reference, rounds=ROUNDS)
    goals = {own: "< 2.5"}
    rows = [(name, f"{1e3 * s:.0f}", f"{ratio:.2f}", goals.get(name, "")) for name, (s, ratio) in measured.items()]
    return table("Start-up", ("command", "ms", "× python with click", "goal"), rows)


def suite_table() -> str:
    """The main suite on two jobs: first with an empty Numba cache, then with the one that this left."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, goal in (("empty Numba cache", "< 15"), ("warm Numba cache", "< 5")):
            began = time.perf_counter()
            status = call(
                *("-m", "gradaudit", "run", str(SUITE), "-j", "2", "-o", f"{folder}/results.csv"),
                environment={"NUMBA_CACHE_DIR": f"{folder}/numba"},
            )
            rows.append((name, f"{time.perf_counter() - began:.1f}", str(status), goal))
    return table(f"gradaudit run {SUITE} -j 2", ("", "s", "exit status", "goal"), rows)


def call(*arguments: str, environment: Mapping[str, str] | None = None) -> int:
    """Run Python on ``arguments``, silently; its exit status."""
    return subprocess.run(
        [sys.executable, *arguments], env=os.environ | (environment or {}), capture_output=True, check=False
    ).returncode
