"""Plain lines for a terminal: one a case, and one that sums the run up."""

from math import isnan

from gradaudit.judge.verdict import Status
from gradaudit.report import _printable
from gradaudit.report._order import count_by_status
from gradaudit.running.record import Audit, Result, Run

SUFFIX = ".txt"

_ONE_AND_MANY = {
    Status.FAIL: ("fails", "fail"),
    Status.ERROR: ("error", "errors"),
    Status.CRASH: ("crash", "crashes"),
    Status.TIMEOUT: ("timeout", "timeouts"),
    Status.XPASS: ("passes unexpectedly", "pass unexpectedly"),
    Status.INCONCLUSIVE: ("inconclusive", "inconclusive"),
    Status.XFAIL: ("fails as expected", "fail as expected"),
}


def render(audit: Audit) -> str:
    """Every case on a line, in plan order, and the summary last."""
    return "\n".join([*map(one_line, audit.results), summary(audit), ""])


def one_line(result: Result) -> str:
    """A case as one line: ``FAIL losses.huber[n=33]  d out/d x[3]: analytic -0.491921, numeric …``.

    Control characters in user text are written as escapes, so that no name can steer the terminal.
    """
    verdict = result.verdict
    measured = "" if verdict.message else _measured(result)
    return _printable.one_line("  ".join(filter(None, (str(verdict), measured))))


def summary(audit: Audit) -> str:
    """The run in a sentence without a full stop: ``37 of 40 pass; 2 fail, 1 inconclusive``."""
    if not audit.results:
        return "no case was run" + unfinished(audit)
    counts = count_by_status(audit)
    passed = counts.pop(Status.PASS, 0)
    others = ", ".join(f"{count} {_ONE_AND_MANY[status][count > 1]}" for status, count in counts.items())
    return "; ".join(filter(None, (passes(passed, len(audit.results)), others))) + unfinished(audit)


def passes(passed: int, count: int) -> str:
    """``37 of 40 pass``, ``1 of 2 passes``."""
    return f"{passed} of {count} {'passes' if passed == 1 else 'pass'}"


def seeded(run: Run) -> str:
    """``seed 7``, or ``seeds 7, 8`` where suites of several ran together."""
    return f"seed{'s' if len(run.seeds) > 1 else ''} {seeds(run)}"


def seeds(run: Run) -> str:
    """``7``, or ``7, 8``."""
    return ", ".join(map(str, run.seeds))


def number(value: float, digits: int = 3) -> str:
    """`value` for a reader's eye, to `digits` significant digits: ``0.0341``, ``4.9e-06``, ``NaN``."""
    return f"{value:.{digits}g}".replace("nan", "NaN").replace("inf", "Infinity")


def _measured(result: Result) -> str:
    measures = result.verdict.measures
    if isnan(measures.error_over_tolerance):  # nothing was compared
        return ""
    ratio = f"error/tolerance {number(measures.error_over_tolerance, 2)}"
    return ratio if isnan(measures.bound) else f"{ratio}, bound {number(measures.bound, 2)}"


def unfinished(audit: Audit) -> str:
    """What follows the counts of a run that was interrupted; empty for others."""
    return "" if audit.run.complete else "; the run did not finish"
