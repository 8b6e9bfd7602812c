"""The keeper's side of a nursery: the process that workers are forked from, and that ends all that they started."""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from gradaudit.isolation import environment, scratch

START_LIMIT = 120.0  #: s for an interpreter to start and import the audit, on a cold and busy machine
GOODBYE = 10.0  #: s for a nursery to end everything before it is ended itself

_BOOT = (
    "import sys; sys.path[:] = sys.argv[4:]; from gradaudit.isolation.fork_server import main;"
    " main(int(sys.argv[1]), *sys.argv[2:4])"
)


class NurseryFailed(RuntimeError):
    """A nursery did not come up or is gone: the tool or the machine is broken, not a case."""


class Nursery:
    """A process that runs ``gradaudit.isolation.fork_server``; the constructor does not wait until it is ready.

    ``audit`` is the reference whose module it imports, ``env`` what its environment has beside the keeper's, ``folder``
    where it works; None: where the keeper does. Temporary files go to a folder of their own in ``temporary``.
    """

    def __init__(
        self, audit: str, env: Mapping[str, str], *, folder: str | None = None, temporary: str | None = None
    ) -> None:
        self.audit = audit
        self.env = dict(env)
        self.used = False  #: it has given a worker
        self._children: int | None = None  #: the file that lists them, kept open: it is read at every look at memory
        self._temporary = scratch.make(temporary)
        self._control, theirs = socket.socketpair()
        self._control.settimeout(START_LIMIT)
        with theirs:
            self._process = subprocess.Popen(
                _command(theirs.fileno(), audit, self._temporary),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=(theirs.fileno(),),
                env=environment.of_nursery(env),
                cwd=folder,
                start_new_session=True,  # Ctrl-C in the terminal reaches the keeper alone
            )

    def fork(self, env: Mapping[str, str], descriptors: Sequence[int]) -> "Worker":
        """A worker with ``env`` beside the environment of the nursery. Raises NurseryFailed."""
        order = json.dumps({"fork": dict(env)}).encode() + b"\n"
        try:
            socket.send_fds(self._control, [order], descriptors)
            process = self._answer()
        except OSError:  # TimeoutError among them
            process = None
        if process is None:
            raise NurseryFailed(self._last_words())
        self.used = True
        return Worker(self, process, forked=process != self._process.pid)

    def end_worker(self) -> int | None:
        """Kill the worker and all that it started; how it ended, or None where the nursery is gone."""
        with contextlib.suppress(OSError):
            self._control.sendall(b'{"end": true}\n')
            return self._answer()
        return None

    def shutdown(self) -> None:
        """Have everything ended, and do not wait for it. May be called from another thread, and again."""
        with contextlib.suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End everything, and wait until it has ended."""
        self.shutdown()
        self._control.close()
        try:
            self._process.wait(GOODBYE)
        except subprocess.TimeoutExpired:
            self.kill()
        assert self._process.stderr is not None
        self._process.stderr.close()
        if self._children is not None:
            os.close(self._children)
            self._children = None
        scratch.remove(self._temporary)  # where the nursery could not

    def kill(self) -> int:
        """Kill the nursery's own process group; how it ended, as ``subprocess`` has it."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        return self._process.wait()

    def has_ended(self) -> bool:
        """Whether its own process is gone."""
        return self._process.poll() is not None

    def children(self) -> list[int]:
        """The worker, and processes that detached themselves from it; empty where the system does not say."""
        try:
            if self._children is None:
                process = self._process.pid
                self._children = os.open(f"/proc/{process}/task/{process}/children", os.O_RDONLY | os.O_CLOEXEC)
            return [int(child) for child in os.pread(self._children, 1 << 16, 0).split()]
        except OSError:
            return []

    def _answer(self) -> int | None:
        """The number that answers an order; None where it gave none, or is gone."""
        text = b""
        while not text.endswith(b"\n"):
            piece = self._control.recv(4096)
            if not piece:
                return None
            text += piece
        number: int | None = json.loads(text)
        return number

    def _last_words(self) -> str:
        ended = self.kill()
        assert self._process.stderr is not None
        said = self._process.stderr.read().decode(errors="replace").strip()
        return f"a process for workers ended ({died_of(ended)}) before it could fork one; it said:\n{said}"


class Worker:
    """A process that a nursery gave: watched, and ended with all that it started."""

    def __init__(self, nursery: Nursery, process: int, *, forked: bool) -> None:
        self.process = process
        self._nursery = nursery
        self._forked = forked
        #: becomes readable when the process ends; None where the system has no such thing
        self.ending: int | None = None
        if forked and hasattr(os, "pidfd_open"):
            with contextlib.suppress(OSError):
                self.ending = os.pidfd_open(process)

    def has_ended(self) -> bool:
        """Whether it is gone, or only waits to be buried."""
        if self.ending is not None:
            return self.awaited(0)
        return _is_gone(self.process) if self._forked else self._nursery.has_ended()

    def awaited(self, seconds: float) -> bool:
        """Give it ``seconds`` to end: its pipes close a moment before it has. Whether it did."""
        if self.ending is not None:
            return bool(select.select([self.ending], [], [], seconds)[0])
        deadline = time.monotonic() + seconds
        while not (gone := self.has_ended()) and time.monotonic() < deadline:
            time.sleep(0.005)
        return gone

    def signal(self, number: int) -> None:
        """Send a signal to a process that has not been ended yet."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(self.process, number)

    def end(self) -> int | None:
        """Kill it and all that it started; how it ended, as ``subprocess`` has it, None where nobody knows."""
        if self.ending is not None:
            os.close(self.ending)
            self.ending = None
        return self._nursery.end_worker() if self._forked else self._nursery.kill()


def children_of(process: int) -> list[int]:
    """The child processes of one; empty where it is gone, or the system does not say."""
    found: list[int] = []
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += map(int, task.read_text().split())
    return found


def died_of(returncode: int | None) -> str:
    """``signal SIGSEGV`` or ``exit code 3``."""
    if returncode is None or returncode >= 0:
        return f"exit code {returncode}"
    try:
        return f"signal {signal.Signals(-returncode).name}"
    except ValueError:  # a real-time signal has no name
        return f"signal {-returncode}"


def _is_gone(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def _command(control: int, audit: str, folder: str) -> list[str]:
    # the nursery imports what this process imports, an uninstalled checkout of gradaudit included
    path = [entry or os.getcwd() for entry in sys.path]
    return [sys.executable, "-c", _BOOT, str(control), audit, folder, *path]
