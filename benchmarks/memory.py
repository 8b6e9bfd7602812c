"""The memory of a gradient of 10⁶ elements: peaks of child processes, so that nothing else is counted."""

import subprocess
import sys

from benchmarks._table import table

N = 1_000_000

#: Reads every thousandth element: 2·10⁶ evaluations that read all would take half an hour, and no more memory.
FUNCTION = f"""
import numpy as np
from numba import njit

@njit
def f(x):
    total = 0.0
    for i in range(0, x.size, 1000):
        total += x[i] ** 2
    return total

x = np.linspace(0.1, 1.0, {N})
"""

KERNEL = """
from gradaudit.engines._arguments import Arguments
from gradaudit.engines.numba import load
from gradaudit.perturb.kernels import sample_coordinates
from gradaudit.plan.case import Target

h = 2.0**-20
compiled = load(Target("m:f"), f, {}).compile(Arguments.of([x]), 2 * x.size, 1.0)
rise, fall, noise = sample_coordinates(
    compiled.function, x, base=np.array([f(x)]), indices=np.arange(x.size),
    above=(x + h)[None], below=(x - h)[None], readout=None, sigma=np.zeros(1), threads=2,
)
"""

GRADIENT = """
from gradaudit.numeric import gradient

gradient(f, x, h=2.0**-20, threads=2)
"""

IMPORTS = "import numpy, numba, scipy.optimize, gradaudit.engines.numba, gradaudit.perturb.kernels\n"
#: The high-water mark of this program alone: ru_maxrss begins at the size of the process that started it.
PEAK = """
from pathlib import Path
import resource
status = Path("/proc/self/status")
lines = status.read_text().splitlines() if status.exists() else []
own = [line.split()[1] for line in lines if line.startswith("VmHWM")]
print(own[0] if own else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def run() -> str:
    """Peaks in MB, and how much of them is not the libraries' own."""
    bare, imported = peak(""), peak(IMPORTS)
    codes = {"the kernel's gradient, one h": KERNEL, "gradaudit.gradient, one h": GRADIENT}
    rows = [
        ("the interpreter alone", f"{bare:.0f}", "", ""),
        ("with NumPy, SciPy and Numba", f"{imported:.0f}", "", ""),
    ]
    for name, code in codes.items():
        total = peak(FUNCTION + code)
        rows.append((name, f"{total:.0f}", f"{total - imported:.0f}", "< 200"))
    return table("Memory, n = 10⁶", ("peak of a process", "MB", "above the imports", "goal"), rows)


def peak(code: str) -> float:
    """Peak resident memory of a Python process that runs ``code``, in MB."""
    done = subprocess.run([sys.executable, "-c", code + PEAK], capture_output=True, text=True, check=True)
    unit = 1 if sys.platform == "darwin" else 1024
    return int(done.stdout.split()[-1]) * unit / 1e6
