"""Functions that never come back, and do not want to be ended."""

import ctypes
import os
import signal
import threading
import time

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def sleeps(x: Array) -> float:
    """Waits for nothing."""
    print("before it hung")
    while True:
        time.sleep(10)


def spins(x: Array) -> float:
    """Counts, in Python."""
    count = 0
    while True:
        count += 1


def deadlocks(x: Array) -> float:
    """Waits for itself."""
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()
    return 0.0


def holds_the_interpreter(x: Array) -> float:
    """Sleeps in C without letting any other Python code run."""
    ctypes.PyDLL(None).sleep(1000)
    return 0.0


def ignores_signals(x: Array) -> float:
    """Ignores every request to end."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)
    return sleeps(x)


def blocks_signals(x: Array) -> float:
    """Lets no signal through."""
    signal.pthread_sigmask(signal.SIG_SETMASK, signal.valid_signals())
    return sleeps(x)


def stops(x: Array) -> float:
    """Suspends its own process."""
    os.kill(os.getpid(), signal.SIGSTOP)
    return sleeps(x)


def catches_everything(x: Array) -> float:
    """Goes on whatever is raised."""
    while True:
        try:
            sleeps(x)
        except BaseException:
            continue
