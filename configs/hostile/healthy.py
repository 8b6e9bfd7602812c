"""Healthy neighbours: their verdicts hold the state of the process, to the last bit, in every number."""

import ctypes
import decimal
import gc
import locale
import os
import random
import resource
import signal
import sys
import tempfile
import threading
import warnings
import zlib

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def waves(x: Array) -> float:
    """Σ sin x: what many hostile functions return when they are done."""
    return float(np.sin(x).sum())


def waves_gradient(x: Array) -> Array:
    """cos x."""
    return np.cos(x)


def witness(x: Array) -> float:
    """Σ sin x, times a number that any change of the process would change."""
    return _fingerprint() * waves(x)


def witness_gradient(x: Array) -> Array:
    """Its gradient."""
    return _fingerprint() * np.cos(x)


def careless(x: Array) -> float:
    """Divides by zero and warns on its way, which is nobody's business here."""
    with np.errstate(divide="warn"):
        infinite = np.ones(1) / np.zeros(1)
    return waves(x) + float(infinite[0] < 0)


def drawing(x: Array) -> float:
    """Draws from the global generators: no derivative, but always the same numbers for the same case."""
    return waves(x) + random.random() + float(np.random.rand())  # noqa: NPY002  that is what it is for


def _fingerprint() -> float:
    state = (
        os.getcwd(),
        os.environ.get("HOSTILE"),
        ctypes.CDLL(None).getenv(b"HOSTILE"),
        [entry for entry in sys.path if "hostile" in entry],
        sorted(name for name in sys.modules if name.startswith("hostile_")),
        sys.getrecursionlimit(),
        sys.gettrace(),
        sys.excepthook is sys.__excepthook__,
        sum(entry[0] == "error" for entry in warnings.filters),
        locale.setlocale(locale.LC_ALL),
        [signal.getsignal(number) is signal.SIG_DFL for number in (signal.SIGTERM, signal.SIGALRM, signal.SIGUSR2)],
        signal.pthread_sigmask(signal.SIG_BLOCK, ()),
        [resource.getrlimit(which) for which in (resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE)],
        _umask(),
        gc.isenabled(),
        decimal.getcontext().prec,
        threading.active_count(),
        len(os.listdir(tempfile.gettempdir())),
        np.cosh(1.0),
        oct(8),
        np.get_printoptions()["precision"],
    )
    return 1.0 + zlib.crc32(repr(state).encode()) / 2**32


def _umask() -> int:
    found = os.umask(0o022)
    os.umask(found)
    return found
