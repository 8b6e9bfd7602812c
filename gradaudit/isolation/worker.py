"""The child's side: takes pickled cases from a pipe, one at a time, and answers each with a pickled verdict.

A child runs user code, so it trusts nothing that such code may touch: the pipes are not stdin and stdout, what is
printed goes to its keeper, every exception becomes a verdict, and it dies with its keeper even inside a native loop.
"""

import contextlib
import ctypes
import faulthandler
import fcntl
import hashlib
import importlib
import math
import os
import pickle
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import replace
from io import FileIO, TextIOWrapper
from typing import Any

from gradaudit.isolation import answer, memory, wire
from gradaudit.isolation.detached import Detached
from gradaudit.isolation.residue import Clean
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.verdict import Measures, Status, Verdict
from gradaudit.plan.case import Case

LONGEST_TRACEBACK = 20_000  #: characters, of the innermost frames
LONGEST_MESSAGE = 2_000  #: characters; an exception may say all that an array holds
LONGEST_NAME = 200  #: characters, of a class

AuditCase = Callable[..., Verdict]

_LIBC = ctypes.CDLL(None)


def main(
    requests: int,
    answers: int,
    lifeline: int,
    traces: int,
    printed: int,
    audit: str,
    *,
    nursery: int | None,
) -> None:
    """Serve until the keeper closes ``requests``, or a case leaves something behind.

    ``requests``, ``answers``, ``lifeline``, ``traces`` and ``printed`` are inherited descriptors; the next requests may
    lie in ``requests`` already, so the end of each case is marked in what is ``printed``. ``audit`` is the reference
    ``module:attribute`` of ``audit_case(case, *, threads) -> Verdict``. ``nursery`` is the process that forked this one
    and adopts what it leaves; None where there is none, and the parent's other children are nobody's business here.
    """
    _die_with_keeper(lifeline)
    _be_the_first_to_go()
    sys.argv = ["gradaudit"]  # user modules may read it when they are imported
    audit_case = _attribute(audit)  # before the user's folders come first on sys.path
    clean, detached = Clean(), None if nursery is None else Detached(nursery)
    os.write(printed, wire.mark(wire.READY))
    wire.write(answers, wire.READY, b"")
    process = os.getpid()
    left: tuple[str, ...] = ()
    held: int | None = None
    while not left and held is None and (frame := wire.read(requests)) is not None:
        number, payload = frame
        case, threads, limit = pickle.loads(payload)
        _open_streams(printed)
        _tell_where_it_stands(traces)
        verdict = _audited(case, threads, audit_case, clean)
        if os.getpid() != process:
            os._exit(1)  # the user's function forked and the copy came back too: only one may answer
        _flush()
        marked = _marked(printed, number)
        left = clean.restore()
        if not marked:
            left += ("no way out for what is printed",)
        if detached is not None and detached.any():
            left += ("a process that detached itself",)
        if nursery not in (None, os.getppid()):
            left += ("",)  # nobody watches over what it starts; untold, as an earlier case may be the reason
        held = _held_above(limit) if nursery is not None else None
        wire.write(answers, number, answer.sealed(verdict, left, held))
    while wire.read(requests) is not None:  # no other case may run here: wait for the end
        pass


def _audited(case: Case, threads: int, audit_case: AuditCase, clean: Clean) -> bytes:
    """The verdict, written."""
    started = time.perf_counter()
    try:
        with clean.kept():
            _make_importable(case.path)
            _seed(case)
            # in a context of its own: what a case sets in context variables (decimal's precision, …) ends with it
            verdict = copy_context().run(audit_case, case, threads=threads)
        if not isinstance(verdict, Verdict):
            raise TypeError(f"the audit gave {type(verdict).__name__}, not a Verdict")
        return answer.write(_timed(_short(verdict), started))
    except BaseException as problem:  # SystemExit and KeyboardInterrupt too: no case may end the worker
        return answer.write(_timed(_raised(case, problem), started))


def import_case(case: Case, *, threads: int = 1) -> Verdict:
    """Resolve everything that ``case`` names, and evaluate nothing: the audit of ``gradaudit validate --imports``."""
    from gradaudit import engines
    from gradaudit.engines._boundary import trace_of
    from gradaudit.engines._differentiable import EngineError

    try:
        loaded = engines.load(case.target)
    except EngineError as problem:
        return Verdict(case.id, Status.ERROR, diagnosis=Diagnosis.IMPORT_FAILED, message=str(problem))
    except Exception as problem:
        said, trace = f"import raised {_named(problem)}", _end_of(trace_of(problem))
        return replace(_raised(case, problem), diagnosis=Diagnosis.IMPORT_FAILED, message=said, traceback=trace)
    return Verdict(id=case.id, status=Status.PASS, engine=loaded.engine)


def _raised(case: Case, problem: BaseException) -> Verdict:
    text = traceback.format_exc()
    return Verdict(
        id=case.id,
        status=Status.ERROR,
        diagnosis=Diagnosis.RAISED,
        message=f"{case.place}: raised {_named(problem)}" if case.place else f"raised {_named(problem)}",
        evidence=f"{_named(problem)} left the audit of {case.target.function}",
        traceback=_end_of(text),
    )


