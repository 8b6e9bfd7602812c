"""One self-contained page for a reviewer: verdict first, a table to search, and the evidence of every case.

It asks the network for nothing. The table stands in the page and reads without JavaScript; the evidence is compressed
JSON in base64, which no user text can break out of, unpacked by a small script and shown as text nodes only. A content
security policy allows exactly this script and this style, by their hashes.

Format history: 1 — the first; the version stands in ``<meta name="gradaudit-format">``.
"""

import hashlib
import json
import re
import zlib
from base64 import b64encode
from functools import cache
from importlib import resources
from math import isfinite, isinf, isnan
from typing import TYPE_CHECKING, Any

from gradaudit.judge.verdict import Catch, Status
from gradaudit.record import Audit, Result
from gradaudit.report import _power, _printable
from gradaudit.report._detail import detail
from gradaudit.report._order import count_by_status, worst_first
from gradaudit.report.text import number, summary

if TYPE_CHECKING:
    from jinja2 import Environment

SUFFIX = ".html"
FORMAT = 1

_SCRIPTS = ("numbers.js", "curve.js", "case.js", "table.js", "main.js")
# Python pads exponents to two digits and signs them: 2e+05.
_LONG_EXPONENT = re.compile(r"e\+?(-?)0*(?=\d)")
# A number and its noun stay on one line.
_COUNT = re.compile(r"(\d) ")
# Where a long id may be broken over lines: before its axes, after a comma.
_BREAKS = re.compile(r"(?=\[)|(?<=,)")
_WORDS = {Status.XFAIL: "expected fail", Status.XPASS: "unexpected pass"}


def render(audit: Audit) -> str:
    """The page. Cases stand worst first; a case that is deep-linked (``report.html#id``) opens by itself."""
    results = worst_first(audit.results)
    style, script = _style(), _script()
    page = _environment().get_template("report.html")
    return page.render(
        format=FORMAT,
        run=audit.run,
        sentence=_COUNT.sub("\\1\N{NO-BREAK SPACE}", summary(audit)),
        bound=_bound_sentence(audit),
        power=_power.sentence(audit),
        faults=_power.resolving_power(audit),
        outcomes=_power.ENDINGS,
        not_applicable=Catch.NOT_APPLICABLE,
        counts=count_by_status(audit),
        rows=[_row(result) for result in results],
        payload=_payload([detail(result, audit.run) for result in results]),
        style=style,
        script=script,
        style_hash=_hash(style),
        script_hash=_hash(script),
    )


def _row(result: Result) -> dict[str, Any]:
    case, verdict, measures = result.case, result.verdict, result.verdict.measures
    id_ = _printable.one_line(case.id)  # before it becomes a link, which cannot encode a lone surrogate
    return {
        "id": id_,
        "id_parts": _BREAKS.split(id_),
        "status": verdict.status,
        "diagnosis": verdict.diagnosis or "",
        "message": verdict.message,
        "engine": verdict.engine,
        "owner": case.owner or "",
        "tags": case.tags,
        "numbers": [
            _cell(measures.error_over_tolerance, ".2g"),
            _cell(measures.bound, ".1e"),
            _cell(float(measures.evaluations), ",.0f"),
            _cell(measures.duration_s, ".3f"),
        ],
    }


def _cell(value: float, style: str) -> tuple[str, str]:
    """A number as a table shows it and as it is sorted; a dash where nothing was measured."""
    if isnan(value):
        return "–", ""
    if isinf(value):
        return "∞", str(value).replace("inf", "Infinity")
    # 300 reads better than 3e2.
    text = f"{value:,.0f}" if 10 <= abs(value) < 1e5 else f"{value:{style}}"
    return _LONG_EXPONENT.sub(r"e\1", text), f"{value:.4g}"


def _bound_sentence(audit: Audit) -> str:
    """What the passes could have missed: a pass is only worth its bound."""
    bounds = [item.verdict.measures.bound for item in audit.results if item.verdict.status is Status.PASS]
    known = [bound for bound in bounds if isfinite(bound)]
    if not known:
        return ""
    sentence = f"No pass can have missed a relative error above {number(max(known), 2)}"
    unknown = len(bounds) - len(known)
    return sentence + (f", but for {unknown} without a bound." if unknown else ".")


def _payload(details: list[dict[str, Any]]) -> str:
    """Raw deflate in base64, as `DecompressionStream("deflate-raw")` reads it. Equal details give equal bytes."""
    text = json.dumps(details, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    deflate = zlib.compressobj(level=9, wbits=-15)
    return b64encode(deflate.compress(text.encode("utf-8")) + deflate.flush()).decode("ascii")


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
