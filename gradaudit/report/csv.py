"""Tables for spreadsheets and data frames: a row a case, a row an element, a row a step; rows in plan order.

Floats round-trip; NaN and the infinities are ``NaN``, ``Infinity`` and ``-Infinity``. A text that a spreadsheet
would take for a formula starts with ``'``. Control characters are written as escapes, so a row is always one
line. The last column, ``format``, is the version of the table. Only ``duration_s`` differs between two runs with
equal results.

Format history: 1 — the first; ``power.csv``, a row a case and known fault, came later and changed nothing else;
``certificates.csv``, and the columns ``method`` to ``probability`` at the end of ``results.csv``, likewise.
"""

import csv
import io
from collections.abc import Callable, Iterable
from dataclasses import fields
from functools import lru_cache
from math import isfinite
from operator import attrgetter

from gradaudit.judge.verdict import Counts, CurvePoint, Element, Measures, Planted, Verdict
from gradaudit.report import _certificates, _printable
from gradaudit.report._codec import nonfinite
from gradaudit.running.record import Audit, Result

SUFFIX = ".csv"
FORMAT = 1

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")

# Columns are the names of the fields, so that a measure has one name everywhere.
_MEASURES = tuple(field.name for field in fields(Measures))
_COUNTS = tuple(field.name for field in fields(Counts))
_ELEMENT = tuple(field.name for field in fields(Element))
_POINT = tuple(field.name for field in fields(CurvePoint))
_PLANTED = tuple(field.name for field in fields(Planted))
_STRATUM = tuple(field.name for field in fields(_certificates.Stratum))
#: What stands before the measures of a case in ``results.csv``, and what after its counts, as the reference tells it.
BEFORE = {
    "id": "of the case; the first column of every table",
    "status": "pass, fail, inconclusive, error, timeout, crash, xfail or xpass",
    "diagnosis": "one of the [list](#diagnoses), where there is one",
}
AFTER = {
    "engine": "what called the function",
    "name": "of the function in the suite",
    "axes": "`n=8, dtype=float32`: the case's values of `matrix`",
    "point": "its name under `at`",
    "owner": "",
    "tags": "with spaces between them",
    "place": "of the function in its suite: file, line and column",
    "message": "the verdict's, in a line",
    # how the elements were looked at, which says what ``bound`` means
    "method": f"`{_certificates.ELEMENTS}`: one by one; `{_certificates.DIRECTIONS}`: all at once",
    "directions": "how many those were",
    "probability": "of an error beyond the limits of `certificates.csv`",
    "format": "version of the table; the last column of every one",
}


def render(audit: Audit) -> str:
    """``results.csv``: a row a case, with the measures under the names that they have everywhere."""
    return _table((*BEFORE, *_MEASURES, *_COUNTS, *AFTER), map(_case_row, audit.results))


def elements(audit: Audit) -> str:
    """``elements.csv``: the worst elements of each case, worst first."""
    return _details(audit, _ELEMENT, lambda verdict: verdict.elements)


def curves(audit: Audit) -> str:
    """``curves.csv``: the central difference at each step, for the worst element of each check."""
    return _details(audit, _POINT, lambda verdict: verdict.curves)


def power(audit: Audit) -> str:
    """``power.csv``: what became of each known fault in each case that passed, where the self-test was asked for."""
    return _details(audit, _PLANTED, lambda verdict: verdict.power)


def certificates(audit: Audit) -> str:
    """``certificates.csv``: a row a certificate and decade of |g|·s, where elements were certified along directions."""
    return _details(audit, _STRATUM, _certificates.strata)


def _details(audit: Audit, columns: tuple[str, ...], of: Callable[[Verdict], Iterable[object]]) -> str:
    """A table of what verdicts hold, a row each, which begins with the id of its case."""
    row = attrgetter(*columns)
    rows = ((result.case.id, *row(item)) for result in audit.results for item in of(result.verdict))
    return _table(("id", *columns, "format"), rows)


def _case_row(result: Result) -> tuple[object, ...]:
    case, verdict = result.case, result.verdict
    axes = ", ".join(f"{key}={value}" for key, value in case.axes)
    about = (case.name, axes, case.point, case.owner, " ".join(case.tags), case.place, verdict.message)
    numbers = (*attrgetter(*_MEASURES)(verdict.measures), *attrgetter(*_COUNTS)(verdict.counts))
    return (case.id, verdict.status, verdict.diagnosis, *numbers, verdict.engine, *about, *_certificates.way(verdict))


def _table(header: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows((*map(_cell, row), FORMAT) for row in rows)
    return text.getvalue()


def _cell(value: object) -> object:
    """What the writer is given: it writes nothing for None, and the shortest text that gives the same float back."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float):
        return float(value) if isfinite(value) else nonfinite(value)
    return value


@lru_cache(maxsize=1024)  # names of checks, outputs and inputs, again and again
def _text(value: str) -> str:
    safe = _printable.one_line(str(value))
    return "'" + safe if value.startswith(_FORMULA) else safe
