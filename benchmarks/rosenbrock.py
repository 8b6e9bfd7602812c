"""The gradient of a Rosenbrock function of 4,000 variables by central differences: 8,000 evaluations."""

import ctypes
import importlib.util
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.optimize import rosen, rosen_der
from scipy.optimize._numdiff import approx_derivative

from benchmarks._c import compile_c
from benchmarks._table import race, table
from gradaudit.engines._arguments import Arguments
from gradaudit.engines.numba import load
from gradaudit.perturb.kernels import sample_coordinates
from gradaudit.plan.case import Target

Array = NDArray[np.float64]
Gradient = Callable[[], Array]

N, H = 4_000, 1e-6
ROUNDS, SLOW_ROUNDS = 31, 3

C, SCIPY, NUMDIFFTOOLS = "C with OpenMP, strict maths", "scipy approx_derivative, 3-point", "numdifftools.Gradient"
GOALS = {C: "≥ 0.87 at equal threads", SCIPY: "≥ 5", f"{NUMDIFFTOOLS}, its own steps": "≥ 50"}

C_SOURCE = """
#include <stdlib.h>
#include <string.h>

static double rosenbrock(const double *x, long n) {
    double total = 0.0;
    for (long i = 0; i < n - 1; i++) {
        double a = x[i + 1] - x[i] * x[i], b = 1.0 - x[i];
        total += 100.0 * a * a + b * b;
    }
    return total;
}

void gradient(const double *x, long n, double h, double *out, int threads) {
    #pragma omp parallel num_threads(threads)
    {
        double *work = malloc(n * sizeof(double));
        memcpy(work, x, n * sizeof(double));
        #pragma omp for schedule(dynamic, 64)
        for (long i = 0; i < n; i++) {
            work[i] = x[i] + h;
            double above = rosenbrock(work, n);
            work[i] = x[i] - h;
            double below = rosenbrock(work, n);
            work[i] = x[i];
            out[i] = (above - below) / ((x[i] + h) - (x[i] - h));
        }
        free(work);
    }
}

void gradients(const double *x, long n, double h, double *out, int threads, long times) {
    for (long i = 0; i < times; i++)
        gradient(x, n, h, out, threads);
}
"""


def loop(x: Array) -> float:
    """The same loop as in C."""
    total = 0.0
    for i in range(x.size - 1):
        a = x[i + 1] - x[i] * x[i]
        b = 1.0 - x[i]
        total += 100.0 * a * a + b * b
    return total


rosenbrock: Any = njit(loop)


def run() -> str:
    """Time every contestant at one point and return the table; what is missing on this machine is said below it."""
    x = np.random.default_rng(0).normal(size=N)
    threads = sorted({1, os.cpu_count() or 1})
    reference = label("gradaudit", threads[-1])
    with tempfile.TemporaryDirectory() as folder:
        fast, slow, notes = contestants(x, threads, Path(folder))
        check_agreement(fast | slow)
        measured = race(fast, reference=reference, rounds=ROUNDS)
        measured |= race({reference: fast[reference]} | slow, reference=reference, rounds=SLOW_ROUNDS) | measured
    rows = [(name, f"{1e3 * seconds:.1f}", f"{ratio:.2f}", goal(name)) for name, (seconds, ratio) in measured.items()]
    columns = ("gradient of Rosenbrock, n = 4,000", "ms", "× gradaudit", "goal")
    return "\n".join([table("Rosenbrock", columns, rows), *notes])


def contestants(
    x: Array, threads: list[int], folder: Path
) -> tuple[dict[str, Gradient], dict[str, Gradient], list[str]]:
    """Those timed often, those timed a few times, and what is missing."""
    notes = []
    fast = {label("gradaudit", count): ours(x, count) for count in threads}
    library = build(folder)
    if library is None:
        notes.append("\nNo C compiler with OpenMP was found: its rows are missing.")
    else:
        fast |= {label(C, count): in_c(library, x, count) for count in threads}
    fast[f"{SCIPY}, the same compiled f"] = lambda: approx_derivative(rosenbrock, x)
    slow: dict[str, Gradient] = {f"{SCIPY}, scipy's rosen": lambda: approx_derivative(rosen, x)}
    if importlib.util.find_spec("numdifftools") is None:
        notes.append("\nnumdifftools is not installed: its rows are missing. `pip install numdifftools` adds them.")
    else:
        slow |= by_numdifftools(x)
    return fast, slow, notes


def label(name: str, threads: int) -> str:
    return f"{name}, {threads} thread" + "s" * (threads > 1)


def goal(name: str) -> str:
    """What was promised about a row."""
    return next((promise for start, promise in GOALS.items() if name.startswith(start)), "")


def ours(x: Array, threads: int, *, times: int = 1) -> Gradient:
    """The kernel over the function as the engine wraps it; for the same gradient so many times over in one call."""
    engine = load(Target("benchmarks.rosenbrock:rosenbrock"), rosenbrock, {})
    assert engine.compile is not None
    compiled = engine.compile(Arguments.of([x]), 2 * x.size, 1.0)
    assert compiled is not None, engine.notes

    def gradient() -> Array:
        above, below = np.tile(x + H, (1, times)), np.tile(x - H, (1, times))
        rise, fall, _ = sample_coordinates(
            compiled.function,
            x,
            base=np.array([rosenbrock(x)]),
            indices=np.tile(np.arange(x.size), times),
            above=above,
            below=below,
            readout=None,
            sigma=np.zeros(1),
            threads=threads,
        )
        slopes: Array = (rise[0, :, 0] + fall[0, :, 0]) / (above[0] - below[0])
        return slopes

    return gradient


def build(folder: Path) -> ctypes.CDLL | None:
    """The C loop as a shared library, or None where there is no compiler that can."""
    return compile_c("rosenbrock", C_SOURCE, folder, "-fno-fast-math", "-ffp-contract=off", "-fopenmp")


def in_c(library: ctypes.CDLL, x: Array, threads: int, *, times: int = 1) -> Gradient:
    """The C loop over the same point; so many times over in one call."""
    pointer = np.ctypeslib.ndpointer(np.float64, flags="C_CONTIGUOUS")
    library.gradients.argtypes = [pointer, ctypes.c_long, ctypes.c_double, pointer, ctypes.c_int, ctypes.c_long]
    library.gradients.restype = None

    def gradient() -> Array:
        slopes = np.empty(x.size)
        library.gradients(x, x.size, H, slopes, threads, times)
        return slopes

    return gradient


def by_numdifftools(x: Array) -> dict[str, Gradient]:
    """With its own sequence of steps, and with one step for the same 8,000 evaluations."""
    numdifftools: Any = importlib.import_module("numdifftools")

    return {
        f"{NUMDIFFTOOLS}, its own steps, the same compiled f": lambda: numdifftools.Gradient(rosenbrock)(x),
        f"{NUMDIFFTOOLS}, its own steps, scipy's rosen": lambda: numdifftools.Gradient(rosen)(x),
        f"{NUMDIFFTOOLS}, one step, the same compiled f": lambda: numdifftools.Gradient(rosenbrock, step=H)(x),
    }


def check_agreement(gradients: dict[str, Gradient]) -> None:
    """Nobody is timed for a wrong answer. Raises SystemExit with the first one that is."""
    exact = rosen_der(np.random.default_rng(0).normal(size=N))
    for name, gradient in gradients.items():
        error = float(np.abs(gradient() - exact).max())
        if not error <= 1e-2:
            raise SystemExit(
                f"{name}: gradient apart from the exact one by {error:.1e}, allowed 1e-02; fix it before timing"
            )
