"""How results are counted and ordered for a reader: what needs attention first, the worst of it first."""

from collections import Counter
from math import isnan

from gradaudit.judge.verdict import Status
from gradaudit.running.record import Audit, Result

#: Worst first: the order of every list that is not in plan order.
SEVERITY = (
    Status.FAIL,
    Status.ERROR,
    Status.CRASH,
    Status.TIMEOUT,
    Status.XPASS,
    Status.INCONCLUSIVE,
    Status.XFAIL,
    Status.PASS,
)


def count_by_status(audit: Audit) -> dict[Status, int]:
    """How many cases ended how, worst first, statuses that did not occur left out."""
    counts = Counter(result.verdict.status for result in audit.results)
    return {status: counts[status] for status in SEVERITY if counts[status]}


def worst_first(results: tuple[Result, ...]) -> list[Result]:
    """By severity, then by error over tolerance; equals stay in plan order."""
    return sorted(results, key=_badness)


def _badness(result: Result) -> tuple[int, float]:
    ratio = result.verdict.measures.error_over_tolerance
    return SEVERITY.index(result.verdict.status), 0.0 if isnan(ratio) else -ratio
