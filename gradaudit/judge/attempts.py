"""Several attempts at one case to its verdict: a pass that needs luck is no pass."""

from collections.abc import Sequence
from dataclasses import replace

from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.verdict import Status, Verdict
from gradaudit.plan.case import Expectation

#: What is worth another attempt: a second look at a kink or at noise would see the same.
RETRIED = frozenset({Status.FAIL, Status.ERROR, Status.CRASH, Status.TIMEOUT})
LONGEST = 200  #: characters of each attempt's message


def is_worth_another(verdict: Verdict, expect: Expectation | None) -> bool:
    """Whether the case ended badly, and not as the suite expects."""
    return verdict.status in RETRIED and (expect is None or verdict.status != expect.status)


def of_attempts(attempts: Sequence[Verdict]) -> Verdict:
    """The verdict of a case from its attempts in their order; all but perhaps the last ended badly.

    Where the last did not, the case is flaky, and fails. Otherwise the first stays, with a note that says how often
    it was tried.
    """
    first, last = attempts[0], attempts[-1]
    if len(attempts) == 1:
        return first
    if last.status not in RETRIED:
        return _flaky(attempts)
    ends = list(dict.fromkeys(map(_end, attempts)))
    said = "same" if len(ends) == 1 else ", ".join(map(_end, attempts))
    return replace(first, notes=(*first.notes, f"{len(attempts)} attempts, {said}"))


def _flaky(attempts: Sequence[Verdict]) -> Verdict:
    bad, last = attempts[0], attempts[-1]
    ended = f"{last.status} only on attempt {len(attempts)} of the same case with the same inputs"
    cause = "look for global state, an unseeded generator, threads, time or memory limits"
    return replace(
        last,
        status=Status.FAIL,
        diagnosis=Diagnosis.FLAKY,
        message=f"{ended}; {cause}. At first: {_end(bad)}: {_short(bad.message)}",
        evidence="; ".join(f"attempt {number}: {_described(one)}" for number, one in enumerate(attempts, start=1)),
        traceback=bad.traceback,
        printed=bad.printed or last.printed,
        power=(),
    )


def _end(verdict: Verdict) -> str:
    return f"{verdict.status} ({verdict.diagnosis})" if verdict.diagnosis else str(verdict.status)


def _described(verdict: Verdict) -> str:
    return f"{_end(verdict)} {_short(verdict.message)}".strip()


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
