"""The CSV tables keep every digit, one line a row, and never hand a formula to a spreadsheet."""

import csv
import io
from dataclasses import replace

import pytest
from report_audit import CASE, FAILED, RUN, literal_audit

from gradaudit.judge.verdict import Measures
from gradaudit.report import csv as tables
from gradaudit.running.record import Audit, Result


def _rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def _audit(**changes: object) -> Audit:
    return Audit(RUN, (Result(replace(CASE, **changes), FAILED),))  # type: ignore[arg-type]


def test_a_row_a_case_in_plan_order() -> None:
    ids = [row["id"] for row in _rows(tables.render(literal_audit()))]
    assert ids[:3] == ["losses.huber[n=33]", "plain.pass", "plain.inconclusive"]
    assert len(ids) == len(literal_audit().results)


def test_measures_stand_under_the_names_of_the_contract() -> None:
    row = _rows(tables.render(_audit()))[0]
    assert {name: row[name] for name in ("status", "diagnosis", "error_over_tolerance", "bound", "evaluations")} == {
        "status": "fail",
        "diagnosis": "one element wrong",
        "error_over_tolerance": "9.8",
        "bound": "0.00031",
        "evaluations": "412",
    }
    assert {"max_abs_error", "max_rel_error", "uncertainty", "h_best", "slope", "duration_s"} <= set(row)


def test_the_axes_of_the_matrix_are_one_cell() -> None:
    assert _rows(tables.render(_audit(axes=(("n", 33), ("dtype", "float32")))))[0]["axes"] == "n=33, dtype=float32"


def test_floats_round_trip() -> None:
    value = 0.1 + 0.2
    audit = Audit(RUN, (Result(CASE, replace(FAILED, measures=Measures(bound=value))),))
    assert float(_rows(tables.render(audit))[0]["bound"]) == value


def test_nan_and_infinity_are_words_that_readers_know() -> None:
    measures = Measures(float("nan"), float("inf"), float("-inf"))
    row = _rows(tables.render(Audit(RUN, (Result(CASE, replace(FAILED, measures=measures)),))))[0]
    found = row["error_over_tolerance"], row["max_abs_error"], row["max_rel_error"]
    assert found == ("NaN", "Infinity", "-Infinity")
    assert float(found[2]) == float("-inf")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_text_cell_starts_a_formula(start: str) -> None:
    row = _rows(tables.render(_audit(owner=start + "SUM(A1)")))[0]
    assert row["owner"].startswith("'")
    assert row["owner"].endswith("SUM(A1)")


def test_a_negative_number_stays_a_number() -> None:
    rows = _rows(tables.elements(_audit()))
    assert rows[0]["analytic"] == "-0.4919214"


def test_a_row_is_one_line_whatever_the_text() -> None:
    lines = tables.render(literal_audit()).splitlines()
    assert len(lines) == 1 + len(literal_audit().results)


def test_elements_and_curves_carry_the_id_of_their_case() -> None:
    elements, curves = _rows(tables.elements(_audit())), _rows(tables.curves(_audit()))
    assert [row["input"] for row in elements] == ["x[3]", "x[0]"]
    assert {row["id"] for row in [*elements, *curves]} == {CASE.id}
    assert len(curves) == len(FAILED.curves)


@pytest.mark.parametrize("table", [tables.render, tables.elements, tables.curves])
def test_every_row_of_every_table_carries_the_format(table: object) -> None:
    rows = _rows(table(literal_audit()))  # type: ignore[operator]
    assert {row["format"] for row in rows} == {"1"}
