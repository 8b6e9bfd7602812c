"""The Markdown summary shows what did not pass, worst first, and user text is never markup."""

import re

from report_audit import CASE, FAILED, RUN, literal_audit

from gradaudit.report import markdown
from gradaudit.running.record import Audit, Result


def _rows() -> list[str]:
    lines = markdown.render(literal_audit()).splitlines()
    return [line for line in lines if line.startswith("|")][2:]


def test_the_verdict_is_the_heading() -> None:
    assert markdown.render(literal_audit()).splitlines()[1].startswith("## 1 of 9 passes; 1 fails, 2 errors")


def test_failures_stand_first_and_passes_not_at_all() -> None:
    assert "losses.huber" in _rows()[0]
    assert not any("plain.pass" in row for row in _rows())


def test_every_row_has_five_cells_whatever_the_text() -> None:
    assert {row.count("|") for row in _rows()} == {6}


def test_user_text_holds_no_markup() -> None:
    for code in re.findall(r"<code>(.*?)</code>", markdown.render(literal_audit())):
        assert not re.search(r"[<>`*_@\[\]]", code)


def test_a_summary_keeps_within_its_limit_and_counts_what_it_leaves_out():
    many = Audit(RUN, tuple(Result(CASE, FAILED) for _ in range(500)))
    whole = markdown.render(many)
    cut = markdown.within(many, 20_000)
    assert len(cut.encode()) <= 20_000
    shown = cut.count("losses.huber")
    assert shown > 10
    assert f"… and {500 - shown} more, in the report." in cut
    assert markdown.within(many, len(whole.encode())) == whole
