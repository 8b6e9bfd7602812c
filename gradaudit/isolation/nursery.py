"""The keeper's side of a nursery: the process that workers are forked from, and that ends all that they started."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from gradaudit.isolation import environment, files, scratch, wire
from gradaudit.isolation.outlet import Outlet
from gradaudit.isolation.processes import died_of, is_gone
from gradaudit.isolation.sibling import Sibling

START_LIMIT = 120.0  #: s for an interpreter to start and import the audit, on a cold and busy machine
END_LIMIT = 10.0  #: s for a nursery to end a worker: twice what it waits itself for the last processes
GOODBYE = 10.0  #: s for a nursery to end everything before it is ended itself
FILES = 16  #: descriptors in this process that a nursery and its worker may take, while they start too
TICK = 0.05  #: s between looks at whether a twin is still wanted, and at what a nursery says

_BOOT = (
    "import sys; sys.path[:] = sys.argv[5:]; from gradaudit.isolation.fork_server import main;"
    " main(int(sys.argv[1]), *sys.argv[2:4], files=int(sys.argv[4]))"
)


class NurseryFailed(RuntimeError):
    """A nursery did not come up or is gone: the tool or the machine is broken, not a case."""


class Nursery:
    """A process that runs ``gradaudit.isolation.fork_server``; the constructor does not wait until it is ready.

    ``audit`` is the reference whose module it imports, ``env`` what its environment has beside the keeper's, ``folder``
    where it works; None: where the keeper does. Temporary files go to a folder of their own in ``temporary``.

    Where this process has another one with the same setting, it is a twin: forked from that, for a hundredth of the
    cost of a start. In nothing else do they depend on each other: it is a child of this process as the other is.
    """

    def __init__(
        self, audit: str, env: Mapping[str, str], *, folder: str | None = None, temporary: str | None = None
    ) -> None:
        self.audit = audit
        self.env = dict(env)
        self.used = False  #: it has given a worker
        self.setting = setting_of(audit, env, folder=folder)
        self._folder = folder
        self._temporary = scratch.make(temporary)
        self._children: int | None = None  #: the file that lists them, kept open: it is read at every look at memory
        self._over = False
        files.make_room((len(_living) + 1) * FILES)
        self._ordering = threading.Lock()  #: other keepers' threads order twins
        self._process: subprocess.Popen[bytes] | Sibling | None = None  #: None: a twin that has not said who it is
        with _choosing, self._connected() as ends:
            if not _orders_twin(self.setting, self._temporary, ends):
                self._start(*ends)
            _living.append(self)

    def fork(self, env: Mapping[str, str], descriptors: Sequence[int]) -> "Worker":
        """A worker with ``env`` beside the environment of the nursery. Raises NurseryFailed."""
        process, own = None, self._met()
        self._wake()
        with contextlib.suppress(OSError):  # TimeoutError among them
            if own is not None and self._order({"fork": dict(env)}, descriptors):
                process = self._answer()
        if own is None or process is None:
            raise NurseryFailed(self._last_words())
        self.used = True
        return Worker(self, process, forked=process != own.pid)

    def end_worker(self) -> int | None:
        """Kill the worker and all that it started; how it ended, or None where the nursery is gone.

        A nursery that does not answer is killed: a case may have stopped it, or worse.
        """
        self._wake()
        self._control.settimeout(END_LIMIT)
        try:
            return self._answer() if self._order({"end": True}) else None
        except TimeoutError:
            self.kill()
        except OSError:
            pass
        finally:
            self._control.settimeout(START_LIMIT)
        return None

    def shutdown(self) -> None:
        """Have everything ended, and do not wait for it. May be called from another thread, and again."""
        self._over = True
        self._wake()
        with contextlib.suppress(OSError):
            # a twin may yet say who it is: nobody else can bury it
            self._control.shutdown(socket.SHUT_WR if self._process is None else socket.SHUT_RDWR)

    def close(self) -> None:
        """End everything, and wait until it has ended."""
        self.shutdown()
        with contextlib.suppress(ValueError):
            _living.remove(self)
        if self._process is None:
            self._hear(GOODBYE)
        self._control.close()
        if self._process is not None:
            try:
                self._process.wait(GOODBYE)
            except subprocess.TimeoutExpired:
                self.kill()
        self._words.close()
        if self._children is not None:
            os.close(self._children)
            self._children = None
        scratch.remove(self._temporary)  # where the nursery could not

    def kill(self) -> int | None:
        """Kill the nursery's own process group; how it ended, as ``subprocess`` has it."""
        if self._process is None:
            return None
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        return self._process.wait()

    def has_ended(self) -> bool:
        """Whether its own process is gone."""
        return self._process is not None and self._process.poll() is not None

    def children(self) -> list[int]:
        """The worker, and processes that detached themselves from it; empty where the system does not say."""
        try:
            if self._children is None and self._process is not None:
                process = self._process.pid
                self._children = os.open(f"/proc/{process}/task/{process}/children", os.O_RDONLY | os.O_CLOEXEC)
            return [] if self._children is None else list(map(int, os.pread(self._children, 1 << 16, 0).split()))
        except OSError:
            return []

    def gives_twin(self, folder: str, ends: tuple[int, int]) -> bool:
        """Order a fork of it as another nursery, with ``ends`` of its own to a keeper of this process; whether it is
        there to hear that. May be called from another thread."""
        if self._process is None or self._over:
            return False
        with contextlib.suppress(OSError):
            return self._order({"twin": folder}, ends)
        return False

    @contextmanager
    def _connected(self) -> Iterator[tuple[int, int]]:
        """The nursery's ends of a new socket for orders and a new pipe for its last words, closed here on leaving."""
        self._control, control = socket.socketpair()
        self._control.settimeout(START_LIMIT)
        words, its_words = os.pipe()
        os.set_blocking(words, False)
        self._words = open(words, "rb", buffering=0)  # noqa: SIM115 - until it is closed, or another takes its place
        self._said = Outlet(words)
        with control, open(its_words, "wb"):
            yield control.fileno(), its_words

    def _start(self, control: int, words: int) -> None:
        self._process = subprocess.Popen(
            _command(control, self.audit, self._temporary),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=words,
            pass_fds=(control,),
            env=environment.of_nursery(self.env),
            cwd=self._folder,
            start_new_session=True,  # Ctrl-C in the terminal reaches the keeper alone
        )

    def _wake(self) -> None:
        """A case may have stopped it: it goes on, and hears what it is told."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(self._process.pid, signal.SIGCONT)

    def _met(self) -> "subprocess.Popen[bytes] | Sibling | None":
        """Its process; None where it is over. A twin that was not to be is started after all."""
        while self._process is None and not self._over:
            if self._hear(TICK) and self._process is None:
                self._start_after_all()
        return self._process

    def _start_after_all(self) -> None:
        self._control.close()
        self._words.close()
        with self._connected() as ends:
            self._start(*ends)
        if self._over:  # a shutdown may have met the socket before this one
            self.shutdown()

    def _hear(self, seconds: float) -> bool:
        """Whether there is news of a twin: who it is, or nothing where it was not to be."""
        if not wire.has_news(self._control.fileno(), seconds=seconds):
            return False
        with contextlib.suppress(OSError):
            if (process := self._answer()) is not None:
                self._process = Sibling(process)
        return True

    def _order(self, order: Mapping[str, object], descriptors: Sequence[int] = ()) -> bool:
        """Whether all of it was sent. Raises OSError where the nursery is gone."""
        text = json.dumps(order).encode() + b"\n"
        with self._ordering:
            sent = socket.send_fds(self._control, [text], descriptors)
            self._control.sendall(text[sent:])
        return True

    def _answer(self) -> int | None:
        """The number that answers an order; None where it gave none, or is gone."""
        text = b""
        while not text.endswith(b"\n"):
            self._await_answer()
            piece = self._control.recv(4096)
            if not piece:
                return None
            text += piece
        number: int | None = json.loads(text)
        return number

    def _await_answer(self) -> None:
        """Raises TimeoutError. What it says is read meanwhile: it may say more than a pipe holds (PYTHONVERBOSE)."""
        deadline = time.monotonic() + (self._control.gettimeout() or 0.0)
        while not wire.has_news(self._control.fileno(), seconds=TICK):
            self._said.drain()
            if time.monotonic() > deadline:
                raise TimeoutError

    def _last_words(self) -> str:
        if self._process is None:
            return "a process for workers was dismissed before it was there"
        ended = self.kill()
        said = self._said.drain().strip()
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
        return is_gone(self.process) if self._forked else self._nursery.has_ended()

    def awaited(self, seconds: float) -> bool:
        """Give it ``seconds`` to end: its pipes close a moment before it has. Whether it did."""
        if self.ending is not None:
            return wire.has_news(self.ending, seconds=seconds)
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
        if not self._forked:
            ended = self._nursery.kill()
        elif (ended := self._nursery.end_worker()) is None and not self.has_ended():
            with contextlib.suppress(ProcessLookupError, PermissionError):  # nobody else will
                os.killpg(self.process, signal.SIGKILL)
        if self.ending is not None:
            os.close(self.ending)
            self.ending = None
        return ended


_living: list[Nursery] = []  #: of this process
_choosing = threading.Lock()  #: several keepers begin at the same time, and one interpreter is enough for them


def setting_of(audit: str, env: Mapping[str, str], *, folder: str | None) -> tuple[object, ...]:
    """All that two nurseries have in common where one is as good as the other."""
    return audit, dict(environment.of_nursery(env)), folder or os.getcwd(), tuple(sys.path)


def _orders_twin(setting: tuple[object, ...], folder: str, ends: tuple[int, int]) -> bool:
    """Whether a living nursery was found that is to fork another one."""
    elders = (elder for elder in tuple(_living) if elder.setting == setting)
    return sys.platform == "linux" and any(elder.gives_twin(folder, ends) for elder in elders)


def _command(control: int, audit: str, folder: str) -> list[str]:
    # the nursery imports what this process imports, an uninstalled checkout of gradaudit included
    path = [entry or os.getcwd() for entry in sys.path]
    return [sys.executable, "-c", _BOOT, str(control), audit, folder, str(files.of_workers()), *path]
