"""One supervised child process: started, asked, listened to, and killed with everything that it started itself."""

import contextlib
import os
import secrets
import select
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from gradaudit.backends import _wire

TICK = 0.25  #: s between looks at whether the process lives: a forked copy may hold its pipes open
START_LIMIT = 120.0  #: s for an interpreter to start and import the audit, on a cold and busy machine
TRACE_WAIT = 0.3  #: s for a process past its limit to say where it stands

#: user code's own thread pools have one thread, always: sums split over threads would depend on the number of jobs
ONE_THREAD = dict.fromkeys(
    (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "BLIS_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
        "NUMEXPR_NUM_THREADS",
        "NUMBA_NUM_THREADS",
    ),
    "1",
)

_BOOT = (
    "import sys; sys.path[:] = sys.argv[6:]; "
    "from gradaudit.worker import main; main(*map(int, sys.argv[1:5]), sys.argv[5])"
)


class ChildFailed(RuntimeError):
    """A child did not come up: the tool or the machine is broken, not a case."""


@dataclass(frozen=True)
class Surroundings:
    """What a child is started with; it serves all cases that share it."""

    audit: str  #: reference of ``audit_case(case, *, threads) -> Verdict``
    path: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Reply:
    """How a request ended."""

    answer: bytes | None  #: None: it was late, or the process died
    late: bool = False
    returncode: int | None = None  #: as subprocess has it: −9 is SIGKILL; None where the process lives
    printed: str = ""
    trace: str = ""  #: where the process stood when it died or was killed
    seconds: float = 0.0


@dataclass
class Printed:
    """What was printed: the first and the last of it; a flood costs no memory and no disk."""

    head: bytearray = field(default_factory=bytearray)
    tail: bytearray = field(default_factory=bytearray)
    left_out: int = 0

    HEAD, TAIL = 16_384, 4_096  # bytes

    def add(self, piece: bytes) -> None:
        room = self.HEAD - len(self.head)
        self.head += piece[:room]
        self.tail += piece[room:]
        excess = len(self.tail) - self.TAIL
        if excess > 0:
            self.left_out += excess
            del self.tail[:excess]

    def text(self) -> str:
        gap = f"\n[… {self.left_out} bytes left out …]\n".encode() if self.left_out else b""
        return bytes(self.head + gap + self.tail).decode("utf-8", errors="replace")


