"""One supervised worker process: forked, asked, listened to, and killed with everything that it started itself."""

import math
import os
import secrets
import selectors
import signal
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from gradaudit.isolation import memory, wire
from gradaudit.isolation.nursery import START_LIMIT, Nursery
from gradaudit.isolation.outlet import Outlet
from gradaudit.isolation.processes import died_of

TICK = 0.25  #: s between looks at whether the process lives: a forked copy may hold its pipes open
MEMORY_TICK = 0.02  #: s between looks at its memory, where that is limited
TRACE_WAIT = 0.3  #: s for a process past its limit to say where it stands
TRACE_END = 1.0  #: s until it has said it; it may write there, too, on and on
AHEAD = 16  #: requests that a child may have in hand, the one it is working on included
NAP = 0.02  #: s at most in which answers may gather before they are looked at together
SHORTEST_NAP = 0.001  #: s; for less, waiting costs no more


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


@dataclass(frozen=True)
class _Request:
    """What the child was asked and has not answered."""

    number: int
    limits: Limits


class Child:
    """A process that runs ``gradaudit.isolation.worker``, forked from ``nursery`` with ``env``.

    It may be asked again before it has replied, as long as it ``has_room``, and then goes on without waiting for us.

    Raises NurseryFailed or ChildFailed from the constructor where it does not come up.
    """

    def __init__(self, nursery: Nursery, env: Mapping[str, str]) -> None:
        self.served = 0  #: requests that it has answered
        self._nursery = nursery
        self._ended = False
        requests, self._requests = os.pipe()
        self._answers, answers = os.pipe()
        lifeline, self._lifeline = os.pipe()
        standing, traces = os.pipe()
        outlet, printed = os.pipe()
        self._traces, self._outlet = Outlet(standing), Outlet(outlet)
        self._open = [self._requests, self._answers, self._lifeline, standing, outlet]
        given = (requests, answers, lifeline, traces, printed)
        try:
            self._worker = nursery.fork(env, given)
        except BaseException:
            self._close_pipes()
            raise
        finally:
            for descriptor in given:
                os.close(descriptor)
        for descriptor in (self._answers, standing, outlet):
            os.set_blocking(descriptor, False)
        self._arriving = wire.Arriving()
        self._unanswered: deque[_Request] = deque()  #: the first one is being worked on
        self._began = 0.0  #: when that was, or a little later
        self.pace = math.inf  #: s from one answer to the next, of late
        self._gathered, self._waited = 0, 0.0  #: answers since it was last waited for, and when that was
        self._selector = selectors.DefaultSelector()
        self._await_start()

    def ask(self, request: bytes, *, limits: Limits) -> None:
        """Send one request, to be answered within ``limits``; its time begins when the one before is answered.

        Raises BrokenPipeError where the process had died before it was asked.
        """
        if not self._unanswered and self._worker.has_ended():  # else whoever waits for its answer finds out
            raise BrokenPipeError("the worker died between two cases")
        if not self._unanswered:
            self._outlet.clear()  # from a process that outlived an earlier case
        number = secrets.randbits(64) or 1
        self._expect(_Request(number, limits))
        wire.write(self._requests, number, request)

    def has_room(self, request: bytes) -> bool:
        """Whether ``request`` can be asked while the child works on another, and would not hold us up."""
        return len(self._unanswered) < AHEAD and wire.has_room(self._requests, request)

    def reply(self) -> Reply:
        """Wait for the answer to what was asked first; a late, greedy or dead child is ended."""
        reply = self._listen()
        self.served += 1
        return reply

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
        while self._open:
            os.close(self._open.pop())

    def _await_start(self) -> None:
        for descriptor in (self._answers, self._worker.ending):
            if descriptor is not None:
                self._selector.register(descriptor, selectors.EVENT_READ)
        self._selector.register(self._outlet.descriptor, selectors.EVENT_READ)
        try:
            self._expect(_Request(wire.READY, Limits(seconds=START_LIMIT)))
            reply = self._listen()
        except BaseException:
            self.close()
            raise
        if reply.answer is None:
            self.close()
            how = f"took over {START_LIMIT:g} s" if reply.late else f"ended ({died_of(reply.returncode)})"
            raise ChildFailed(f"a worker process {how} before it could take a case; it said:\n{reply.printed.strip()}")

    def _expect(self, request: _Request) -> None:
        if not self._unanswered:
            self._began = time.monotonic()
        self._unanswered.append(request)
        self._outlet.expect(wire.mark(request.number))

    def _listen(self) -> Reply:
        request = self._unanswered[0]
        heard = self._hear(request)
        began, self._began = self._began, time.monotonic()
        seconds = self._began - began
        if isinstance(heard, bytes):
            self._unanswered.popleft()
            self._gathered += 1
            return Reply(answer=heard, printed=self._outlet.next(), seconds=seconds)
        trace = "" if heard.dead else self._where_it_stands()
        returncode = self.end()
        return Reply(
            answer=None,
            late=heard.late,
            memory=heard.memory,
            returncode=returncode,
            printed=self._outlet.drain(),
            trace=trace or self._traces.drain(),
            seconds=seconds,
        )

    def _hear(self, request: _Request) -> "bytes | _Silence":
        """The answer, or why there will be none."""
        limits = request.limits
        tick = TICK if limits.memory is None else MEMORY_TICK
        now, deadline = time.monotonic(), self._began + (limits.seconds or math.inf)
        look, heard = now + tick, True
        while now < deadline or heard:  # an answer that has arrived is read, however late it is looked at
            try:
                if (answer := self._arriving.take(request.number)) is not None:
                    return answer
                self._let_gather(deadline - now)
                heard = self._attend(max(0.0, min(tick, deadline - now)))
            except wire.DamagedFrame:
                return _Silence(dead=self._worker.awaited(TICK))
            now = time.monotonic()
            if now >= look:
                look = now + tick
                if (silence := self._examined(limits)) is not None and not heard:
                    return silence
        return _Silence(late=True)

    def _let_gather(self, left: float) -> None:
        """Before waiting: nap as long as the child has enough to do, and no longer than ``left`` seconds.

        Answers that are looked at together cost half of what they cost one by one, each in caches gone cold.
        """
        if not self._gathered:
            return
        now = time.monotonic()
        self.pace = (now - self._waited) / self._gathered
        self._gathered, self._waited = 0, now
        nap = min(NAP, left, self.pace * (len(self._unanswered) - 1) / 2)
        if nap >= SHORTEST_NAP:
            time.sleep(nap)

    def _attend(self, seconds: float) -> bool:
        """Wait for something to arrive, and read it; whether it was of an answer: what is printed puts no limit off.

        Raises DamagedFrame at the end of it all.
        """
        ready = {key.fd for key, _ in self._selector.select(seconds)}
        if self._outlet.descriptor in ready and not self._outlet.take():
            self._selector.unregister(self._outlet.descriptor)
        if self._answers in ready:
            self._arriving.feed(os.read(self._answers, wire.PIECE))
        elif self._worker.ending in ready:
            raise wire.DamagedFrame
        return self._answers in ready

    def _examined(self, limits: Limits) -> "_Silence | None":
        """What a look at the process from outside finds amiss."""
        if self._worker.ending is None and self._worker.has_ended():
            return _Silence(dead=True)
        if limits.memory is not None:
            # where the nursery is gone, at least what the worker itself has started can be seen
            held = sum(map(memory.resident, self._nursery.children() or [self._worker.process]))
            return _Silence(memory=held) if held > limits.memory else None
        return None

    def _where_it_stands(self) -> str:
        self._worker.signal(signal.SIGUSR1)
        self._worker.signal(signal.SIGCONT)  # it may have stopped itself
        now = time.monotonic()
        end, wait = now + TRACE_END, TRACE_WAIT
        while now < end and wire.has_news(self._traces.descriptor, seconds=wait):
            if not self._traces.take():  # it has died meanwhile: what can be read at its end is nothing, and at once
                break
            now, wait = time.monotonic(), 0.02
        return self._traces.printed.text()


@dataclass(frozen=True)
class _Silence:
    """Why no answer came: it was late or too large, is dead, or (none of these) closed or damaged its pipe."""

    late: bool = False
    memory: int | None = None
    dead: bool = False
