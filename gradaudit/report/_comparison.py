"""What changed between two runs, case by case, as text and as JSON."""

from collections import Counter

from gradaudit.history.changes import GOOD
from gradaudit.judge.verdict import Status
from gradaudit.report import _codec, _printable
from gradaudit.report._since import headline, surroundings
from gradaudit.report.text import number
from gradaudit.running.record import Audit, CaseHistory, Change, Result

#: What a reader wants to know, in this order; what is as good as it was is only counted.
TOLD = (Change.NEW, Change.WORSE, Change.ADDED, Change.SAME, Change.FIXED, Change.BETTER, Change.REMOVED)
FORMAT = 1


def comparison(audit: Audit) -> str:
    """What changed since the baseline, a line a case; then what changed around the cases, and the sentence.

    Raises ValueError where ``audit`` has no baseline.
    """
    if audit.history is None or audit.history.baseline is None:
        raise ValueError("nothing to tell: the audit was compared with no run; look back first")
    now = {result.case.id: result for result in audit.results}
    told = [(case, now.get(case.id)) for case in audit.history.cases if not _is_as_good(case, now.get(case.id))]
    lines = [_line(case, result) for change in TOLD for case, result in told if case.change is change]
    around = [f"{name}: {before or '–'} → {after or '–'}" for name, before, after in surroundings(audit)]
    counts = Counter(case.change for case in audit.history.cases)
    counted = ", ".join(f"{counts[change]} {change}" for change in Change if counts[change])
    compared = f"{audit.history.baseline.id} → {audit.run.id}: {counted}"
    return "\n".join(map(_printable.one_line, [*lines, *around, compared, headline(audit)])) + "\n"


def comparison_json(audit: Audit) -> str:
    """The same as one JSON document."""
    history = audit.history
    head = {"format": FORMAT, "kind": "gradaudit comparison", "run": audit.run.id}
    baseline = history.baseline.id if history and history.baseline else None
    now = {result.case.id: result for result in audit.results}
    cases = tuple(_changed_case(case, now.get(case.id)) for case in (history.cases if history else ()))
    return _codec.dumps({**head, "baseline": baseline, "cases": cases}, indent=1) + "\n"


def _is_as_good(case: CaseHistory, now: Result | None) -> bool:
    return case.change is Change.SAME and now is not None and now.verdict.status in GOOD


def _line(case: CaseHistory, now: Result | None) -> str:
    before = f"{case.before.status} {number(case.before.error_over_tolerance)}" if case.before else "–"
    after = f"{now.verdict.status} {number(now.verdict.measures.error_over_tolerance)}" if now else "–"
    changed = f"; the text of {' and '.join(case.changed)} has changed" if case.changed else ""
    diagnosis = f"; {now.verdict.diagnosis}" if now and now.verdict.diagnosis else ""
    return f"{(case.change or '').upper():<7}  {case.id}  {before} → {after}{diagnosis}{changed}"


def _changed_case(case: CaseHistory, now: Result | None) -> dict[str, object]:
    return {
        "id": case.id,
        "change": case.change,
        "before": _end(case.before.status, case.before.error_over_tolerance) if case.before else None,
        "now": _end(now.verdict.status, now.verdict.measures.error_over_tolerance) if now else None,
        "changed": case.changed,
    }


def _end(status: Status, ratio: float) -> dict[str, object]:
    return {"status": status, "error_over_tolerance": ratio}
