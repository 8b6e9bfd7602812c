"""One supervised worker process: forked, asked, listened to, and killed with everything that it started itself."""

import contextlib
import math
import os
import secrets
import select
import selectors
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from gradaudit.backends import _memory, _wire
from gradaudit.backends._nursery import START_LIMIT, Nursery, died_of

TICK = 0.25  #: s between looks at whether the process lives: a forked copy may hold its pipes open
MEMORY_TICK = 0.02  #: s between looks at its memory, where that is limited
TRACE_WAIT = 0.3  #: s for a process past its limit to say where it stands


class ChildFailed(RuntimeError):
    """A child did not come up: the tool or the machine is broken, not a case."""


@dataclass(frozen=True)
class Limits:
    """What a case may use; None: as much as it likes."""

    seconds: float | None = None
    memory: int | None = None  #: bytes resident, of the process and all that it starts


@dataclass(frozen=True)
class Reply:
    """How a request ended."""

    answer: bytes | None  #: None: it was late or too large, or the process died
    late: bool = False
    memory: int | None = None  #: bytes that it held, where that was too much
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
    """A process that runs ``gradaudit.worker``, forked from ``nursery`` with ``env``.

    Raises NurseryFailed or ChildFailed from the constructor where it does not come up.
    """

    def __init__(self, nursery: Nursery, env: Mapping[str, str]) -> None:
        self.served = 0  #: requests that it has answered
        self._nursery = nursery
        self._ended = False
        requests, self._requests = os.pipe()
        self._answers, answers = os.pipe()
        self._printed, printed = os.pipe()
        lifeline, self._lifeline = os.pipe()
        self._traces, traces = os.pipe()
        given = (requests, answers, printed, lifeline, traces)
        try:
            self._worker = nursery.fork(env, given)
        except BaseException:
            self._close_pipes()
            raise
        finally:
            for descriptor in given:
                os.close(descriptor)
        for descriptor in (self._answers, self._printed, self._traces):
            os.set_blocking(descriptor, False)
        self._selector = selectors.DefaultSelector()
        self._await_start()

    def ask(self, request: bytes, *, limits: Limits) -> None:
        """Send one request, to be answered within ``limits``; its time begins now.

        Raises BrokenPipeError where the process had died before it was asked.
        """
        if self._worker.has_ended():
            raise BrokenPipeError("the worker died between two cases")
        self._drain(self._printed)  # from a thread that outlived the case before
        self._expect(secrets.randbits(64) or 1, limits)
        _wire.write(self._requests, self._number, request)

    def reply(self) -> Reply:
        """Wait for the answer to what was asked last; a late, greedy or dead child is ended."""
        reply = self._listen()
        self.served += 1
        return reply

    def has_strays(self) -> bool:
        """Whether processes live on that a case detached from the worker."""
        return any(child != self._worker.process for child in self._nursery.children())

    def end(self) -> int | None:
        """End the process and everything that it started, at once; how it ended."""
        returncode = None
        if not self._ended:
            self._ended = True
            self._selector.close()
            returncode = self._worker.end()
        return returncode

    def close(self) -> None:
        """End everything, and give the pipes back."""
        self.end()
        self._close_pipes()

    def _close_pipes(self) -> None:
        for name in ("_requests", "_answers", "_printed", "_lifeline", "_traces"):
            descriptor: int = getattr(self, name)
            if descriptor >= 0:
                os.close(descriptor)
                setattr(self, name, -1)

    def _await_start(self) -> None:
        for descriptor in (self._answers, self._printed, self._worker.ending):
            if descriptor is not None:
                self._selector.register(descriptor, selectors.EVENT_READ)
        try:
            self._expect(_wire.READY, Limits(seconds=START_LIMIT))
            reply = self._listen()
        except BaseException:
            self.close()
            raise
        if reply.answer is None:
            self.close()
            how = f"took over {START_LIMIT:g} s" if reply.late else f"ended ({died_of(reply.returncode)})"
            raise ChildFailed(f"a worker process {how} before it could take a case; it said:\n{reply.printed.strip()}")

    def _expect(self, number: int, limits: Limits) -> None:
        self._number, self._limits, self._asked = number, limits, time.monotonic()

    def _listen(self) -> Reply:
        printed = Printed()
        heard = self._hear(printed)
        seconds = time.monotonic() - self._asked
        if isinstance(heard, bytes):
            self._drain(self._printed, printed)
            return Reply(answer=heard, printed=printed.text(), seconds=seconds)
        trace = "" if heard.dead else self._where_it_stands()
        returncode = self.end()
        self._drain(self._printed, printed)
        return Reply(
            answer=None,
            late=heard.late,
            memory=heard.memory,
            returncode=returncode,
            printed=printed.text(),
            trace=trace or self._drain(self._traces).text(),
            seconds=seconds,
        )

    def _hear(self, printed: Printed) -> "bytes | _Silence":
        """The answer, or why there will be none."""
        arriving = _wire.Arriving(self._number)
        tick = TICK if self._limits.memory is None else MEMORY_TICK
        now, deadline = time.monotonic(), self._asked + (self._limits.seconds or math.inf)
        look, ready = now + tick, [-1]
        while now < deadline or ready:  # what has arrived is read, however late it is looked at
            ready = [key.fd for key, _ in self._selector.select(max(0.0, min(tick, deadline - now)))]
            if self._printed in ready and not self._take_printed(printed):
                self._selector.unregister(self._printed)
            if self._answers in ready:
                try:
                    answer = arriving.feed(os.read(self._answers, 1 << 20))
                except _wire.DamagedFrame:
                    return _Silence(dead=self._worker.awaited(TICK))
                if answer is not None:
                    return answer
            elif self._worker.ending in ready:
                return _Silence(dead=True)
            now = time.monotonic()
            if now >= look:
                look = now + tick
                if (silence := self._examined()) is not None and not ready:
                    return silence
        return _Silence(late=True)

    def _examined(self) -> "_Silence | None":
        """What a look at the process from outside finds amiss."""
        if self._worker.ending is None and self._worker.has_ended():
            return _Silence(dead=True)
        if self._limits.memory is not None:
            held = sum(map(_memory.resident, self._nursery.children()))
            return _Silence(memory=held) if held > self._limits.memory else None
        return None

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
        self._worker.signal(signal.SIGUSR1)
        self._worker.signal(signal.SIGCONT)  # it may have stopped itself
        trace = Printed()
        wait = TRACE_WAIT
        while select.select([self._traces], [], [], wait)[0]:
            if len(self._drain(self._traces, trace).head) >= Printed.HEAD:
                break
            wait = 0.02
        return trace.text()


@dataclass(frozen=True)
class _Silence:
    """Why no answer came: it was late or too large, is dead, or (none of these) closed or damaged its pipe."""

    late: bool = False
    memory: int | None = None
    dead: bool = False
