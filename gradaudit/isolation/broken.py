"""What is said of a case that gave no verdict itself: it was late or too large, or its process died."""

from dataclasses import dataclass

from gradaudit.isolation.child import Limits, Reply
from gradaudit.isolation.processes import died_of
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.verdict import Measures, Status, Verdict
from gradaudit.plan.case import Case

LAST_WORDS = 50  #: in a message, of what a process said that did not start; the rest stands with what is printed


@dataclass(frozen=True)
class _Reason:
    status: Status
    diagnosis: Diagnosis
    message: str  #: without its place
    evidence: str = ""  #: where no stack says more


def broken(case: Case, reply: Reply, limits: Limits, *, how: str = "") -> Verdict:
    """The verdict on ``case`` after ``reply``; ``how`` says what was wrong with an answer that did come."""
    reason = _reason(case, reply, limits, how)
    return Verdict(
        id=case.id,
        status=reason.status,
        diagnosis=reason.diagnosis,
        message=f"{case.place}: {reason.message}" if case.place else reason.message,
        evidence=_innermost(reply.trace) or reason.evidence,
        measures=Measures(duration_s=reply.seconds),
        traceback=reply.trace,
        printed=reply.printed,
    )


def unstarted(case: Case, said: str) -> Verdict:
    """The verdict on ``case`` where no process can be started with the environment that its suite asks for."""
    how, _, words = said.partition("\n")
    env = ", ".join(f"{name}={value}" for name, value in case.env)
    message = f"no process can be started with its env ({env}): {' '.join([how, *words.split()[:LAST_WORDS]])}"
    return Verdict(
        id=case.id,
        status=Status.ERROR,
        diagnosis=Diagnosis.DIED,
        message=f"{case.place}: {message}" if case.place else message,
        evidence=how,
        printed=words,
    )


def _reason(case: Case, reply: Reply, limits: Limits, how: str) -> _Reason:
    if reply.late:
        message = (
            f"ran past its limit of {limits.seconds:g} s and was killed; "
            f"raise 'timeout:' of the case or --timeout, or check fewer elements"
        )
        return _Reason(Status.TIMEOUT, Diagnosis.TIMED_OUT, message)
    if reply.memory is not None:
        held, allowed = _size(reply.memory), _size(limits.memory or 0)
        message = (
            f"its process held {held} of memory, allowed {allowed}, and was killed; "
            f"raise --max-memory, or use smaller inputs"
        )
        return _Reason(Status.CRASH, Diagnosis.MEMORY, message, f"it held {held}")
    how = how or f"its process died ({died_of(reply.returncode)}) after {_rounded(reply.seconds)} s"
    return _Reason(Status.CRASH, Diagnosis.DIED, f"{how}; run {case.target.function} alone to see why", how)


def _size(count: int) -> str:
    """A limit of ``4`` that was meant in GB must not read as none."""
    return f"{count / 1e6:,.0f} MB" if count >= 1e6 else f"{count:,} {'byte' if count == 1 else 'bytes'}"


def _rounded(seconds: float) -> str:
    """To two digits, and no less than the whole seconds."""
    return f"{seconds:,.0f}" if seconds >= 10 else f"{seconds:.2g}"


def _innermost(trace: str) -> str:
    """``last seen in File "x.py", line 3 in f`` from what faulthandler wrote, its innermost frame first."""
    current = trace[max(trace.find("Current thread"), 0) :]
    lines = current.partition("(most recent call first):\n")[2].splitlines()
    return f"last seen in {lines[0].strip()}" if lines else ""
