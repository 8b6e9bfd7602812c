"""What the page knows of every case from the start: one column a property, small enough for thousands of rows.

Columns of equal values compress to almost nothing, and name themselves: nobody has to keep an order in two languages.
"""

from collections.abc import Iterable, Sequence
from math import inf, isfinite, isnan, log10
from typing import Any

from gradaudit.judge.verdict import CurvePoint, Status
from gradaudit.report import _codec, _printable
from gradaudit.report._curves import curves
from gradaudit.report._queues import Queue
from gradaudit.report._since import case_histories, decades, surroundings
from gradaudit.running.record import Audit, CaseHistory, PastEnd, Result

#: Thumbnails are drawn on a grid of this width and height; the tolerance runs through the middle.
WIDTH, HEIGHT = 48, 16
#: The steps at their left and right edge, and the errors ÷ allowed at their lower and upper edge, as powers of ten.
STEPS, ERRORS = (-12.0, 0.0), (-8.0, 8.0)
#: How a status is written in a row of past runs.
LETTERS = {
    Status.PASS: "p",
    Status.FAIL: "f",
    Status.INCONCLUSIVE: "i",
    Status.ERROR: "e",
    Status.TIMEOUT: "t",
    Status.CRASH: "c",
    Status.XFAIL: "x",
    Status.XPASS: "u",
}


def index(audit: Audit, results: Sequence[Result], *, queues: Sequence[Queue]) -> dict[str, Any]:
    """The table's columns, and what is true of the page; `results` in the order in which they are shown."""
    histories = case_histories(audit)
    rows = [_row(result, histories.get(result.case.id)) for result in results]
    columns = {name: [row[name] for row in rows] for name in rows[0]} if rows else {}
    return {
        "run": audit.run.id,
        "rows": columns,
        "queues": [
            {"key": queue.key, "label": queue.label, "about": queue.about, "members": sorted(queue.members)}
            for queue in queues
        ],
        "compared": bool(audit.history and audit.history.baseline),
        "surroundings": [[_printable.one_line(text) for text in found] for found in surroundings(audit)],
    }


def _row(result: Result, past: CaseHistory | None) -> dict[str, Any]:
    case, verdict, measures = result.case, result.verdict, result.verdict.measures
    return {
        "id": _printable.one_line(case.id),
        "name": _printable.one_line(case.name),
        "axes": [[_printable.one_line(name), _printable.one_line(str(value))] for name, value in case.axes],
        "status": verdict.status.value,
        "diagnosis": verdict.diagnosis.value if verdict.diagnosis else "",
        "engine": _printable.one_line(verdict.engine),
        "owner": _printable.one_line(case.owner or ""),
        "tags": [_printable.one_line(tag) for tag in case.tags],
        "error": _short(measures.error_over_tolerance),
        "bound": _short(measures.bound),
        "evaluations": measures.evaluations,
        "seconds": _short(measures.duration_s),
        "change": past.change.value if past and past.change else "",
        "decades": _short(decades(result, past)),
        "curve": thumbnail(result),
        "runs": "".join(map(_past, past.ends)) if past else "",
    }


def thumbnail(result: Result) -> list[int]:
    """x, y, x, y, … of the first curve on the grid, the error in units of what is allowed; empty without one."""
    curve = next(curves(result.verdict.curves, result.verdict.elements), None)
    allowed = curve.element.allowed if curve and curve.element else 0.0
    if curve is None or not 0 < allowed < inf:
        return []
    marks = sorted((point.h, point.error / allowed) for point in curve.points if _drawable(point))
    flat = ((_scaled(h, STEPS, WIDTH), HEIGHT - _scaled(error, ERRORS, HEIGHT)) for h, error in marks)
    return [number for pair in flat for number in pair]


def _drawable(point: CurvePoint) -> bool:
    return point.h > 0 and isfinite(point.h) and isfinite(point.error)


def _scaled(value: float, span: tuple[float, float], size: int) -> int:
    low, high = span
    share = (log10(value) - low) / (high - low) if value > 0 else 0.0
    return round(min(max(share, 0.0), 1.0) * size)


def _past(end: PastEnd) -> str:
    """A letter for the status and a digit for its error over tolerance, in decades: 5 is just at the tolerance."""
    error = end.error_over_tolerance
    level = 0 if not error > 0 else 9 if not isfinite(error) else min(max(round(log10(error)) + 5, 0), 9)
    return f"{LETTERS[end.status]}{level}"


def _short(value: float) -> float | str | None:
    """Three digits are all that a table shows; what is not a number is null."""
    if isnan(value):
        return None
    return float(f"{value:.3g}") if isfinite(value) else _codec.nonfinite(value)


def sampled(results: Iterable[Result], *, passes: int) -> set[int]:
    """Positions of the results that keep all their evidence: what did not pass, and `passes` of those that did.

    Half of these are the nearest to their tolerance; the others are spread evenly over the rest.
    """
    listed = list(enumerate(results))
    kept = {position for position, result in listed if result.verdict.status is not Status.PASS}
    passed = [position for position, _ in listed if position not in kept]
    near, rest = passed[: passes // 2], passed[passes // 2 :]  # the report lists the worst first
    every = max(1, -(-len(rest) // max(1, passes - passes // 2)))
    return kept | set(near) | set(rest[::every])
