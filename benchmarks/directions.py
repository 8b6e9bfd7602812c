"""``elements: {directions: 6}`` as n grows: evaluations, time, memory, what is excluded, and what finding faults costs.

Each cell is a process of its own. ``--full`` goes to n = 10⁷, which takes half an hour. Where PyTorch and SciPy are
installed, beside ``gradcheck(fast_mode=True)`` and ``approx_derivative``: what they take, and whether they see one
wrong element. Seconds are those of the processor, so that a busy machine tells the same.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

import gradaudit as ga
from benchmarks._table import table
from benchmarks.memory import PEAK
from gradaudit.judge.verdict import Status, Verdict
from gradaudit.plan.case import Settings

Array = NDArray[np.float64]
Function = Callable[[Array], float]
Gradient = Callable[[Array], Array]

SIZES = (1_000, 10_000, 100_000, 1_000_000)
FULL = (*SIZES, 10_000_000)
FAULTS = (1, 3, 10)
#: SciPy takes n evaluations, so that it is not waited for beyond this.
SCIPY_MOST = 10_000


def run(*options: str) -> str:
    """All tables."""
    sizes = FULL if "--full" in options else SIZES
    rows = [_row(name, n) for name in PROBLEMS for n in sizes]
    columns = ("scalar function", "n", "evaluations", "CPU s", "MB above imports", "bound", *_fault_columns())
    return "\n\n".join([table("Certified along 6 random directions", columns, rows), rivals()])


def separable() -> tuple[Function, Gradient]:
    """A sum over elements."""

    def gradient(x: Array) -> Array:
        return np.exp(0.3 * x) * (np.cos(x) + 0.3 * np.sin(x))

    return lambda x: float((np.sin(x) * np.exp(0.3 * x)).sum()), gradient


def chain() -> tuple[Function, Gradient]:
    """Each element meets its neighbour."""

    def gradient(x: Array) -> Array:
        g = np.cos(x)
        g[1:] += x[:-1] ** 2
        g[:-1] += 2 * x[:-1] * x[1:]
        return g

    return lambda x: float(np.sin(x).sum() + (x[1:] * x[:-1] ** 2).sum()), gradient


def cross_entropy() -> tuple[Function, Gradient]:
    """Of a softmax over all elements: one is large, all others are 1/n."""

    def gradient(x: Array) -> Array:
        e = np.exp(x - x.max())
        e /= e.sum()
        e[0] -= 1
        return e

    return lambda x: float(np.log(np.exp(x - x.max()).sum()) + x.max() - x[0]), gradient


PROBLEMS = {"separable": separable, "chain": chain, "cross-entropy": cross_entropy}


def cell(problem: str, n: int, faults: int) -> dict[str, object]:
    """One audit, with so many elements claimed to be zero."""
    function, gradient = PROBLEMS[problem]()
    rng = np.random.default_rng(n)
    x, where = rng.normal(size=n), rng.choice(n, faults, replace=False)

    def claim(x: Array) -> Array:
        g = gradient(x)
        g[where] = 0.0
        return g

    ga.audit(function, x[:32], gradient=gradient)  # what is imported late
    began = time.process_time()
    verdict = ga.audit(function, x, gradient=claim, settings=Settings(directions=6))
    return {
        "evaluations": verdict.measures.evaluations,
        "seconds": time.process_time() - began,
        "bound": verdict.measures.bound,
        "right": _found(verdict) == {f"x[{i}]" for i in where} if faults else verdict.status is Status.PASS,
    }


def _found(verdict: Verdict) -> set[str]:
    return {element.input for element in verdict.elements if element.status is Status.FAIL}


def _fault_columns() -> tuple[str, ...]:
    return tuple(f"{faults} zeroed: evaluations" for faults in FAULTS)


def _row(problem: str, n: int) -> tuple[str, ...]:
    imports = _child("pass")["peak"]
    right = _child(f"print(json.dumps(cell({problem!r}, {n}, 0)))")
    wrong = [_child(f"print(json.dumps(cell({problem!r}, {n}, {faults})))") for faults in FAULTS]
    return (
        problem,
        f"{n:,}",
        f"{right['evaluations']}",
        f"{right['seconds']:.2g}",
        f"{right['peak'] - imports:.0f}",
        f"{right['bound']:.0e}" if right["right"] else "undecided",
        *(f"{one['evaluations']}" + ("" if one["right"] else " (not all named)") for one in wrong),
    )


def _child(code: str) -> dict[str, float]:
    """What ``code`` prints as JSON, run in a process of its own, and the peak of that process in MB."""
    code = f"import json\nfrom benchmarks.directions import cell\n{code}\n{PEAK}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    *printed, peak = done.stdout.split("\n")[:-1]
    return {**(json.loads(printed[0]) if printed else {}), "peak": int(peak) / 1e3}


def rivals() -> str:
    """Time for a right claim, and whether one wrong element (1 %, at n/3) is seen."""
    rows = [row for n in (1_000, 10_000, 100_000) for row in _rivals(n)]
    return table("One element 1 % too large, separable", ("contestant", "n", "evaluations", "CPU s", "sees it"), rows)


def _rivals(n: int) -> list[tuple[str, ...]]:
    function, gradient = separable()
    x = np.random.default_rng(n).normal(size=n)

    def claim(x: Array) -> Array:
        g = gradient(x)
        g[n // 3] *= 1.01
        return g

    rows = []
    ga.audit(function, x[:32], gradient=gradient)  # what is imported late
    began = time.process_time()
    verdict = ga.audit(function, x, gradient=gradient, settings=Settings(directions=6))
    spent = time.process_time() - began
    sees = _found(ga.audit(function, x, gradient=claim, settings=Settings(directions=6))) == {f"x[{n // 3}]"}
    rows.append(("gradaudit, 6 directions", f"{n:,}", f"{verdict.measures.evaluations}", f"{spent:.2g}", _yes(sees)))
    if find_spec("scipy") and n <= SCIPY_MOST:
        rows.append(_scipy(function, claim, x))
    if find_spec("torch"):
        rows.append(_torch(claim, x))
    return rows


def _scipy(function: Function, claim: Gradient, x: Array) -> tuple[str, ...]:
    from scipy.optimize._numdiff import approx_derivative

    began = time.process_time()
    numeric = approx_derivative(function, x, method="3-point")
    spent = time.process_time() - began
    sees = bool((np.abs(numeric - claim(x)) > 1e-5 * np.abs(claim(x)) + 1e-7).any())
    return "scipy approx_derivative, 3-point", f"{x.size:,}", f"{2 * x.size}", f"{spent:.2g}", _yes(sees)


def _torch(claim: Gradient, x: Array) -> tuple[str, ...]:
    import torch

    class Own(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):  # type: ignore[no-untyped-def]
            ctx.save_for_backward(x)
            return (torch.sin(x) * torch.exp(0.3 * x)).sum()

        @staticmethod
        def backward(ctx, out):  # type: ignore[no-untyped-def]
            (x,) = ctx.saved_tensors
            return out * torch.from_numpy(claim(x.detach().numpy()))

    tensor = torch.from_numpy(x).requires_grad_()
    began = time.process_time()
    passed = torch.autograd.gradcheck(Own.apply, tensor, fast_mode=True, raise_exception=False)
    spent = time.process_time() - began
    return "torch gradcheck, fast_mode", f"{x.size:,}", "2", f"{spent:.2g}", _yes(not passed)


def _yes(seen: bool) -> str:
    return "yes" if seen else "no"
