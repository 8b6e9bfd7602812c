"""What the HTML report knows about one case beyond its row: plain data for the script, safe to show as text.

Numbers that are only drawn are rounded to what a screen can show; numbers that are read keep every digit.
"""

from collections.abc import Iterator
from dataclasses import fields
from itertools import groupby
from math import isfinite
from typing import Any

from gradaudit.judge.verdict import CurvePoint, Element, Planted
from gradaudit.record import Result, Run
from gradaudit.report import _codec, _printable
from gradaudit.report._configuration import configuration
from gradaudit.report._reproduce import command, python


def detail(result: Result, run: Run) -> dict[str, Any]:
    """Everything the right-hand side shows, under short stable names; texts are printable."""
    case, verdict = result.case, result.verdict
    data = {
        "id": case.id,
        "status": verdict.status.value,
        "diagnosis": verdict.diagnosis.value if verdict.diagnosis else "",
        "message": verdict.message,
        "evidence": verdict.evidence,
        "measures": {field.name: _number(getattr(verdict.measures, field.name)) for field in fields(verdict.measures)},
        "counts": {field.name: getattr(verdict.counts, field.name) for field in fields(verdict.counts)},
        "elements": [_element(element) for element in verdict.elements],
        "curves": list(_curves(verdict.curves)),
        "power": [_planted(planted) for planted in verdict.power],
        "notes": list(verdict.notes),
        "traceback": verdict.traceback,
        "printed": verdict.printed,
        "command": command(case, run),
        "python": python(case, run),
        "place": case.place,
        "expect": f"{case.expect.status} — {case.expect.reason}" if case.expect else "",
        "config": [list(pair) for pair in configuration(case, engine=verdict.engine)],
    }
    return {key: _safe(value) for key, value in data.items()}


def _element(element: Element) -> list[Any]:
    """In the order that the script unpacks: see ``ELEMENT`` in templates/case.js."""
    return [
        *(element.check, element.status.value, element.output, element.input),
        *(_number(value) for value in (element.x, element.analytic, element.numeric)),
        *(_rounded(value) for value in (element.uncertainty, element.allowed, element.error_over_tolerance)),
        _rounded(element.h),
        element.reason,
        _rounded(element.bound),
    ]


def _planted(planted: Planted) -> list[Any]:
    """In the order that the script unpacks: see ``FAULT`` in templates/case.js."""
    said = planted.diagnosis.value if planted.diagnosis else ""
    outcome = f"{planted.outcome.value}, against its bound" if planted.contradicts_bound else planted.outcome.value
    return [planted.check, planted.fault, outcome, _rounded(planted.error_over_bound), said]


def _curves(points: tuple[CurvePoint, ...]) -> Iterator[dict[str, Any]]:
    for (check, output, input_), group in groupby(points, lambda point: (point.check, point.output, point.input)):
        rows = [[_rounded(point.h), *map(_rounded, (point.error, point.uncertainty))] for point in group]
        yield {"check": check, "output": output, "input": input_, "points": rows}


def _number(value: float) -> float | str:
    return value if isfinite(value) else _codec.nonfinite(value)


def _rounded(value: float) -> float | str:
    return float(f"{value:.3e}") if isfinite(value) else _codec.nonfinite(value)


def _safe(value: Any) -> Any:
    if isinstance(value, str):
        return _printable.lines(value)
    if isinstance(value, list):
        return [_safe(item) for item in value]
    if isinstance(value, dict):
        return {key: _safe(item) for key, item in value.items()}
    return value
