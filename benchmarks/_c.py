"""Small pieces of C, compiled where a compiler is."""

import ctypes
import shutil
import subprocess
from pathlib import Path


def compile_c(name: str, source: str, folder: Path, *flags: str) -> ctypes.CDLL | None:
    """The source as a shared library in ``folder``, or None where there is no compiler that can."""
    compiler, library = shutil.which("cc"), folder / f"{name}.so"
    if compiler is None:
        return None
    line = [compiler, "-O2", "-shared", "-fPIC", *flags, "-x", "c", "-", "-o", str(library)]
    made = subprocess.run(line, input=source, text=True, capture_output=True, check=False)
    return ctypes.CDLL(str(library)) if made.returncode == 0 else None
