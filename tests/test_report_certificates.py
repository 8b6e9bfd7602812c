"""What a certificate proves stands in every format: how, along how many directions, how probably, and what is left."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
from report_audit import CASE, FAILED, RUN, literal_audit

import gradaudit as ga
from gradaudit.judge.certificate import Certificate, Decade
from gradaudit.judge.verdict import Counts, Status
from gradaudit.report import _certificates, markdown
from gradaudit.report import csv as tables
from gradaudit.report import json as audit_json
from gradaudit.report._detail import detail
from gradaudit.running.record import Audit, Result

DECADES = (Decade(1, 900, 2e-7), Decade(-3, 100, 0.04))
PROVED = Certificate("vjp", 1000, 12, ("plain", "median"), 7, 1e-9, 3e-7, 2e-6, 900, 1e-3, DECADES)
VERDICT = replace(FAILED, status=Status.PASS, certificates=(PROVED, replace(PROVED, check="gradient")))
AUDIT = Audit(RUN, (Result(CASE, VERDICT),))


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_certificates_csv_is_a_row_a_certificate_and_decade():
    found = rows(tables.certificates(AUDIT))
    assert [(row["check"], row["decade"], row["largest_missable"]) for row in found] == [
        (check, decade, limit) for check in ("vjp", "gradient") for decade, limit in (("1", "2e-07"), ("-3", "0.04"))
    ]
    assert {(row["id"], row["method"], row["directions"], row["probability"], row["weights"]) for row in found} == {
        (CASE.id, "directions", "12", "1e-09", "plain, median")
    }


def test_results_csv_says_at_its_end_how_the_elements_were_looked_at():
    header = tables.render(AUDIT).splitlines()[0].split(",")
    assert header[-5:] == ["message", "method", "directions", "probability", "format"]
    one_by_one, broken = Result(CASE, FAILED), Result(CASE, replace(FAILED, counts=Counts()))
    found = rows(tables.render(Audit(RUN, (*AUDIT.results, one_by_one, broken))))
    told = [(row["method"], row["directions"], row["probability"]) for row in found]
    assert told == [("directions", "12", "2e-09"), ("elements", "", ""), ("", "", "")]


def test_a_claim_that_is_zero_everywhere_has_a_row_without_a_decade():
    nothing = Result(CASE, replace(VERDICT, certificates=(replace(PROVED, decades=()),)))
    (row,) = rows(tables.certificates(Audit(RUN, (nothing,))))
    assert (row["decade"], row["elements"], row["largest_missable"]) == ("", "1000", "NaN")


def test_markdown_has_a_line_for_each_certificate_and_none_without():
    text = markdown.render(AUDIT)
    assert "1e+1: 2e-07, 1e-3: 0.04" in text
    assert text.count("| 12 | 1e-09 |") == 2
    assert "certified" not in markdown.render(Audit(RUN, (Result(CASE, FAILED),)))


def test_markdown_lists_so_many_certificates_and_counts_the_rest():
    text = markdown.render(Audit(RUN, AUDIT.results * 20))
    assert text.count("| 12 | 1e-09 |") == markdown.CERTIFICATES
    assert f"and {40 - markdown.CERTIFICATES} more, in certificates.csv" in text


def test_json_carries_the_whole_certificate():
    (result,) = json.loads(audit_json.render(AUDIT))["results"]
    first = result["verdict"]["certificates"][0]
    assert (first["directions"], first["probability"]) == (12, 1e-9)
    assert [(one["exponent"], one["limit"]) for one in first["decades"]] == [(1, 2e-7), (-3, 0.04)]


def test_the_page_of_a_case_has_a_row_for_each_decade():
    found = detail(AUDIT.results[0], RUN)["certificates"]
    assert found[:2] == [["vjp", 12, 1e-9, "1e+1", 900, 2e-7], ["vjp", 12, 1e-9, "1e-3", 100, 0.04]]


def test_hostile_text_in_a_certificate_stays_text():
    assert "<script>" not in markdown.render(literal_audit())
    (row,) = rows(tables.certificates(literal_audit()))
    assert None not in row
    assert row["largest_missable"] == "Infinity"


def test_each_decade_says_what_would_have_been_seen():
    """An element of each decade is spoiled by more than its decade says can be left."""
    n = 3000
    size = np.repeat([100.0, 1.0, 1e-3], n // 3)
    x = np.random.default_rng(3).uniform(1.0, 1.9, n)

    def audited(spoil):
        def gradient(x):
            g = size * np.cosh(x)
            spoil(g)
            return g

        return ga.audit(lambda x: float((size * np.sinh(x)).sum()), x, gradient=gradient, elements={"directions": 6})

    verdict = audited(lambda g: None)
    assert verdict.status is Status.PASS
    for stratum in _certificates.strata(verdict):
        where = np.flatnonzero(np.floor(np.log10(size * np.cosh(x))) == stratum.decade)
        assert where.size == stratum.elements

        def spoil(g, where=where[0], left=stratum.largest_missable):
            g[where] *= 1 + 3 * max(left, 1e-5)

        assert audited(spoil).status is Status.FAIL
