"""What the HTML report knows about one case beyond its row: plain data for the script.

Numbers that are only drawn are rounded to what a screen can show; numbers that are read keep every digit.
"""

from collections.abc import Iterator
from dataclasses import fields
from math import isfinite, isnan
from typing import Any

from gradaudit.judge.verdict import Counts, CurvePoint, Element, Heat, Measures, Planted
from gradaudit.plan.case import Expectation, Source
from gradaudit.report import _codec
from gradaudit.report._certificates import Stratum, strata
from gradaudit.report._configuration import configuration
from gradaudit.report._curves import curves
from gradaudit.report._reproduce import command, python
from gradaudit.report._script import script
from gradaudit.running.record import CaseHistory, History, PastRun, Result, Run

#: Characters beyond which a script, whose inputs are written out, helps nobody.
LONGEST_SCRIPT = 20_000

_MEASURES = tuple(field.name for field in fields(Measures))
_COUNTS = tuple(field.name for field in fields(Counts))


def detail(result: Result, run: Run, *, past: CaseHistory | None = None, whole: bool = True) -> dict[str, Any]:
    """Everything the right-hand side shows, under short stable names; texts are as they were, for ``_payload``.

    Without `whole` only the worst element of a case stands for its evidence.
    """
    case, verdict = result.case, result.verdict
    return {
        "id": case.id,
        "status": verdict.status.value,
        "diagnosis": verdict.diagnosis.value if verdict.diagnosis else "",
        "message": verdict.message,
        "evidence": verdict.evidence,
        "measures": {name: _number(getattr(verdict.measures, name)) for name in _MEASURES},
        "counts": {name: getattr(verdict.counts, name) for name in _COUNTS},
        "whole": whole,
        "elements": [_element(element) for element in verdict.elements[: None if whole else 1]],
        "curves": list(_curves(verdict.curves)) if whole else [],
        "heat": [_heat(heat) for heat in verdict.heat] if whole else [],
        "power": [_planted(planted) for planted in verdict.power],
        "certificates": [_stratum(stratum) for stratum in strata(verdict)],
        "past": _past(past) if past else None,
        "notes": list(verdict.notes),
        "traceback": verdict.traceback,
        "printed": verdict.printed,
        "command": command(case, run),
        "python": python(case, run),
        "script": text if whole and len(text := script(case)) <= LONGEST_SCRIPT else "",
        "place": case.place,
        "sources": [_source(source) for source in verdict.sources],
        "expect": _expected(case.expect) if case.expect else "",
        "config": list(_configuration(result)),
    }


def _element(element: Element) -> list[Any]:
    """In the order that the script unpacks: see ``ELEMENT`` in templates/elements.js."""
    return [
        *(element.check, element.status.value, element.output, element.input),
        *(_number(value) for value in (element.x, element.analytic, element.numeric)),
        _rounded(element.uncertainty),
        _rounded(element.allowed, 7),  # its first two digits are shown, as in the message: rounded once, not twice
        *(_rounded(value) for value in (element.error_over_tolerance, element.h)),
        element.reason,
        _rounded(element.bound),
    ]


def _planted(planted: Planted) -> list[Any]:
    """In the order that the script unpacks: see ``FAULT`` in templates/case.js."""
    said = planted.diagnosis.value if planted.diagnosis else ""
    outcome = f"{planted.outcome.value}, against its bound" if planted.contradicts_bound else planted.outcome.value
    return [planted.check, planted.fault, outcome, _rounded(planted.error_over_bound), said]


def _stratum(stratum: Stratum) -> list[Any]:
    """In the order that the script unpacks: see ``CERTIFICATE`` in templates/case.js."""
    about = [stratum.check, stratum.directions, _rounded(stratum.probability)]
    decade = "" if stratum.decade is None else f"1e{stratum.decade:+d}"
    return [*about, decade, stratum.elements, _rounded(stratum.largest_missable)]


def _source(source: Source) -> list[str]:
    return [source.role, source.reference, f"{source.file}:{source.line}" if source.file else ""]


def _heat(heat: Heat) -> dict[str, Any]:
    errors = [None if isnan(error) else _number(error) for error in heat.errors]
    place = {"check": heat.check, "input": heat.input, "shape": list(heat.shape)}
    return {**place, "columns": heat.columns, "block": list(heat.block), "errors": errors}


def _past(past: CaseHistory) -> dict[str, Any]:
    before = past.before
    return {
        "change": past.change.value if past.change else "",
        "before": {
            "status": before.status.value,
            "diagnosis": before.diagnosis.value if before.diagnosis else "",
            "error": _rounded(before.error_over_tolerance),
            "curves": list(_curves(before.curves)),
        }
        if before
        else None,
        "ends": [[end.run, end.status.value, _rounded(end.error_over_tolerance)] for end in past.ends],
        "lastGood": _run(past.last_good),
        "firstBad": _run(past.first_bad),
        "changed": list(past.changed),
        "flaky": past.flaky,
    }


def _run(run: PastRun | None) -> list[str] | None:
    return [run.id, run.started, run.commit] if run else None


def past_runs(history: History | None) -> list[list[str] | None]:
    """id, start and commit of every earlier run, which the ends of cases name by id."""
    return [_run(run) for run in history.runs] if history else []


def _expected(expect: Expectation) -> str:
    until = f" (until {expect.until.isoformat()})" if expect.until else ""
    return f"{expect.status} — {expect.reason}{until}" if expect.reason else f"{expect.status}{until}"


def _configuration(result: Result) -> Iterator[list[str]]:
    """Label, value and where it stands; that of an input or an option is the place of the case."""
    origins = dict(result.case.origins)
    for name, value in configuration(result.case, engine=result.verdict.engine):
        yield [name, value, origins.get(name, "")]


def _curves(points: tuple[CurvePoint, ...]) -> Iterator[dict[str, Any]]:
    for curve in curves(points):
        rows = [list(map(_rounded, (point.h, point.error, point.uncertainty))) for point in curve.points]
        yield {"check": curve.check, "output": curve.output, "input": curve.input, "points": rows}


def _number(value: float) -> float | str:
    return value if isfinite(value) else _codec.nonfinite(value)


def _rounded(value: float, digits: int = 4) -> float | str:
    return float(f"{value:.{digits - 1}e}") if isfinite(value) else _codec.nonfinite(value)
