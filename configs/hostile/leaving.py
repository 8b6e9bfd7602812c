"""Functions that are right, and leave the process other than they found it: that must touch no other case.

Each does it in its first call, and returns Σ sin x in all of them.
"""

import atexit
import builtins
import contextlib
import ctypes
import decimal
import functools
import gc
import locale
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
import types
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hostile.healthy import waves

Array = NDArray[np.float64]


def _once(act: Callable[[], None]) -> Callable[[Array], float]:
    """Σ sin x, which acts in its first call."""
    done: list[bool] = []

    @functools.wraps(act)
    def function(x: Array) -> float:
        result = waves(x)
        if not done:
            done.append(True)
            act()
        return result

    return function


@_once
def thread() -> None:
    """A thread that waits."""
    threading.Thread(target=time.sleep, args=(1000,)).start()


@_once
def spinning_thread() -> None:
    """A daemon that takes the interpreter from the others."""
    threading.Thread(target=_spin, daemon=True).start()


@_once
def killing_thread() -> None:
    """A thread that ends the process, a moment later."""
    threading.Timer(5.0, os._exit, (1,)).start()


@_once
def program() -> None:
    """Another program, which goes on."""
    subprocess.Popen(["sleep", "1000"])


@_once
def fork() -> None:
    """A copy of the process, which goes on."""
    if os.fork() == 0:
        time.sleep(1000)
        os._exit(0)


@_once
def fork_that_returns() -> None:
    """A copy of the process, which comes back as the process does."""
    os.fork()


@_once
def demon() -> None:
    """A process that has left its session and its parent, and kept every pipe."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(1000)
        os._exit(0)
    os.wait()


@_once
def temporary_files() -> None:
    """Files and folders under fixed names, one of which nobody may open."""
    folder = os.path.join(tempfile.gettempdir(), "hostile")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "state"), "w") as file:
        file.write("left behind")
    os.chmod(folder, 0)


@_once
def open_files() -> None:
    """Hundreds of open files."""
    for _ in range(300):
        os.open(os.devnull, os.O_RDONLY)


@_once
def closed_streams() -> None:
    """stdout and stderr, closed in Python and in the system."""
    sys.stdout.close()
    os.close(1)
    os.close(2)


@_once
def replaced_streams() -> None:
    """No streams at all."""
    sys.stdout = None  # type: ignore[assignment]
    del sys.stderr


@_once
def flood() -> None:
    """Megabytes on stdout."""
    for _ in range(1_000):
        print("flood " * 1_000)


@_once
def controls() -> None:
    """What steers terminals, browsers and spreadsheets, on stdout."""
    print("\x1b[2J\x1b]0;title\x07\x00<script>alert(1)</script>]]>\n=HYPERLINK(0)\n\u202e\ud800 ::error::forged")
    os.write(2, b"\xff\xfe\x80 no text in any encoding")


@_once
def folder() -> None:
    """Another current folder, which is gone."""
    with tempfile.TemporaryDirectory() as gone:
        os.chdir(gone)


@_once
def environment() -> None:
    """Variables, set in Python and behind its back, and all others removed."""
    os.environ.clear()
    os.environ["HOSTILE"] = "python"
    os.putenv("HOSTILE", "compiled")


@_once
def strict_warnings() -> None:
    """Every warning is an error."""
    warnings.simplefilter("error")
    warnings.showwarning = _nothing


@_once
def strict_floats() -> None:
    """Every division by zero and every underflow is an error."""
    np.seterr(all="raise")


@_once
def random_numbers() -> None:
    """The global generators, seeded, advanced and exchanged."""
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    np.random.set_bit_generator(np.random.PCG64(1))


@_once
def module_path() -> None:
    """Folders and finders before all others, and modules under false names."""
    sys.path.insert(0, "/hostile")
    sys.path_hooks.insert(0, _nothing)
    sys.meta_path.clear()
    sys.modules["hostile_module"] = types.ModuleType("hostile_module")
    sys.modules["random"] = types.ModuleType("random")


@_once
def numpy_functions() -> None:
    """np.cosh is another function from now on."""
    np.cosh = _nothing


@_once
def python_functions() -> None:
    """oct is another function from now on."""
    builtins.oct = _nothing


@_once
def recursion_limit() -> None:
    """Nearly no stack."""
    sys.setrecursionlimit(max(60, _depth() + 40))


@_once
def language() -> None:
    """Another language, where the system has one."""
    for name in ("de_DE.UTF-8", "C.UTF-8", "C.utf8"):
        with contextlib.suppress(locale.Error):
            locale.setlocale(locale.LC_ALL, name)
            break


@_once
def signal_handlers() -> None:
    """Handlers of its own, some signals blocked, and an alarm that rings in the next case."""
    for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGSEGV):
        signal.signal(number, _nothing)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2, signal.SIGINT})
    signal.setitimer(signal.ITIMER_REAL, 5.0)


@_once
def hooks() -> None:
    """What Python calls where something goes wrong, and at its end."""
    sys.excepthook = threading.excepthook = sys.unraisablehook = sys.displayhook = _nothing
    atexit.register(_leave)


@_once
def garbage() -> None:
    """No collection of garbage."""
    gc.disable()
    gc.set_threshold(1)


@_once
def tracing() -> None:
    """A function that is called for every line from now on."""
    sys.settrace(_nothing)
    threading.settrace(_nothing)
    sys.setprofile(_nothing)


@_once
def limits() -> None:
    """Hardly any open files, for good."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


@_once
def soft_limits() -> None:
    """No core files, and no files longer than a kilobyte."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


@_once
def mask() -> None:
    """Files that nobody may read."""
    os.umask(0o777)


@_once
def decimals() -> None:
    """Two digits."""
    decimal.getcontext().prec = 2


@_once
def printing() -> None:
    """Arrays are shown otherwise."""
    np.set_printoptions(precision=1, formatter={"float": _nothing})


@_once
def nice() -> None:
    """The lowest priority, and a new name for the process."""
    ctypes.CDLL(None).prctl(15, b"[kworker/0:0]", 0, 0, 0)


def _spin() -> None:
    while True:
        pass


def _nothing(*_: Any, **__: Any) -> None:
    """In place of something that had a use."""


def _leave() -> None:
    raise SystemExit(1)


def _depth() -> int:
    frame, depth = sys._getframe(), 0
    while frame is not None:
        frame, depth = frame.f_back, depth + 1  # type: ignore[assignment]
    return depth
