"""What every report says about the self-test of power, and that it says nothing where there was none."""

import csv
import io
import json
import re
from dataclasses import replace
from math import nan
from pathlib import Path

import pytest
from report_audit import CASE, RUN
from report_page import details

from gradaudit import terminal
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.verdict import Catch, Planted, Status, Verdict
from gradaudit.report import _codec, html, jsonl, markdown, read_stored, run_json
from gradaudit.report import csv as tables
from gradaudit.report._power import LONGEST, as_text, resolving_power, sentence
from gradaudit.running.record import Audit, Result

ZERO = Planted("vjp", "all zero", Catch.CAUGHT, 1e5, "d out/d x[3]", Diagnosis.ZERO, 45)
SMALL = Planted("vjp", "0.1 % too large", Catch.MISSED, 0.4, "d out/d x[3]", None, 51)
EQUAL = Planted("vjp", "two elements swapped", Catch.NOT_APPLICABLE)
UNCLEAR = Planted("vjp", "0.1 % too large", Catch.UNDECIDED, 2.0, "d out/d x[1]", Diagnosis.NOISE, 60)
AGAINST = Planted("vjp", "0.1 % too large", Catch.MISSED, 1.5, "d out/d x[0]", None, 51)


def audit(*power: tuple[Planted, ...]) -> Audit:
    verdicts = [Verdict(f"case {k}", Status.PASS, power=planted) for k, planted in enumerate(power)]
    return Audit(RUN, tuple(Result(replace(CASE, id=one.id), one) for one in verdicts))


TESTED = audit((ZERO, SMALL, EQUAL), (ZERO, UNCLEAR, EQUAL))
UNTESTED = audit((), ())


def test_the_table_counts_by_fault_and_shares_leave_out_what_was_not_applicable() -> None:
    zero, small, swapped = resolving_power(TESTED)
    assert (zero.fault, zero.applicable, zero.share(Catch.CAUGHT)) == ("all zero", 2, "100.0 %")
    assert (small.share(Catch.MISSED), small.share(Catch.UNDECIDED)) == ("50.0 %", "50.0 %")
    assert (swapped.applicable, swapped.outcomes[Catch.NOT_APPLICABLE], swapped.share(Catch.CAUGHT)) == (0, 2, "–")


def test_misses_below_the_bound_are_told_from_those_against_it() -> None:
    missed = "missed (none above the bound of its pass)"
    assert (
        sentence(TESTED) == f"Of 4 known faults planted into claims that pass, 2 were caught, 1 {missed}, 1 undecided."
    )
    assert "1 missed (1 against the bound of the pass)" in sentence(audit((AGAINST,)))


def test_the_terminal_names_the_cases_that_missed_a_fault_above_their_bound() -> None:
    lines = as_text(audit((ZERO, SMALL), (ZERO, AGAINST)))
    (named,) = [line for line in lines if line.startswith("MISSED")]
    assert named == ("MISSED case 1  0.1 % too large in vjp: 1.5 times what its bound says would fail, at d out/d x[0]")


def test_a_flood_of_contradictions_is_cut_and_says_where_the_rest_is() -> None:
    lines = as_text(audit(*[(AGAINST,)] * (LONGEST + 3)))
    assert sum(line.startswith("MISSED") for line in lines) == LONGEST
    assert "… and 3 more; power.csv has all of them" in lines


@pytest.mark.parametrize("style", ["full", "concise"])
def test_the_summary_stays_the_last_line(style: str) -> None:
    text = terminal.FORMATS[style](TESTED)
    assert "planted fault" in text
    assert text.endswith("\n2 of 2 pass\n")


def test_power_csv_is_a_row_a_case_and_fault() -> None:
    rows = list(csv.DictReader(io.StringIO(tables.power(TESTED))))
    assert [(row["id"], row["fault"], row["outcome"]) for row in rows][:2] == [
        ("case 0", "all zero", "caught"),
        ("case 0", "0.1 % too large", "missed"),
    ]
    assert len(rows) == 6
    assert (rows[0]["error_over_bound"], rows[0]["diagnosis"], rows[0]["evaluations"]) == (
        "100000.0",
        "zero or detached",
        "45",
    )
    assert {row["format"] for row in rows} == {"1"}


def test_run_json_counts_every_outcome_of_every_fault() -> None:
    power = json.loads(run_json.render(TESTED))["power"]
    assert power["0.1 % too large"] == {"caught": 0, "missed": 1, "undecided": 1, "not applicable": 0}
    assert list(power) == ["all zero", "0.1 % too large", "two elements swapped"]


def test_the_page_shows_the_table_and_each_case_its_faults() -> None:
    page = html.render(TESTED)
    assert "Resolving power: Of 4 known faults" in page
    assert re.search(r"<td>all zero</td><td class=\"number\">2 <small>100.0 %</small></td>", page)
    assert details(page)[0]["power"][:2] == [
        ["vjp", "all zero", "caught", 100000.0, "zero or detached"],
        ["vjp", "0.1 % too large", "missed", 0.4, ""],
    ]


def test_the_page_says_of_a_case_that_it_missed_against_its_bound() -> None:
    assert details(html.render(audit((AGAINST,))))[0]["power"][0][2] == "missed, against its bound"


def test_the_summary_for_a_pull_request_has_the_sentence() -> None:
    assert sentence(TESTED) in markdown.render(TESTED)


def test_without_a_self_test_no_report_speaks_of_it() -> None:
    assert (as_text(UNTESTED), sentence(UNTESTED)) == ([], "")
    assert "Resolving power" not in html.render(UNTESTED)
    assert "power" not in json.loads(run_json.render(UNTESTED))
    assert "known faults" not in markdown.render(UNTESTED)


def test_planted_faults_come_back_from_the_results_file_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    path.write_text(jsonl.render(TESTED))
    again = read_stored(path).audit().results
    assert repr(again) == repr(TESTED.results)  # by repr: what was not applicable has NaN in it
    assert again[0].verdict.power[0].outcome is Catch.CAUGHT


def test_results_of_before_the_self_test_are_read_without_it() -> None:
    stored = json.loads(_codec.dumps(UNTESTED.results[0].verdict))
    del stored["power"]
    assert _codec.from_plain(Verdict, stored).power == ()


def test_nothing_measured_is_no_contradiction() -> None:
    assert not replace(EQUAL, outcome=Catch.MISSED, error_over_bound=nan).contradicts_bound
