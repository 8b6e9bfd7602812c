"""What the system says of processes: who they are, what they started, and how they ended."""

import contextlib
import signal
from pathlib import Path

#: Fields of ``/proc/PID/stat`` by their place after the name, which may hold anything: see proc_pid_stat(5).
_STATE, _START = 0, 19


def children_of(process: int) -> list[int]:
    """The child processes of one; empty where it is gone, or the system does not say."""
    found: list[int] = []
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += map(int, task.read_text().split())
    return found


def is_gone(process: int) -> bool:
    """Whether there is none of this number, or it only waits to be buried."""
    return _stat(process, _STATE) in ("", "Z")


def born(process: int) -> str:
    """When it was, in the system's own count; nothing where there is no such process, or the system does not say."""
    return _stat(process, _START)


def died_of(returncode: int | None) -> str:
    """``signal SIGSEGV`` or ``exit code 3``."""
    if returncode is None or returncode >= 0:
        return f"exit code {returncode}"
    try:
        return f"signal {signal.Signals(-returncode).name}"
    except ValueError:  # a real-time signal has no name
        return f"signal {-returncode}"


def _stat(process: int, field: int) -> str:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[field]
    except (OSError, IndexError):
        return ""
