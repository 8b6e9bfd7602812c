"""What the commands say on stdout: audits, cases and settings as text. It prints nothing."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from textwrap import indent

from gradaudit.judge.verdict import Status, Verdict
from gradaudit.plan.case import UNSAID, Case
from gradaudit.report import _power, formats, one_line, summary
from gradaudit.report._encoding import plain_number
from gradaudit.report._queues import ends_soon
from gradaudit.report._reproduce import command
from gradaudit.report._since import changes
from gradaudit.running.record import Audit, Result, Run
from gradaudit.suite.problem import Problem

LONGEST = 30  #: lines of a traceback, or of what was printed; the report has all of them
UNREMARKABLE = frozenset({Status.PASS, Status.XFAIL})

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_PLACE = re.compile(r"^(?P<file>.+?):(?P<line>\d+):(?P<column>\d+)$")


def full(audit: Audit) -> str:
    """Every case that needs attention with its evidence and how to run it again; the power and the summary last."""
    blocks = [_block(result, audit.run) for result in told_once(_remarkable(audit))]
    return "\n".join([*blocks, *_ending_lines(audit)])


def concise(audit: Audit) -> str:
    """Every case that needs attention on a line; the power and the summary last."""
    return "\n".join([*map(one_line, _remarkable(audit)), *_ending_lines(audit)])


def as_json(audit: Audit) -> str:
    """The whole audit as one JSON document."""
    text: str = formats()[".json"].render(audit)
    return text


def github(audit: Audit) -> str:
    """Annotations of a GitHub Actions log, at the place in the suite; the summary last."""
    return "\n".join([*map(_annotation, _remarkable(audit)), summary(audit), ""])


def quiet(audit: Audit) -> str:
    """Nothing: the exit status says it."""
    return ""


def coloured(text: str) -> str:
    """``text`` of any format above with the status words at the beginning of its lines in colour."""
    text = re.sub(r"^(FAIL|ERROR|CRASH|TIMEOUT|XPASS|MISSED)\b", "\x1b[1;31m\\1\x1b[0m", text, flags=re.MULTILINE)
    return re.sub(r"^(INCONCLUSIVE)\b", "\x1b[1;33m\\1\x1b[0m", text, flags=re.MULTILINE)


FORMATS: dict[str, Callable[[Audit], str]] = {
    "full": full,
    "concise": concise,
    "json": as_json,
    "github": github,
    "quiet": quiet,
}


def cases(planned: Sequence[Case]) -> str:
    """The id of each case on a line."""
    return "".join(f"{_safe(case.id)}\n" for case in planned)


def cases_json(planned: Sequence[Case]) -> str:
    """The cases as one JSON document, without their settings and values."""
    listed = [
        {
            "id": case.id,
            "name": case.name,
            "function": case.target.function,
            "claims": dict(case.target.claims),
            "engine": case.target.engine,
            "checks": case.checks,
            "axes": {axis: plain_number(value) for axis, value in case.axes},
            "point": case.point,
            "tags": case.tags,
            "owner": case.owner,
            "place": case.place,
        }
        for case in planned
    ]
    return json.dumps({"format": 1, "kind": "gradaudit list", "cases": listed}, indent=1) + "\n"


def configuration(rows: Sequence[tuple[str, object, str]]) -> str:
    """``key  value  origin`` in columns; words without quotes say what holds where the suite says nothing."""
    texts = [(key, _safe(_setting(key, value)), _safe(origin)) for key, value, origin in rows]
    widths = [max((len(row[column]) for row in texts), default=0) for column in (0, 1)]
    return "".join(f"{key:<{widths[0]}}  {value:<{widths[1]}}  {origin}\n" for key, value, origin in texts)


def _setting(key: str, value: object) -> str:
    return UNSAID.get(key, "null") if value is None else json.dumps(value, default=str, ensure_ascii=False)


def configuration_json(rows: Sequence[tuple[str, object, str]]) -> str:
    """The same as one JSON document."""
    listed = [{"key": key, "value": value, "origin": origin} for key, value, origin in rows]
    return json.dumps({"format": 1, "kind": "gradaudit config", "settings": listed}, indent=1, default=str) + "\n"


def told_once(results: Iterable[Result]) -> Iterator[Result]:
    """Of a traceback that several have, such as that of a module which cannot be imported, only the first."""
    first: dict[str, str] = {}
    for result in results:
        verdict = result.verdict
        by = first.setdefault(verdict.traceback, verdict.id)
        again = verdict.traceback and by != verdict.id
        yield replace(result, verdict=replace(verdict, traceback=f"that of {by}")) if again else result


def import_problem(verdict: Verdict, problem: Problem) -> str:
    """Why the functions of a case cannot be imported: the ``problem`` of the suite, then where it was raised."""
    lines = [str(problem)]
    lines += [indent(_ending(text), "    ") for text in (verdict.traceback, verdict.printed) if text.strip()]
    return _safe("\n".join(lines)) + "\n"


def _ending_lines(audit: Audit) -> list[str]:
    """What concerns the whole run: power, expectations that end soon, what changed since the baseline, the summary."""
    expiring = [
        f"expires soon: {result.case.id} is expected to {expect.status} until {expect.until}"
        + (f" ({expect.reason})" if expect.reason else "")
        for result in audit.results
        if (expect := result.case.expect) is not None and ends_soon(expect, date.today())
    ]
    baseline = audit.history and audit.history.baseline
    since = [f"since {baseline.id}: {told}"] if baseline and (told := ", ".join(changes(audit))) else []
    return [*_power.as_text(audit), *map(_safe, expiring), *since, summary(audit), ""]


def _remarkable(audit: Audit) -> list[Result]:
    return [result for result in audit.results if result.verdict.status not in UNREMARKABLE]


def told(result: Result, *, again: str) -> list[str]:
    """A case that needs attention: its line, then, indented, its evidence and the command that runs it ``again``."""
    return [one_line(result), *(indent(text, "    ") for text in (*_details(result), f"again: {_safe(again)}"))]


def _block(result: Result, run: Run) -> str:
    return "\n".join([*told(result, again=command(result.case, run)), ""])


def _details(result: Result) -> Iterator[str]:
    verdict, case = result.verdict, result.case
    told = [f"{verdict.diagnosis}: {verdict.evidence}"] if verdict.evidence not in verdict.message else []
    yield from (_safe(line) for line in (*told, *verdict.notes))
    for title, text in (("traceback", verdict.traceback), ("printed", verdict.printed)):
        if text.strip() not in verdict.message:
            yield f"{title}:\n{indent(_ending(_safe(text)), '  ')}"
    if case.place and case.place not in verdict.message:
        yield f"at {_safe(case.place)}"


def _ending(text: str) -> str:
    lines = text.rstrip().splitlines()
    return "\n".join(lines if len(lines) <= LONGEST else ["…", *lines[-LONGEST:]])


def _safe(text: str) -> str:
    """``text`` with control characters escaped, so that no user text can steer the terminal; lines stay lines."""
    plain = text.encode("utf-8", errors="backslashreplace").decode("utf-8")
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", plain.replace("\r\n", "\n"))


def _annotation(result: Result) -> str:
    level = "warning" if result.verdict.status is Status.INCONCLUSIVE else "error"
    properties = {**_annotated_place(result), "title": f"{result.verdict.status} {result.verdict.id}"}
    listed = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{level} {listed}::{_message(one_line(result))}"


def _annotated_place(result: Result) -> dict[str, str]:
    """Where the claim is written, else the function, where that is in the repository; else where the suite says so."""
    inside = [source for source in result.verdict.sources if source.file and not Path(source.file).is_absolute()]
    if inside:
        return {"file": inside[-1].file, "line": str(inside[-1].line)}
    found = _PLACE.match(result.case.place)
    return {"file": found["file"], "line": found["line"], "col": found["column"]} if found else {}


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(_safe(text)).replace(":", "%3A").replace(",", "%2C")