class Child:
    """A process that runs ``gradaudit.worker``.

    Raises ChildFailed from the constructor where it does not come up.
    """

    def __init__(self, surroundings: Surroundings) -> None:
        self.surroundings = surroundings
        self._killed = False
        requests, self._requests = os.pipe()
        self._answers, answers = os.pipe()
        self._printed, printed = os.pipe()
        lifeline, self._lifeline = os.pipe()
        self._traces, traces = os.pipe()
        inherited = (requests, answers, lifeline, traces)
        try:
            self._process = subprocess.Popen(
                _command(inherited, surroundings.audit),
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=printed,
                pass_fds=inherited,
                env=_environment(surroundings.env),
                start_new_session=True,  # Ctrl-C in the terminal reaches the keeper alone
            )
        except BaseException:
            self._close_pipes()
            raise
        finally:
            for descriptor in (*inherited, printed):
                os.close(descriptor)
        for descriptor in (self._answers, self._printed, self._traces):
            os.set_blocking(descriptor, False)
        self._await_start()

    def ask(self, request: bytes, *, limit: float | None) -> Reply:
        """Send one request and wait for its answer, at most ``limit`` seconds; a late or dead child is killed.

        Raises BrokenPipeError where the process had died before it was asked.
        """
        self._drain(self._printed)  # from a thread that outlived the case before
        number = secrets.randbits(64) or 1
        _wire.write(self._requests, number, request)
        return self._listen(number, limit)

    def kill(self) -> None:
        """End the process and all of its group, at once. May be called from another thread, and again."""
        if not self._killed:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._killed = True  # from now on the number may belong to somebody else
        self._process.wait()

    def close(self) -> None:
        """Kill, and give the pipes back."""
        self.kill()
        self._close_pipes()

    def _close_pipes(self) -> None:
        for name in ("_requests", "_answers", "_printed", "_lifeline", "_traces"):
            descriptor: int = getattr(self, name)
            if descriptor >= 0:
                os.close(descriptor)
                setattr(self, name, -1)

    def _await_start(self) -> None:
        try:
            reply = self._listen(_wire.READY, START_LIMIT)
        except BaseException:
            self.close()
            raise
        if reply.answer is None:
            self.close()
            how = f"took over {START_LIMIT:g} s" if reply.late else f"ended ({died_of(reply.returncode)})"
            raise ChildFailed(f"a worker process {how} before it could take a case; it said:\n{reply.printed.strip()}")

    def _listen(self, number: int, limit: float | None) -> Reply:
        started = time.monotonic()
        deadline = None if limit is None else started + limit
        printed = Printed()
        answer, late = self._await_answer(number, deadline, printed)
        seconds = time.monotonic() - started
        if answer is not None:
            self._drain(self._printed, printed)
            return Reply(answer=answer, printed=printed.text(), seconds=seconds)
        trace = self._where_it_stands() if late else ""
        if not late:
            self._process_ended()
        self.kill()
        self._drain(self._printed, printed)
        return Reply(
            answer=None,
            late=late,
            returncode=self._process.returncode,
            printed=printed.text(),
            trace=trace or self._drain(self._traces).text(),
            seconds=seconds,
        )

    def _await_answer(self, number: int, deadline: float | None, printed: Printed) -> tuple[bytes | None, bool]:
        """The answer, or None and whether that is because time ran out."""
        arriving = _wire.Arriving(number)
        with selectors.DefaultSelector() as selector:
            selector.register(self._answers, selectors.EVENT_READ)
            selector.register(self._printed, selectors.EVENT_READ)
            while True:
                wait = TICK if deadline is None else min(TICK, deadline - time.monotonic())
                if wait <= 0:
                    return None, True
                ready = [key.fd for key, _ in selector.select(wait)]
                if self._printed in ready and not self._take_printed(printed):
                    selector.unregister(self._printed)
                if self._answers in ready:
                    piece = os.read(self._answers, 1 << 20)
                    try:
                        answer = arriving.feed(piece)
                    except _wire.DamagedFrame:
                        return None, False
                    if answer is not None or not piece:
                        return answer, False
                elif not ready and self._process.poll() is not None:
                    return None, False

    def _take_printed(self, printed: Printed) -> bool:
        """Read once; False at the end of the stream (the user's code closed stdout and stderr)."""
        piece = os.read(self._printed, 1 << 16)
        printed.add(piece)
        return bool(piece)

    def _drain(self, descriptor: int, into: Printed | None = None) -> Printed:
        into = Printed() if into is None else into
        with contextlib.suppress(BlockingIOError):
            for _ in range(64):  # at most what a pipe holds; another process may be writing on and on
                piece = os.read(descriptor, 1 << 16)
                if not piece:
                    break
                into.add(piece)
        return into

    def _where_it_stands(self) -> str:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._process.pid, signal.SIGUSR1)
        trace = Printed()
        wait = TRACE_WAIT
        while select.select([self._traces], [], [], wait)[0]:
            if len(self._drain(self._traces, trace).head) >= Printed.HEAD:
                break
            wait = 0.02
        return trace.text()

    def _process_ended(self) -> None:
        # its pipes close a moment before the process can be waited for
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(TICK)


def died_of(returncode: int | None) -> str:
    """``signal SIGSEGV`` or ``exit code 3``."""
    if returncode is None or returncode >= 0:
        return f"exit code {returncode}"
    try:
        return f"signal {signal.Signals(-returncode).name}"
    except ValueError:  # a real-time signal has no name
        return f"signal {-returncode}"


def _command(inherited: tuple[int, ...], audit: str) -> list[str]:
    # the child imports what this process imports, an uninstalled checkout of gradaudit included
    path = [entry or os.getcwd() for entry in sys.path]
    return [sys.executable, "-c", _BOOT, *map(str, inherited), audit, *path]


def _environment(env: tuple[tuple[str, str], ...]) -> Mapping[str, str]:
    # a fixed hash seed: iteration over a set of strings must not change the order of a sum from run to run
    return {**os.environ, **ONE_THREAD, "PYTHONHASHSEED": "0", **dict(env)}
