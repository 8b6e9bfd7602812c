"""How time, evaluations and memory grow: gradients of n elements, and Jacobians of n×n maps.

Every row is a process of its own that does one thing once, after the same on eight elements. Rivals only compute, or
compare, a derivative; gradaudit gives a verdict, with the noise of f, error bars and the curves of its report. Each
contestant climbs until the next size is expected to take longer than ``PATIENCE``; ``--full`` has more of it, so that
what grows as n reaches the largest size, and takes an hour. Seconds are those of the processor, so that a busy machine
tells the same.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from shutil import which

from benchmarks._table import table
from benchmarks.memory import PEAK

#: s: a contestant that is expected to take longer goes no further; and with ``--full``
PATIENCE, FULL = 8.0, 240.0
SIZES = (100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000)
MAPS = (100, 1_000, 10_000, 100_000)

#: A smooth function whose neighbours touch; ``wrong`` is right but for one element. The map has three entries a row.
COMMON = """
import sys, time
import numpy as np

calls = 0
def f(x):
    global calls
    calls += 1
    return float((np.log1p(x * x)[:-1] * np.sin(x[1:])).sum())

def g(x):
    out = np.zeros_like(x)
    out[:-1] += 2 * x[:-1] / (1 + x[:-1] ** 2) * np.sin(x[1:])
    out[1:] += np.log1p(x[:-1] ** 2) * np.cos(x[1:])
    return out

