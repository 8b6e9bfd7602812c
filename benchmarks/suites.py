"""Whole commands on suites of many functions: gradaudit beside pytest over what people write today.

Every contestant is a program of its own, imports and reports included, on the same functions at points of one size.
Each is run with few cases and with many; what a start and a further case take follow from the two, and from these what
a suite of any length takes, which the second table tests.
"""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from benchmarks._program import Spent, least, program, spent
from benchmarks._table import table

FEW = 10
DIRECTIONS = 6
LADDER = (10, 100, 1_000, 10_000)
ROUNDS = 2  #: at least: the first call of a program compiles its modules
CASES = 1_000
CPU_RATIO = f"CPU at {CASES:,}"
GOAL = 10  #: times the wall time of pytest, for CASES on two cores

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
    x = np.random.default_rng(seed).normal(size={size})
    assert check_grad(waves, waves_gradient, x) <= 1e-5 * max(1, np.linalg.norm(waves_gradient(x)))
"""

NUMPY_CASE = """
  - name: waves {number}
    function: numpy_functions:waves
    gradient: numpy_functions:waves_gradient
    inputs: {{x: {{shape: [{size}]}}}}"""

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
  - name: swish {number}
    engine: torch
    function: torch_functions:swish
    inputs: {{x: {{shape: [{size}]}}}}"""


@dataclass(frozen=True)
class Kind:
    """A kind of function, as a test file and as a case of a suite."""

    rival: str
    module: str
    functions: str
    tests: str
    case: str


@dataclass(frozen=True)
class Field:
    """One row of contestants: functions of one kind at points of one size."""

    kind: Kind
    size: int  #: elements of x
    many: int  #: cases, beside FEW

    def write(self, folder: Path, count: int) -> None:
        """The functions, the test file and the suites of ``count`` cases, in ``folder``."""
        folder.mkdir(parents=True, exist_ok=True)
        cases = "".join(self.kind.case.format(number=number, size=self.size) for number in range(count))
        head = "version: 1\npath: [.]\n"
        texts = {
            f"{self.kind.module}.py": self.kind.functions,
            "test_gradients.py": self.kind.tests.format(count=count, size=self.size),
            "suite.yaml": f"{head}functions:{cases}\n",
            "certified.yaml": f"{head}defaults: {{elements: {{directions: {DIRECTIONS}}}}}\nfunctions:{cases}\n",
        }
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")

    def contestants(self, folder: Path) -> dict[str, Callable[[], None]]:
        """pytest first. Directions are left out where they would be more than there are elements."""
        words = ("-q", "-p", "no:cacheprovider", "-p", "no:randomly", "test_gradients.py")
        rivals = {f"pytest over {self.kind.rival}": program(folder, *words, module="pytest")}
        jobs = {f"gradaudit run -j {n}": ours(folder, n) for n in (1, 2)}
        along = {f"the same, elements: {{directions: {DIRECTIONS}}}": ours(folder, 2, suite="certified.yaml")}
        return rivals | jobs | (along if self.size > DIRECTIONS else {})


CHECK_GRAD = Kind("check_grad", "numpy_functions", NUMPY, NUMPY_TESTS, NUMPY_CASE)
GRADCHECK = Kind("gradcheck", "torch_functions", TORCH, TORCH_TESTS, TORCH_CASE)
FIELDS = (
    *(Field(CHECK_GRAD, size, many) for size, many in ((4, 1_000), (64, 400), (1_000, 100), (4_000, 30))),
    *(Field(GRADCHECK, size, many) for size, many in ((4, 400), (64, 200), (1_000, 75))),
)


