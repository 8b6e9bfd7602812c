"""Functions that take their process, or another one, with them."""

import ctypes
import os
import signal
import time

import numpy as np
from numpy.typing import NDArray

from hostile.healthy import waves

Array = NDArray[np.float64]


def exits_well(x: Array) -> float:
    """Ends the process at once, with status 0."""
    os._exit(0)


def exits_badly(x: Array) -> float:
    """Ends the process at once, with status 3, after it has said something."""
    print("last words")
    os._exit(3)


def segfaults(x: Array) -> float:
    """Reads where there is nothing."""
    ctypes.string_at(0)
    return 0.0


def segfaults_gradient(x: Array) -> Array:
    """Writes where there is nothing."""
    ctypes.memset(0, 1, 1)
    return x


def aborts(x: Array) -> float:
    """What assert() of C does."""
    os.abort()


def kills_itself(x: Array) -> float:
    """What the kernel does where memory is out."""
    os.kill(os.getpid(), signal.SIGKILL)
    return 0.0


def kills_its_group(x: Array) -> float:
    """Every process of its own group."""
    os.killpg(0, signal.SIGKILL)
    return 0.0


def kills_its_parent(x: Array) -> float:
    """The process that it was forked from."""
    os.kill(os.getppid(), signal.SIGKILL)
    return waves(x)


def closes_everything(x: Array) -> float:
    """All descriptors, those of the worker too."""
    os.closerange(0, 1024)
    return waves(x)


def scribbles(x: Array) -> float:
    """Writes into every descriptor that is open."""
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, b"scribble" * 8)
        except OSError:
            continue
    return waves(x)


def alarm_clock(x: Array) -> float:
    """A signal in the middle of the work, which nobody handles."""
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    while True:
        signal.pause()


def eats_memory(x: Array) -> float:
    """Up to 3 GB in two seconds: killed before that where the run has a limit."""
    held = []
    for _ in range(375):
        held.append(np.ones(1_000_000))
        time.sleep(0.005)  # at 7 GB/s all of it could come and go between two looks of a busy keeper
    raise MemoryError(f"{len(held)} arrays, and no limit")
