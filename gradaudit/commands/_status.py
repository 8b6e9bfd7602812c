"""The exit statuses, and what a finished audit's is."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gradaudit.judge.verdict import Status
    from gradaudit.running.record import Audit

OK = 0  #: all as expected
FAILURES = 1  #: audit failures
USAGE = 2  #: usage or configuration
BROKEN = 3  #: the tool or a backend broke; results are partial and kept
NOTHING = 4  #: nothing was selected
INTERRUPTED = 130


def exit_status(audit: "Audit", *, strict: bool, fail_on: str = "failure") -> int:
    """0 where every case is as expected, 1 where one is not; an inconclusive case alone fails only if ``strict``.

    With ``fail_on`` "regression", 1 only where a case is not as good as in the baseline, if there is one.
    """
    if fail_on == "regression" and audit.history and audit.history.baseline:
        from gradaudit.history import regressions

        return FAILURES if regressions(audit, strict=strict) else OK
    unwanted = unexpected(strict=strict)
    return FAILURES if any(result.verdict.status in unwanted for result in audit.results) else OK


def unexpected(*, strict: bool) -> "frozenset[Status]":
    """How a case must not end."""
    from gradaudit.judge.verdict import Status

    return frozenset(Status) - {Status.PASS, Status.XFAIL} - (set() if strict else {Status.INCONCLUSIVE})