def wrong(x):
    out = g(x)
    out[x.size // 3] *= 1.5
    return out

def maps(x):
    global calls
    calls += 1
    y = np.sin(x)
    y[1:] += x[:-1] ** 2
    y[:-1] += 0.5 * x[1:]
    return y

def jacobian(x):
    from scipy.sparse import diags
    return diags([2 * x[:-1], np.cos(x), np.full(x.size - 1, 0.5)], [-1, 0, 1], format="csr")

def tridiagonal(n):
    from scipy.sparse import diags
    return diags([np.ones(n - 1), np.ones(n), np.ones(n - 1)], [-1, 0, 1], format="csc")

def point(n):
    return np.random.default_rng(0).normal(size=n)
"""

TORCH = """
import torch
torch.set_num_threads(1)

def torch_f(x):
    global calls
    calls += 1
    return (torch.log1p(x * x)[:-1] * torch.sin(x[1:])).sum()

class Wrong(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        global calls
        calls += 1
        ctx.save_for_backward(x)
        return (torch.log1p(x * x)[:-1] * torch.sin(x[1:])).sum()
    @staticmethod
    def backward(ctx, cotangent):
        return torch.from_numpy(wrong(ctx.saved_tensors[0].detach().numpy())) * cotangent

def checked(function, x, **options):
    given = torch.from_numpy(x).requires_grad_()
    found = torch.autograd.gradcheck(function, given, raise_exception=False, **options)
    return "pass" if found else "fail"
"""

JAX = """
import jax
import jax.numpy as jnp
from jax.test_util import check_grads
jax.config.update("jax_enable_x64", True)

def jax_f(x):
    global calls
    calls += 1
    return (jnp.log1p(x * x)[:-1] * jnp.sin(x[1:])).sum()

spoiled = jax.custom_vjp(jax_f)
spoiled.defvjp(lambda x: (jax_f(x), x), lambda x, cotangent: (cotangent * jax.grad(jax_f)(x).at[x.size // 3].mul(1.5),))

def checked(function, x):
    try:
        check_grads(function, (jnp.asarray(x),), order=1, modes=("rev",))
    except AssertionError:
        return "fail"
    return "pass"
"""

#: What the evaluations alone take, where nothing is judged and no interpreter is in between.
COMPILED = """
import ctypes, subprocess, tempfile
from pathlib import Path
text = '''
#include <math.h>
static double f(const double *x, long n) {
    double sum = 0;
    for (long i = 0; i + 1 < n; i++) sum += log1p(x[i] * x[i]) * sin(x[i + 1]);
    return sum;
}
void differences(double *x, double *out, long n) {
    for (long i = 0; i < n; i++) {
        double at = x[i], h = 6e-6 * fmax(1, fabs(at));
        x[i] = at + h; double above = f(x, n);
        x[i] = at - h; out[i] = (above - f(x, n)) / (2 * h);
        x[i] = at;
    }
}
'''
with tempfile.TemporaryDirectory() as folder:
    (Path(folder) / "f.c").write_text(text)
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "f.c", "-o", "f.so", "-lm"], cwd=folder, check=True)
    library = ctypes.CDLL(str(Path(folder) / "f.so"))

def work(x):
    global calls
    calls += 2 * x.size
    out = np.empty_like(x)
    library.differences(ctypes.c_void_p(x.ctypes.data), ctypes.c_void_p(out.ctypes.data), ctypes.c_long(x.size))
    return ""
"""

OURS = "import gradaudit as ga\n"
AUDIT = OURS + "def work(x):\n    return ga.audit({f}, x, {claim}{how}).status.value"
SCIPY = "from scipy.optimize._numdiff import approx_derivative\n"
SPARSE = "sparsity=(tridiagonal(x.size), group_columns(tridiagonal(x.size)))"

SCALAR = {
    "gradaudit, right": AUDIT.format(f="f", claim="gradient=g", how=""),
    "gradaudit, one wrong": AUDIT.format(f="f", claim="gradient=wrong", how=""),
    "gradaudit, directions: 12, right": AUDIT.format(f="f", claim="gradient=g", how=", elements={'directions': 12}"),
    "gradaudit, directions: 12, one wrong": AUDIT.format(
        f="f", claim="gradient=wrong", how=", elements={'directions': 12}"
    ),
    "scipy approx_derivative, 3-point": SCIPY + "def work(x):\n    approx_derivative(f, x)\n    return ''",
    "C, central differences, 1 thread": COMPILED,
    "numdifftools.Gradient": "import numdifftools\ndef work(x):\n    numdifftools.Gradient(f)(x)\n    return ''",
    "gradcheck, right": TORCH + "def work(x):\n    return checked(torch_f, x)",
    "gradcheck, one wrong": TORCH + "def work(x):\n    return checked(Wrong.apply, x)",
    "gradcheck fast_mode, right": TORCH + "def work(x):\n    return checked(torch_f, x, fast_mode=True)",
    "gradcheck fast_mode, one wrong": TORCH + "def work(x):\n    return checked(Wrong.apply, x, fast_mode=True)",
    "jax check_grads, right": JAX + "def work(x):\n    return checked(jax_f, x)",
    "jax check_grads, one wrong": JAX + "def work(x):\n    return checked(spoiled, x)",
}

SQUARE = {
    "gradaudit, sparse claim": AUDIT.format(f="maps", claim="jacobian=jacobian", how=""),
    "scipy approx_derivative, 3-point": SCIPY + "def work(x):\n    approx_derivative(maps, x)\n    return ''",
    "scipy approx_derivative, sparsity given": SCIPY
    + "from scipy.optimize._numdiff import group_columns\n"
    + f"def work(x):\n    approx_derivative(maps, x, {SPARSE})\n    return ''",
    "numdifftools.Jacobian": "import numdifftools\ndef work(x):\n    numdifftools.Jacobian(maps)(x)\n    return ''",
}

#: One row: what the libraries hold is not counted, and neither is a first call.
ROW = """
said = work(point(8))
import resource
{peak}
before, calls = peak(), 0
x = point({n})
began = time.process_time()
said = work(x)
import json
print(json.dumps([time.process_time() - began, calls, peak() - before, said]))
"""


def run(*options: str) -> str:
    """Both tables."""
    patience = FULL if "--full" in options else PATIENCE
    missing = [library for library in ("torch", "jax", "numdifftools") if find_spec(library) is None]
    missing += [] if which("cc") else ["ctypes"]
    left_out = [
        f"{'A C compiler' if name == 'ctypes' else name} is not installed: its rows are missing." for name in missing
    ]
    return "\n\n".join(
        [
            _table("Gradients of a scalar function", SCALAR, SIZES, missing, patience),
            _table("Jacobians of n×n maps, three entries a row", SQUARE, MAPS, missing, patience),
            *left_out,
        ]
    )


def _table(
    title: str, contestants: Mapping[str, str], sizes: tuple[int, ...], missing: list[str], patience: float
) -> str:
    rows = []
    for name, code in contestants.items():
        if not any(f"import {library}" in code for library in missing):
            rows += list(_climb(name, code, sizes, patience))
    columns = ("", "n", "CPU s", "evaluations", "evaluations / n", "MB above the start", "says")
    return table(title, columns, rows)


def _climb(name: str, code: str, sizes: tuple[int, ...], patience: float) -> Iterator[tuple[str, ...]]:
    """Rows of ever larger problems, while the next is expected to end in time."""
    before, growth = 0.0, 1.0
    for n in sizes:
        if before * growth > patience:
            return
        found = _measured(code, n)
        if found is None:
            yield name, f"{n:,}", "", "", "", "", "refused, or out of memory"
            return
        seconds, calls, megabytes, said = found
        yield name, f"{n:,}", f"{seconds:.3g}", f"{calls:,}", f"{calls / n:.2g}", f"{megabytes:.0f}", said
        # what is too short to tell is taken for growing with n
        growth = seconds / before if before > 0.05 else 10.0
        before = seconds


def _measured(code: str, n: int) -> tuple[float, int, float, str] | None:
    program = COMMON + code + ROW.format(n=n, peak=_as_function(PEAK))
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=20 * FULL
    )
    if done.returncode:
        return None
    seconds, calls, kilobytes, said = json.loads(done.stdout.splitlines()[-1])
    return seconds, calls, kilobytes * 1024 / 1e6, said


def _as_function(peak: str) -> str:
    """The peak that ``memory`` prints, as a function of the program."""
    body = peak.strip().replace("print(", "return int(").splitlines()
    return "def peak():\n" + "\n".join(f"    {line}" for line in body)