@dataclass(frozen=True)
class Cost:
    """What a program takes, as a line through two lengths of suites."""

    start: Spent
    case: Spent

    @classmethod
    def through(cls, few: Spent, many: Spent, *, count: int) -> "Cost":
        """The line through a suite of FEW cases and one of ``count``; on a busy machine it may seem to fall."""
        span = count - FEW
        rises = many.seconds - few.seconds, many.busy - few.busy
        case = Spent(*(max(0.0, rise) / span for rise in rises))
        return cls(Spent(few.seconds - FEW * case.seconds, few.busy - FEW * case.busy), case)

    def seconds(self, count: int) -> float:
        """By the clock, for ``count`` cases."""
        return self.start.seconds + count * self.case.seconds

    def busy(self, count: int) -> float:
        """Of all cores together, for ``count`` cases."""
        return self.start.busy + count * self.case.busy


def run() -> str:
    """Both tables."""
    installed = find_spec("torch") is not None
    note = "" if installed else "\n\nPyTorch is not installed: pip install 'gradaudit[torch]' adds its rows."
    fields = [field for field in FIELDS if installed or field.kind is CHECK_GRAD]
    return f"{rivals_table(fields)}{note}\n\n{growth_table(FIELDS[0])}"


def rivals_table(fields: list[Field]) -> str:
    """Each field by pytest and by us."""
    lengths = tuple(f"at {count:,}" for count in LADDER)
    columns = ("whole command", "start s", "ms a case", "CPU start s", "CPU ms a case", *lengths, "from", CPU_RATIO)
    rows = [row for field in fields for row in _rows(field)]
    title = f"Suites of small functions; pytest's s ÷ this at 10 … 10,000 cases, and from how many on it is {GOAL}"
    return table(title, columns, rows)


def _rows(field: Field) -> Iterator[tuple[str, ...]]:
    costs = _costs(field)
    reference = next(iter(costs.values()))
    for who, cost in costs.items():
        name = f"{who}, n = {field.size:,}" if cost is reference else who
        numbers = (cost.start.seconds, 1e3 * cost.case.seconds, cost.start.busy, 1e3 * cost.case.busy)
        ratios = (reference.seconds(count) / cost.seconds(count) for count in LADDER)
        yield (
            name,
            *(f"{value:.3g}" for value in numbers),
            *(f"{ratio:.2g}" for ratio in ratios),
            begins(reference, cost),
            f"{reference.busy(CASES) / cost.busy(CASES):.2g}",
        )


def _costs(field: Field) -> dict[str, Cost]:
    measured = []
    with tempfile.TemporaryDirectory() as name:
        for count in (FEW, field.many):
            field.write(Path(name), count)
            measured.append(least(field.contestants(Path(name)), rounds=ROUNDS))
    few, many = measured
    return {who: Cost.through(few[who], many[who], count=field.many) for who in few}


def begins(reference: Cost, cost: Cost) -> str:
    """The length of a suite from which ``cost`` is GOAL times less than ``reference``; empty for itself."""
    if cost is reference:
        return ""
    gain = reference.case.seconds - GOAL * cost.case.seconds
    debt = GOAL * cost.start.seconds - reference.start.seconds
    return f"{max(1, round(debt / gain)):,}" if gain > 0 else "never"


def growth_table(field: Field) -> str:
    """Plan and run of ever longer suites: the time of a case must not grow."""
    rows: list[tuple[str, ...]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for count in LADDER:
            field.write(folder, count)
            listing = program(folder, "list", "suite.yaml")
            listed, ran = spent(listing), spent(ours(folder, 2))
            per_case = (f"{1e3 * busy / count:.2f}" for busy in (listed.busy, ran.busy))
            rows.append((f"{count:,}", f"{listed.busy:.2f}", f"{ran.seconds:.1f}", f"{ran.busy:.1f}", *per_case))
    columns = ("cases", "list, CPU s", "run s", "run, CPU s", "list, CPU ms a case", "run, CPU ms a case")
    return table("Ever longer suites, -j 2", columns, rows)


def ours(folder: Path, jobs: int, *, suite: str = "suite.yaml") -> Callable[[], None]:
    """The suite with all its reports; nothing to compare with."""
    return program(folder, "run", suite, "-j", str(jobs), "--baseline", "none", "--format", "quiet")
