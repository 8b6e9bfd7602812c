"""Whole commands on suites of many small functions: gradaudit beside pytest over what people write today.

Every contestant is a process of its own, imports and reports included, on the same functions at points of one size.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from benchmarks._table import table
from gradaudit.backends._environment import ONE_THREAD

CASES = 1_000
LADDER = (10, 100, 1_000, 10_000)
GOAL = "≥ 10"

NUMPY = """
import numpy as np


def waves(x):
    return float(np.sin(x).sum())


def waves_gradient(x):
    return np.cos(x)
"""

NUMPY_TESTS = """
import numpy as np
import pytest
from scipy.optimize import check_grad
from numpy_functions import waves, waves_gradient


@pytest.mark.parametrize("seed", range({count}))
def test_gradient(seed):
    x = np.random.default_rng(seed).normal(size=4)
    assert check_grad(waves, waves_gradient, x) <= 1e-5
"""

NUMPY_CASE = """
  - name: waves {number}
    function: numpy_functions:waves
    gradient: numpy_functions:waves_gradient
    inputs: {{x: {{shape: [4]}}}}"""

TORCH = """
import torch


class Swish(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * torch.sigmoid(x)

    @staticmethod
    def backward(ctx, cotangent):
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x)
        return cotangent * (s + x * s * (1 - s))


swish = Swish.apply
"""

TORCH_TESTS = """
import pytest
import torch
from torch_functions import swish


@pytest.mark.parametrize("seed", range({count}))
def test_gradient(seed):
    torch.manual_seed(seed)
    assert torch.autograd.gradcheck(swish, torch.randn({size}, dtype=torch.float64, requires_grad=True))
"""

TORCH_CASE = """
  - name: swish {{number}}
    engine: torch
    function: torch_functions:swish
    inputs: {{{{x: {{{{shape: [{size}]}}}}}}}}"""


@dataclass(frozen=True)
class Field:
    """One kind of function, as a test file and as a case of a suite."""

    name: str
    module: str
    functions: str
    tests: str
    case: str
    cases: int


def run() -> str:
    """Both tables."""
    fields = [Field("check_grad, NumPy, n = 4", "numpy_functions", NUMPY, NUMPY_TESTS, NUMPY_CASE, CASES)]
    note = "\n\nPyTorch is not installed: pip install 'gradaudit[torch]' adds its rows."
    if find_spec("torch") is not None:
        fields += [_torch(8, CASES // 4), _torch(1_000, CASES // 40)]
        note = ""
    return f"{rivals_table(fields)}{note}\n\n{growth_table(fields[0])}"


def _torch(size: int, cases: int) -> Field:
    name = f"gradcheck, PyTorch, n = {size:,}"
    tests = TORCH_TESTS.replace("{size}", str(size))
    return Field(name, "torch_functions", TORCH, tests, TORCH_CASE.format(size=size), cases)


def rivals_table(fields: list[Field]) -> str:
    """Each kind of function by pytest and by us."""
    rows: list[tuple[str, ...]] = []
    for field in fields:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write(folder, field, field.cases)
            reference = f"pytest over {field.name}"
            contestants = {reference: pytest(folder)} | {f"gradaudit run -j {n}": ours(folder, n) for n in (1, 2)}
            measured = {who: spent(call) for who, call in contestants.items()}
        wall, cpu = measured[reference]
        for who, (seconds, busy) in measured.items():
            goal = GOAL if who.endswith("-j 2") else ""
            ratios = f"{wall / seconds:.2f}", f"{cpu / busy:.2f}"
            per_case = f"{1e3 * busy / field.cases:.1f}"
            rows.append((who, f"{field.cases:,}", f"{seconds:.1f}", f"{busy:.1f}", per_case, *ratios, goal))
    columns = ("whole command", "cases", "s", "CPU s", "CPU ms a case", "pytest's s ÷ this", "CPU s ÷ this", "goal")
    return table("Suites of small functions", columns, rows)


def growth_table(field: Field) -> str:
    """Plan and run of ever longer suites: the time of a case must not grow."""
    rows: list[tuple[str, ...]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for count in LADDER:
            write(folder, field, count)
            _, listed = spent(command(folder, "list", "suite.yaml"))
            seconds, busy = spent(ours(folder, 2))
            per_case = (f"{1e3 * cpu / count:.2f}" for cpu in (listed, busy))
            rows.append((f"{count:,}", f"{listed:.2f}", f"{seconds:.1f}", f"{busy:.1f}", *per_case))
    columns = ("cases", "list, CPU s", "run s", "run, CPU s", "list, CPU ms a case", "run, CPU ms a case")
    return table("Ever longer suites, -j 2", columns, rows)


def spent(call: Callable[[], None]) -> tuple[float, float]:
    """Seconds by the clock, and of all cores together, its processes and theirs included: what others do adds to the
    first alone."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    call()
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def write(folder: Path, field: Field, count: int) -> None:
    """The functions, the test file and the suite of ``count`` cases, in ``folder``."""
    (folder / f"{field.module}.py").write_text(field.functions, encoding="utf-8")
    (folder / "test_gradients.py").write_text(field.tests.format(count=count), encoding="utf-8")
    cases = "".join(field.case.format(number=number) for number in range(count))
    (folder / "suite.yaml").write_text(f"version: 1\npath: [.]\nfunctions:{cases}\n", encoding="utf-8")


def pytest(folder: Path) -> Callable[[], None]:
    """The test file, without plugins that would cost it time."""
    return command(folder, "-q", "-p", "no:cacheprovider", "-p", "no:randomly", "test_gradients.py", module="pytest")


def ours(folder: Path, jobs: int) -> Callable[[], None]:
    """The suite with all its reports; nothing to compare with."""
    return command(folder, "run", "suite.yaml", "-j", str(jobs), "--baseline", "none", "--format", "quiet")


def command(folder: Path, *words: str, module: str = "gradaudit") -> Callable[[], None]:
    """``python -m module words`` in ``folder``; one thread for linear algebra, as our workers have."""

    def call() -> None:
        line = [sys.executable, "-m", module, *words]
        subprocess.run(line, cwd=folder, env=os.environ | ONE_THREAD, check=True, capture_output=True)

    return call
