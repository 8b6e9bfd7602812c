"""A fork whose parent is the parent of the process that calls it, and the parent's hold on a child it did not start."""

import ctypes
import math
import os
import platform
import subprocess
import sys
import time

#: of clone(2), which the C library does not call without a stack of its own. Elsewhere there are no siblings.
_CLONE = {"x86_64": 56, "aarch64": 220, "riscv64": 220}
_WITH_THE_SAME_PARENT = 0x8000  #: CLONE_PARENT of clone(2)


def fork() -> int:
    """Like ``os.fork``, but the new process is a child of our parent. Raises OSError where the system cannot do it.

    Nothing is called before or after it in the new process (``os.register_at_fork``, ``pthread_atfork``), so the caller
    has one thread, and whatever runs code that is not its own does so in a process that ``os.fork`` made of it.
    """
    number = _CLONE.get(platform.machine()) if sys.platform == "linux" else None
    if number is None:
        raise OSError("this system has no known way to fork a sibling")
    call = ctypes.PyDLL(None, use_errno=True).syscall  # of PyDLL: nobody takes the interpreter in the meantime
    call.restype, call.argtypes = ctypes.c_long, [ctypes.c_long] * 6
    process: int = call(number, _WITH_THE_SAME_PARENT, 0, 0, 0, 0)
    if process < 0:
        raise OSError(ctypes.get_errno(), "the system refused to fork a sibling")
    return process


class Sibling:
    """What ``subprocess.Popen`` is to a process that it has started, for a child of this one that another has forked.

    Not to be used by two threads at once.
    """

    def __init__(self, process: int) -> None:
        self.pid = process
        self.returncode: int | None = None  #: as ``subprocess`` has it; None until ``wait`` or ``poll`` saw the end

    def poll(self) -> int | None:
        """How it ended; None where it lives."""
        if self.returncode is None:
            try:
                ended, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:  # this process ignores SIGCHLD: how it ended is lost
                self.returncode = 0
            else:
                self.returncode = os.waitstatus_to_exitcode(status) if ended else None
        return self.returncode

    def wait(self, timeout: float = math.inf) -> int:
        """How it ended. Raises subprocess.TimeoutExpired where it lives on after ``timeout`` seconds."""
        deadline, pause = time.monotonic() + timeout, 0.0005
        while (ended := self.poll()) is None:
            if time.monotonic() >= deadline:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout)
            time.sleep(pause)
            pause = min(2 * pause, 0.02)
        return ended
