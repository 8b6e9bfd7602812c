"""One case as text for a terminal: verdict, curve, worst elements, configuration, and how to run it again."""

from collections.abc import Iterator, Sequence
from math import isnan, nan
from textwrap import indent

from gradaudit.judge.verdict import Element, Verdict
from gradaudit.report import _printable
from gradaudit.report._columns import columns
from gradaudit.report._configuration import configuration
from gradaudit.report._curves import curves
from gradaudit.report._plot import v_curve
from gradaudit.report._reproduce import command, python
from gradaudit.report.text import number, one_line
from gradaudit.running.record import CaseHistory, Result, Run

ELEMENTS = 8  #: of the worst, that are listed


def card(result: Result, run: Run, *, past: CaseHistory | None = None) -> str:
    """All that a reader of one case wants to see; control characters in user text are escapes."""
    blocks = [
        one_line(result) + "\n" + indent("\n".join(_about(result, run)), "  "),
        *_titled("error |analytic − numeric| against the step h", _curve(result.verdict)),
        *_titled("worst elements", _elements(result.verdict.elements[:ELEMENTS])),
        *_titled("past runs, oldest first", _past(past) if past else []),
        *_titled("configuration", columns(list(configuration(result.case, engine=result.verdict.engine)))),
        *_titled("traceback", result.verdict.traceback.splitlines()),
        *_titled("printed", result.verdict.printed.splitlines()),
        *_titled("again", [command(result.case, run), "", *python(result.case, run).splitlines()]),
    ]
    return _printable.lines("\n\n".join(blocks)) + "\n"


def _titled(title: str, lines: Sequence[str]) -> list[str]:
    return [title + "\n" + indent("\n".join(lines), "  ")] if lines else []


def _about(result: Result, run: Run) -> Iterator[str]:
    verdict, measures = result.verdict, result.verdict.measures
    if verdict.diagnosis and verdict.evidence not in verdict.message:
        yield f"{verdict.diagnosis}: {verdict.evidence}"
    yield from verdict.notes
    named = ("error_over_tolerance", "max_abs_error", "max_rel_error", "uncertainty", "bound", "h_best", "slope")
    told = [(name, getattr(measures, name)) for name in named]
    yield ", ".join(f"{name} {number(value)}" for name, value in told if not isnan(value))
    yield f"{measures.evaluations} evaluations of f in {number(measures.duration_s)} s; engine {verdict.engine or '–'}"
    for source in verdict.sources:
        yield f"{source.role}: {source.reference}" + (f" at {source.file}:{source.line}" if source.file else "")
    yield f"at {result.case.place}, run {run.id}" if result.case.place else f"run {run.id}"


def _curve(verdict: Verdict) -> list[str]:
    """Of the worst element of the first check that has one."""
    curve = next(curves(verdict.curves, verdict.elements), None)
    if curve is None:
        return []
    allowed, h_best = (curve.element.allowed, curve.element.h) if curve.element else (nan, nan)
    drawing = v_curve(curve.points, allowed=allowed, h_best=h_best)
    legend = "● error   · what noise can make of it   ┄ allowed   ○ at or below the floor   ▲ the step chosen"
    return [f"{curve.check}: d {curve.output}/d {curve.input}", *drawing, legend] if drawing else []


def _elements(elements: Sequence[Element]) -> list[str]:
    if not elements:
        return []
    rows = [("element", "analytic", "numeric", "± bar", "error ÷ allowed", "")]
    rows += [
        (
            element.place,
            number(element.analytic, 7),
            number(element.numeric, 7),
            number(element.uncertainty, 2),
            number(element.error_over_tolerance),
            element.reason or str(element.status),
        )
        for element in elements
    ]
    return columns(rows)


def _past(past: CaseHistory) -> list[str]:
    rows = [(end.run, str(end.status), number(end.error_over_tolerance)) for end in past.ends]
    told = [f"change: {past.change}"] if past.change else []
    if past.first_bad:
        told.append(f"first bad: {past.first_bad.id} {past.first_bad.commit}".rstrip())
    if past.last_good:
        told.append(f"last good: {past.last_good.id} {past.last_good.commit}".rstrip())
    told += [f"the text of {role} has changed" for role in past.changed]
    return [*told, *columns(rows)]
