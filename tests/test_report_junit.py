"""The JUnit report is XML that a CI reads, with outcomes that a CI understands."""

from xml.etree import ElementTree

import pytest
from report_audit import literal_audit

from gradaudit.report import junit


@pytest.fixture
def cases() -> dict[str, ElementTree.Element]:
    root = ElementTree.fromstring(junit.render(literal_audit()))
    return {case.get("name", ""): case for case in root.iter("testcase")}


def test_totals_agree_with_the_cases() -> None:
    root = ElementTree.fromstring(junit.render(literal_audit()))
    for name, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert int(root.get(name, "")) == len(list(root.iter(tag)))


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("inconclusive", "skipped"),
        ("error", "error"),
        ("timeout", "error"),
        ("crash", "error"),
        ("xfail", "skipped"),
        ("xpass", "failure"),
    ],
)
def test_a_status_is_an_outcome(cases: dict[str, ElementTree.Element], status: str, outcome: str) -> None:
    found = cases[f"plain.{status}"].find(outcome)
    assert found is not None
    assert found.get("message") == f"this is {status}"


def test_a_pass_has_no_outcome(cases: dict[str, ElementTree.Element]) -> None:
    assert list(cases["plain.pass"]) == []


def test_a_failure_names_its_diagnosis_and_the_place_in_the_suite(cases: dict[str, ElementTree.Element]) -> None:
    case = cases["losses.huber[n=33]"]
    failure = case.find("failure")
    assert case.get("file") == "configs/suite.yaml"
    assert failure is not None
    assert failure.get("type") == "one element wrong"
    assert "32 of 33 elements agree" in (failure.text or "")