def _named(problem: BaseException) -> str:
    try:
        said = str(problem)
    except Exception:  # a user's __str__
        said = ""
    name = _cut(type(problem).__name__, LONGEST_NAME)
    return f"{name}: {_cut(said, LONGEST_MESSAGE)}" if said else name


def _short(verdict: Verdict) -> Verdict:
    """With words of a length that people read, whoever has put them together."""
    if len(verdict.message) + len(verdict.evidence) + len(verdict.traceback) <= 2 * LONGEST_MESSAGE:
        return verdict
    message, evidence = (_cut(text, 2 * LONGEST_MESSAGE) for text in (verdict.message, verdict.evidence))
    return replace(verdict, message=message, evidence=evidence, traceback=_end_of(verdict.traceback))


def _end_of(trace: str) -> str:
    return trace if len(trace) <= LONGEST_TRACEBACK else "…" + trace[-LONGEST_TRACEBACK:]


def _cut(text: str, longest: int) -> str:
    left_out = len(text) - longest
    return text if left_out <= 0 else f"{text[:longest]}… ({left_out:,} characters left out)"


def _timed(verdict: Verdict, started: float) -> Verdict:
    if not math.isnan(verdict.measures.duration_s):
        return verdict
    measures: Measures = replace(verdict.measures, duration_s=time.perf_counter() - started)
    return replace(verdict, measures=measures)


def _attribute(reference: str) -> AuditCase:
    module, _, name = reference.partition(":")
    found: AuditCase = getattr(importlib.import_module(module), name)
    return found


def _make_importable(path: tuple[str, ...]) -> None:
    """The suite's folders come first, then the current one, then what the keeper's own process could import."""
    for folder in reversed((*path, os.getcwd())):
        if folder in sys.path:
            sys.path.remove(folder)
        sys.path.insert(0, folder)


def _seed(case: Case) -> None:
    # a function that draws from the global generators must not depend on the cases that ran here before
    digest = hashlib.blake2b(f"{case.seed}\n{case.id}".encode(errors="surrogatepass"), digest_size=4).digest()
    seed = int.from_bytes(digest, "little")
    random.seed(seed)
    if (numpy := sys.modules.get("numpy")) is not None:
        numpy.random.seed(seed)


def _tell_where_it_stands(traces: int) -> None:
    """Write the stack to ``traces`` when a signal kills the process, or SIGUSR1 asks for it."""
    # taken down first: a case may have put handlers of its own in their place
    faulthandler.disable()
    faulthandler.enable(traces)
    faulthandler.unregister(signal.SIGUSR1)
    faulthandler.register(signal.SIGUSR1, traces)


def _open_streams(printed: int) -> None:
    """Text streams over descriptors 1 and 2, whatever the case before has made of them."""
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        os.dup2(printed, descriptor)
        stream: Any = getattr(sys, name, None)
        if not _leads_to(descriptor, stream):
            # no buffer: what was printed before the process died is what tells why
            stream = TextIOWrapper(FileIO(descriptor, "w", closefd=False))
            setattr(sys, name, stream)
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", write_through=True)


def _leads_to(descriptor: int, stream: object) -> bool:
    try:
        return type(stream) is TextIOWrapper and stream.fileno() == descriptor
    except ValueError:  # closed, or its buffer was taken away
        return False


def _flush() -> None:
    for name in ("stdout", "stderr"):
        with contextlib.suppress(BaseException):  # replaced or closed by the user, whose own may even leave
            getattr(sys, name).flush()
    _LIBC.fflush(None)  # printf in compiled code


def _marked(printed: int, number: int) -> bool:
    """Whether the end of the case of the request ``number`` now stands in what is ``printed``."""
    try:
        os.set_blocking(printed, True)  # asyncio sets it otherwise by itself, for all that share the pipe
        os.write(printed, wire.mark(number))
    except OSError:  # closed by the case
        return False
    return True


def _held_above(limit: int | None) -> int | None:
    """The most memory that a case held, where that is more than ``limit``; its keeper may have looked away just then.

    No case before it in this process can have been the one, or this one would not be here.
    """
    if limit is None:
        return None
    held = memory.peak()
    return held if held > limit else None


def _be_the_first_to_go() -> None:
    """Have the kernel take this process, and not the run, where the machine is out of memory."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
        score.write("1000")


def _die_with_keeper(lifeline: int) -> None:
    """Have the kernel kill this process group when the keeper's end of ``lifeline`` closes, however it closes.

    Only Linux can; elsewhere an orphan ends after the case at hand, when it finds ``requests`` closed.
    """
    if not hasattr(fcntl, "F_SETSIG"):
        return
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, -os.getpgrp())
    fcntl.fcntl(lifeline, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
    if wire.has_news(lifeline):  # closed before the lines above: no signal will come
        os._exit(1)
