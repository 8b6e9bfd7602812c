"""JUnit XML, as Jenkins and GitLab read it: a test case a case.

``fail`` and ``xpass`` are failures; ``error``, ``timeout`` and ``crash`` are errors; ``inconclusive`` and ``xfail`` are
skipped, with their reason. The report's own version stands in the suite's property ``gradaudit.format``.

Format history: 1 — the first.
"""

from math import isfinite, isnan
from xml.etree import ElementTree

from gradaudit.judge.verdict import Status
from gradaudit.report import _printable
from gradaudit.report.text import number, seeds
from gradaudit.running.record import Audit, Result

SUFFIX = ".junit.xml"
FORMAT = 1

_OUTCOME = {
    Status.FAIL: "failure",
    Status.XPASS: "failure",
    Status.ERROR: "error",
    Status.TIMEOUT: "error",
    Status.CRASH: "error",
    Status.INCONCLUSIVE: "skipped",
    Status.XFAIL: "skipped",
}


def render(audit: Audit) -> str:
    """The document, with an XML declaration; characters that XML 1.0 forbids are written as escapes."""
    root = ElementTree.Element("testsuites", {"name": "gradaudit"} | _totals(audit))
    suite = ElementTree.SubElement(root, "testsuite", _suite_attributes(audit))
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in (("gradaudit.format", FORMAT), ("run", audit.run.id), ("seed", seeds(audit.run))):
        ElementTree.SubElement(properties, "property", name=name, value=_line(str(value)))
    for result in audit.results:
        _test_case(suite, audit.run.suite, result)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _suite_attributes(audit: Audit) -> dict[str, str]:
    run = audit.run
    return {"name": _line(run.suite), "timestamp": _line(run.started)} | _totals(audit)


def _totals(audit: Audit) -> dict[str, str]:
    outcomes = [_OUTCOME.get(result.verdict.status, "") for result in audit.results]
    return {
        "tests": str(len(outcomes)),
        "failures": str(outcomes.count("failure")),
        "errors": str(outcomes.count("error")),
        "skipped": str(outcomes.count("skipped")),
        "time": _seconds(audit.run.duration_s),
    }


def _test_case(suite: ElementTree.Element, name: str, result: Result) -> None:
    case, verdict = result.case, result.verdict
    attributes = {
        "name": _line(case.id),
        "classname": _line(f"{name}.{case.name}"),
        "time": _seconds(verdict.measures.duration_s),
    }
    # GitLab links a failure to `file`; our places are file:line:col.
    if case.place:
        attributes["file"] = _line(case.place.rsplit(":", 2)[0])
    entry = ElementTree.SubElement(suite, "testcase", attributes)
    if outcome := _OUTCOME.get(verdict.status):
        kind = str(verdict.diagnosis or verdict.status)
        message = _line(verdict.message or verdict.status)
        ElementTree.SubElement(entry, outcome, type=kind, message=message).text = _printable.lines(_body(result))
    if verdict.printed:
        ElementTree.SubElement(entry, "system-out").text = _printable.lines(verdict.printed)


def _body(result: Result) -> str:
    """What a reader of the CI page needs without opening the report."""
    verdict, measures = result.verdict, result.verdict.measures
    numbers = (("error_over_tolerance", measures.error_over_tolerance), ("bound", measures.bound))
    measured = ", ".join(f"{name} {number(value)}" for name, value in numbers if not isnan(value))
    evidence = "" if verdict.evidence in verdict.message else verdict.evidence
    return "\n".join(filter(None, (verdict.message, evidence, measured, *verdict.notes, verdict.traceback)))


def _line(text: str) -> str:
    return _printable.one_line(text)


def _seconds(value: float) -> str:
    return f"{value:.6f}" if isfinite(value) else "0"
