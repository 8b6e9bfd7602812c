"""The published schemas: every file that is written satisfies its own, and a wrong one does not."""

import json
from dataclasses import replace

import pytest
from jsonschema import Draft202012Validator, ValidationError
from nights import kept, night, verdict
from report_audit import CASE, FAILED, HOSTILE, RUN

from gradaudit import cli, report
from gradaudit.history import compared
from gradaudit.judge.verdict import Status
from gradaudit.running.record import Audit, Result

HOSTILE_CASE = replace(CASE, id=HOSTILE, name=HOSTILE, owner=HOSTILE, env=((HOSTILE, HOSTILE),))
AUDIT = Audit(RUN, (Result(CASE, FAILED), Result(HOSTILE_CASE, replace(FAILED, id=HOSTILE, message=HOSTILE))))
COMPARED = replace(AUDIT, history=compared(AUDIT, night(0, verdict(Status.PASS), case=CASE)))


def validator(name):
    schema = report.schemas()[name]
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.mark.parametrize("audit", [AUDIT, COMPARED, night(0)], ids=["plain", "with history", "empty"])
def test_an_audit_satisfies_its_schema(audit):
    validator("audit").validate(json.loads(report.formats()[".json"].render(audit)))
    validator("run").validate(json.loads(report.formats()[".run.json"].render(audit)))


def test_every_line_of_results_satisfies_its_schema(tmp_path):
    kept(tmp_path, AUDIT)
    lines = (tmp_path / RUN.id / "results.jsonl").read_text().splitlines()
    assert len(lines) >= 3
    for line in lines:
        validator("results").validate(json.loads(line))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("run", "seed"), "3"),
        (("results", 0, "verdict", "status"), "passed"),
        (("results", 0, "verdict", "measures"), 3),
    ],
)
def test_what_is_not_as_written_is_refused(place, value):
    document = json.loads(report.formats()[".json"].render(AUDIT))
    *way, last = place
    inner = document
    for step in way:
        inner = inner[step]
    inner[last] = value
    with pytest.raises(ValidationError):
        validator("audit").validate(document)


@pytest.mark.parametrize("word", ["suite", "run", "audit", "results"])
def test_each_schema_is_printed_by_its_word(word, capsys):
    assert cli.invoke(["schema", word]) == 0
    Draft202012Validator.check_schema(json.loads(capsys.readouterr().out))
