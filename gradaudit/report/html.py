"""One self-contained page for a reviewer: what changed, queues to work through, and the evidence of every case.

It asks the network for nothing. A plain table stands in the page for readers without JavaScript; the rest is compressed
JSON in base64, which no user text can break out of, unpacked by a small script and shown as text nodes only. A content
security policy allows exactly this script and this style, by their hashes.

All evidence is kept of what did not pass, and of a sample of what did. A page that would still be larger than `LARGEST`
hands its evidence to files in a folder beside it: see `files`.

Format history: 1 — the first; 2 — evidence in parts, comparison with earlier runs. The version stands in
``<meta name="gradaudit-format">``.
"""

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Context
from functools import cache
from importlib import resources
from math import isfinite, isinf, isnan
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from gradaudit.judge.verdict import Catch, Status
from gradaudit.report import _power, _printable
from gradaudit.report._detail import detail, past_runs
from gradaudit.report._index import index, sampled
from gradaudit.report._order import worst_first
from gradaudit.report._payload import PER_PART, as_script, packed, parts
from gradaudit.report._queues import queues
from gradaudit.report._since import case_histories, headline, removed, surroundings
from gradaudit.report.text import number, seeded
from gradaudit.running.record import Audit, Result

if TYPE_CHECKING:
    from jinja2 import Environment

SUFFIX = ".html"
FORMAT = 2
#: Characters of evidence that one page carries; a browser opens as much without a pause that is felt.
LARGEST = 10_000_000
#: Passing cases that keep all their evidence.
PASSES = 500

_SCRIPTS = (
    *("numbers.js", "nodes.js", "evidence.js", "filter.js", "thumbnail.js", "table.js", "curve.js", "heat.js"),
    *("elements.js", "past.js", "case.js", "overview.js", "main.js"),
)
# Python pads exponents to two digits and signs them: 2e+05.
_LONG_EXPONENT = re.compile(r"e\+?(-?)0*(?=\d)")
# A number and its noun stay on one line.
_COUNT = re.compile(r"(\d) ")
_WORDS = {Status.XFAIL: "expected fail", Status.XPASS: "unexpected pass"}


def render(audit: Audit) -> str:
    """The page with all its evidence, however large. Cases stand worst first; ``report.html#id`` opens one of them."""
    return _render(_material(audit), folder="")


def files(audit: Audit, name: str) -> Mapping[str, str]:
    """The page under its file `name` and, where it is too large for one file, its evidence in a folder beside it."""
    material = _material(audit)
    if sum(map(len, material.parts)) <= LARGEST:
        return {name: _render(material, folder="")}
    folder = f"{PurePath(name).stem}-evidence"
    # the parts come first: a page is written when all that it loads is there
    loaded = {f"{folder}/{number}.js": as_script(number, part) for number, part in enumerate(material.parts)}
    return {**loaded, name: _render(material, folder=folder)}


@dataclass(frozen=True)
class _Material:
    """An audit, ready to be put into a page."""

    audit: Audit
    results: list[Result]  #: in the order of the page
    parts: list[str]


def _material(audit: Audit) -> _Material:
    results = worst_first(audit.results)
    histories = case_histories(audit)
    whole = sampled(results, passes=PASSES)
    details = (
        detail(result, audit.run, past=histories.get(result.case.id), whole=position in whole)
        for position, result in enumerate(results)
    )
    return _Material(audit, results, parts(details))


def _render(material: _Material, *, folder: str) -> str:
    audit, results = material.audit, material.results
    style, script = _style(), _script()
    found = queues(audit, results)
    known = index(audit, results, queues=found) | {"perPart": PER_PART, "runs": past_runs(audit.history)}
    return (
        _environment()
        .get_template("report.html")
        .render(
            format=FORMAT,
            run=audit.run,
            seed=seeded(audit.run),
            baseline=audit.history.baseline if audit.history else None,
            sentence=_COUNT.sub("\\1\N{NO-BREAK SPACE}", headline(audit)),
            bound=_bound_sentence(audit),
            looked_back=audit.history is not None,
            earlier=audit.history.runs if audit.history else (),
            removed=removed(audit),
            surroundings=surroundings(audit),
            power=_power.sentence(audit),
            faults=_power.resolving_power(audit),
            outcomes=_power.ENDINGS,
            not_applicable=Catch.NOT_APPLICABLE,
            queues=found,
            rows=_rows(material),
            index=packed(known),
            parts=[] if folder else material.parts,
            folder=folder,
            style=style,
            script=script,
            style_hash=_hash(style),
            script_hash=_hash(script),
        )
    )


def _rows(material: _Material) -> Iterator[dict[str, Any]]:
    """The plain table."""
    histories = case_histories(material.audit)
    for result in material.results:
        past = histories.get(result.case.id)
        measures = result.verdict.measures
        yield {
            "id": _printable.one_line(result.case.id),
            "status": result.verdict.status,
            "change": past.change.value if past and past.change else "",
            "diagnosis": result.verdict.diagnosis or "",
            "message": result.verdict.message if result.verdict.status is not Status.PASS else "",
            "numbers": [
                _cell(measures.error_over_tolerance, ".2g"),
                _cell(measures.bound, ".1e"),
                _cell(float(measures.evaluations), ",.0f"),
                _cell(measures.duration_s, ".3f"),
            ],
        }


def _cell(value: float, style: str) -> str:
    """A number as a table shows it; a dash where nothing was measured."""
    if isnan(value):
        return "–"
    if isinf(value):
        return "∞" if value > 0 else "−∞"
    # 300 reads better than 3e2.
    text = f"{value:,.0f}" if 10 <= abs(value) < 1e5 else f"{value:{style}}"
    return _LONG_EXPONENT.sub(r"e\1", text)


def _bound_sentence(audit: Audit) -> str:
    """What the passes could have missed: a pass is only worth its bound."""
    bounds = [item.verdict.measures.bound for item in audit.results if item.verdict.status is Status.PASS]
    known = [bound for bound in bounds if isfinite(bound)]
    if not known:
        return ""
    sentence = f"No pass can have missed a relative error above {_rounded_up(max(known))}"
    unknown = len(bounds) - len(known)
    return sentence + (f", but for {unknown} without a bound." if unknown else ".")


def _rounded_up(value: float) -> str:
    """To two digits, of which nobody may say that they claim more than was found."""
    return number(float(Context(prec=2, rounding=ROUND_CEILING).create_decimal(repr(float(value)))), 2)


@cache
def _style() -> str:
    return _template("report.css")


@cache
def _script() -> str:
    return '"use strict";\n' + "\n".join(map(_template, _SCRIPTS))


def _template(name: str) -> str:
    return (resources.files("gradaudit.report") / "templates" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """A source expression of a content security policy (CSP level 2)."""
    return "sha256-" + b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        loader=FunctionLoader(_template),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: _printable.lines(value) if type(value) is str else value,
    )
    environment.filters["word"] = lambda status: _WORDS.get(status, str(status))
    return environment
