"""The report in a real browser: what a reviewer does with it, by key, by click, by link, without a network."""

from collections.abc import Iterator
from dataclasses import replace
from math import nan
from pathlib import Path
from urllib.parse import quote

import pytest
from browser import CHROMIUM, Browser, browser
from report_audit import CASE, RUN, large_audit, literal_audit

from gradaudit.judge.verdict import CurvePoint, Element, Heat, Status, Verdict
from gradaudit.report import command, html, render
from gradaudit.running.record import Audit, Before, CaseHistory, Change, History, PastEnd, PastRun, Result

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium on the path to drive the page")

SHOWN = "[...document.querySelectorAll('#cases tbody tr[data-i] a')].map((a) => a.textContent)"
OPENED = "document.querySelector('#case h2')?.textContent"


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one report of each kind."""
    folder = tmp_path_factory.mktemp("reports")
    render(literal_audit(), folder / "literal.html")
    render(_night(), folder / "night.html")
    render(large_audit(5000), folder / "large.html")
    return folder


@pytest.fixture
def literal(chromium: Browser, pages: Path) -> Browser:
    chromium.size(1400, 900)
    chromium.open(pages / "literal.html", address="#&queue=all")
    return chromium


@pytest.fixture
def night(chromium: Browser, pages: Path) -> Browser:
    chromium.size(1700, 1000)
    chromium.open(pages / "night.html")
    return chromium


def _night() -> Audit:
    """A failing case with a map, two curves and a past, beside two that pass in a matrix."""
    elements = tuple(
        Element("vjp", status, "out", f"x[{k}]", 1.0, 2.0, 2.0 - error, 1e-9, 1e-5, error / 1e-5, 1e-3)
        for k, status, error in ((2, Status.FAIL, 0.5), (0, Status.PASS, 1e-8))
    )
    curves = tuple(
        CurvePoint("vjp", "out", item.input, 10.0**-k, 2.0, abs(item.analytic - item.numeric) + 10.0 ** (-2 * k), 1e-12)
        for item in elements
        for k in range(1, 8)
    )
    heat = Heat("vjp", "x", (4,), 4, (1, 1), (1e-3, 1e-5, 5e4, 1e-4))
    failed = Verdict(CASE.id, Status.FAIL, message="apart", elements=elements, curves=curves, heat=(heat,))
    passed = [Verdict(f"ops.square[n={n}]", Status.PASS) for n in (1, 2)]
    cases = [CASE, *(replace(CASE, id=one.id, name="ops.square", axes=(("n", one.id[-2]),)) for one in passed)]
    run = PastRun("20261122-001500-000000", "2026-11-22T00:15:00+00:00", "feedbeef" * 5)
    before = Before(Status.PASS, None, 1e-4, tuple(replace(point, error=1e-9) for point in curves[:7]))
    first = CaseHistory(CASE.id, Change.NEW, before, (PastEnd(run.id, Status.PASS, 1e-4),), run, run, ("gradient",))
    baseline = replace(RUN, id=run.id, versions={**RUN.versions, "numpy": "2.0.0"})
    results = tuple(map(Result, cases, [failed, *passed]))
    return Audit(RUN, results, History(baseline, (run,), (first,)))


def test_the_page_asks_for_nothing_and_nothing_of_the_user_s_runs(literal: Browser, pages: Path) -> None:
    literal.press("j")
    literal.wait(f"{OPENED}?.startsWith('</script>')")
    assert literal.requests == [(pages / "literal.html").as_uri()]
    assert literal.problems == []
    assert "owned" not in literal.ask("document.title")
    assert literal.ask("document.images.length") == 0


def test_the_first_queue_is_open_on_its_worst_case_with_its_curve_and_how_to_reproduce_it(
    chromium: Browser, pages: Path
) -> None:
    chromium.size(1400, 900)
    chromium.open(pages / "literal.html")
    assert chromium.ask("document.querySelector('[data-queue][aria-pressed=true]').dataset.queue") == "fail"
    assert chromium.ask(OPENED) == CASE.id
    assert chromium.ask("document.querySelectorAll('#case .error-dot').length") == 9
    assert chromium.ask("document.querySelector('#case .command code').textContent") == command(CASE, RUN)


def test_keys_walk_through_the_cases_and_the_address_follows(literal: Browser) -> None:
    literal.press("j")
    literal.wait(f"{OPENED} !== {CASE.id!r}")
    second = literal.ask(OPENED)
    assert literal.ask("location.hash").startswith("#" + quote(second[:8], safe=""))
    literal.press("k")
    literal.wait(f"{OPENED} === {CASE.id!r}")
    literal.press("k")
    assert literal.ask(OPENED) == CASE.id


def test_the_slash_leads_to_the_filter_and_enter_to_its_first_case(literal: Browser) -> None:
    literal.press("/", *"crash", "Enter")
    literal.wait(f"{OPENED} === 'plain.crash'")
    assert "filter=crash" in literal.ask("location.hash")
    literal.press("/", "Escape")
    assert len(literal.ask(SHOWN)) == 9


def test_the_question_mark_explains_keys_and_filters(literal: Browser) -> None:
    literal.press("?")
    assert literal.ask("document.getElementById('help').open")
    literal.press("Escape")
    assert not literal.ask("document.getElementById('help').open")


def test_brackets_walk_through_the_queues(literal: Browser) -> None:
    literal.press("[")
    literal.wait(f"{OPENED} === 'plain.xfail'")
    assert literal.ask(SHOWN) == ["plain.xfail"]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("s:error !plain", 1),
        ("@numba", 1),
        ("tag:fast owner:optim", 1),
        ("d:element", 1),
        ("s:expected", 1),
        ("!plain", 2),
        ("slow", 0),
        ("nothing is called so", 0),
    ],
)
def test_the_filter_knows_its_words(literal: Browser, text: str, left: int) -> None:
    literal.ask(f"choose({{ filter: {text!r} }})")
    assert len(literal.ask(SHOWN)) == left
    assert literal.ask("document.getElementById('shown').textContent") == f"{left} of 9"
    assert literal.ask("document.getElementById('none').hidden") is (left > 0)


def test_columns_sort_both_ways_and_a_third_click_returns_to_worst_first(literal: Browser) -> None:
    worst_first = literal.ask(SHOWN)
    literal.click("th[data-key=id] button")
    assert literal.ask("document.querySelector('th[data-key=id]').getAttribute('aria-sort')") == "ascending"
    ascending = literal.ask(SHOWN)
    literal.click("th[data-key=id] button")
    assert literal.ask(SHOWN) == ascending[::-1]
    literal.click("th[data-key=id] button")
    assert literal.ask(SHOWN) == worst_first
    assert ascending.index("plain.crash") < ascending.index("plain.pass") < ascending.index("plain.xpass")


def test_numbers_sort_largest_first(literal: Browser) -> None:
    literal.click("th[data-key=error] button")
    assert literal.ask(SHOWN)[1] == CASE.id  # after one that is infinite
    literal.click("th[data-key=error] button")
    assert literal.ask(SHOWN)[0] == CASE.id


@pytest.mark.parametrize("order", ["error", "-error"])
def test_what_has_no_number_stands_last_either_way(chromium: Browser, pages: Path, order: str) -> None:
    chromium.open(pages / "large.html", address=f"#&queue=all&sort={order}")
    errors = chromium.ask("items.map((row) => row.error)")
    known = [error for error in errors if error is not None]
    assert errors[len(known) :] == [None] * 3
    assert known == sorted(known, reverse=order.startswith("-"))


def test_cases_are_grouped_on_demand(literal: Browser) -> None:
    literal.ask("choose({ group: 'status' })")
    headings = literal.ask("[...document.querySelectorAll('.group b')].map((one) => one.textContent)")
    assert headings[:2] == ["fail", "error"]
    assert len(headings) == 8
    assert len(literal.ask(SHOWN)) == 9


def test_a_link_opens_its_case_in_a_queue_that_has_it(chromium: Browser, pages: Path) -> None:
    chromium.open(pages / "literal.html", address="#plain.crash")
    assert chromium.ask(OPENED) == "plain.crash"
    assert chromium.ask("document.querySelector('#cases [aria-current] a').textContent") == "plain.crash"
    chromium.ask("location.hash = '#plain.timeout'")
    chromium.wait(f"{OPENED} === 'plain.timeout'")


def test_a_link_keeps_queue_filter_order_group_and_view(chromium: Browser, pages: Path) -> None:
    address = "#&queue=all&filter=plain&sort=-id&group=status"
    chromium.open(pages / "literal.html", address=address)
    assert chromium.ask("document.getElementById('filter').value") == "plain"
    assert chromium.ask("document.querySelector('th[data-key=id]').getAttribute('aria-sort')") == "descending"
    assert chromium.ask("document.querySelectorAll('.group').length") == 7
    assert chromium.ask("location.hash") == address


def test_a_click_on_a_row_opens_its_case(literal: Browser) -> None:
    literal.ask(
        "[...document.querySelectorAll('#cases a')].find((a) => a.textContent === 'plain.pass').closest('tr').click()"
    )
    literal.wait(f"{OPENED} === 'plain.pass'")
    assert literal.wait("document.activeElement.id === 'case'")


def test_marked_text_keeps_no_key_from_opening_a_case_and_loses_no_filter(chromium: Browser, pages: Path) -> None:
    chromium.size(1400, 900)
    chromium.open(pages / "literal.html", address="#&queue=all&filter=plain")
    chromium.ask("getSelection().selectAllChildren(document.querySelector('h1'))")
    chromium.ask("document.querySelector('#cases a').focus({ preventScroll: true })")
    chromium.press("Enter")
    chromium.wait("location.hash.startsWith('#plain')")
    assert chromium.ask("location.hash") == "#plain.error&queue=all&filter=plain"


def test_escape_leads_from_a_case_back_to_its_row(literal: Browser) -> None:
    literal.ask("document.querySelectorAll('#cases a')[3].focus()")
    row = literal.ask("document.activeElement.textContent")
    literal.press("Enter")
    literal.wait("document.activeElement.id === 'case'")
    literal.press("Escape")
    assert literal.ask("document.activeElement.textContent") == row


# Thousands of cases


def test_of_thousands_of_cases_only_those_in_sight_are_drawn(chromium: Browser, pages: Path) -> None:
    chromium.size(1400, 900)
    chromium.open(pages / "large.html", address="#&queue=all")
    assert chromium.ask("document.getElementById('shown').textContent") == "5000 of 5000"
    assert len(chromium.ask(SHOWN)) < 100
    chromium.ask("document.querySelector('.list .scroll').scrollTop = 1e9")
    chromium.wait(f"({SHOWN}).includes(rows[4999].id)")
    assert len(chromium.ask(SHOWN)) < 100


def test_keys_keep_the_case_in_sight(chromium: Browser, pages: Path) -> None:
    chromium.size(1400, 900)
    chromium.open(pages / "large.html", address="#&queue=all")
    chromium.press(*"j" * 60)
    place = "document.querySelector('#cases [aria-current]')?.getBoundingClientRect().bottom"
    chromium.wait("document.querySelector('#cases [aria-current]')?.dataset.i === '60'")
    assert 0 < chromium.ask(place) <= 900
    head = chromium.ask("document.querySelector('#cases thead').getBoundingClientRect().bottom")
    chromium.press(*"k" * 55)
    chromium.wait("document.querySelector('#cases [aria-current]')?.dataset.i === '5'")
    assert head < chromium.ask(place) <= 900


def test_a_link_into_thousands_scrolls_to_its_case(chromium: Browser, pages: Path) -> None:
    chromium.size(1400, 900)
    chromium.open(pages / "large.html", address="#&queue=all")
    id_ = chromium.ask("rows[3000].id")
    chromium.open(pages / "large.html", address=f"#{quote(id_, safe='')}&queue=all")
    assert chromium.ask(OPENED) == id_
    assert 0 < chromium.ask("document.querySelector('#cases [aria-current]').getBoundingClientRect().top") < 900


def test_print_has_every_row(chromium: Browser, pages: Path) -> None:
    chromium.open(pages / "large.html", address="#&queue=all")
    chromium.ask("dispatchEvent(new Event('beforeprint'))")
    assert len(chromium.ask(SHOWN)) == 5000
    chromium.ask("dispatchEvent(new Event('afterprint'))")
    assert len(chromium.ask(SHOWN)) < 100


def test_a_sampled_pass_says_that_its_evidence_stands_elsewhere(chromium: Browser, pages: Path) -> None:
    chromium.open(pages / "large.html", address="#&queue=all")
    id_ = chromium.ask("rows[4998].id")
    chromium.open(pages / "large.html", address=f"#{quote(id_, safe='')}")
    assert "elements.csv and curves.csv beside it hold the rest" in chromium.ask("article.textContent")


def test_a_link_in_a_view_leaves_the_view_where_it_is(chromium: Browser, pages: Path) -> None:
    chromium.size(1400, 900)
    chromium.open(pages / "large.html", address="#&queue=all&view=matrix")
    chromium.ask("document.querySelector('.list .scroll').scrollTop = 300")
    chromium.ask("document.querySelector('#overview').querySelectorAll('a')[500].click()")
    chromium.wait("document.activeElement.id === 'case'")
    assert chromium.ask("document.querySelector('.list .scroll').scrollTop") == 300


# One case


def test_a_cell_of_the_map_chooses_its_element_and_that_its_curve(night: Browser) -> None:
    assert night.ask("document.querySelectorAll('.heat rect').length") == 4
    night.ask("document.querySelector('[data-cell=\"0\"]').dispatchEvent(new MouseEvent('click', { bubbles: true }))")
    assert night.ask("document.querySelector('tbody.chosen .element').textContent") == "d out/d x[0]"
    assert night.ask("document.querySelector('.tabs [aria-pressed=true]').textContent") == "vjp: d out/d x[0]"
    night.ask("document.querySelector('[data-cell=\"3\"]').dispatchEvent(new MouseEvent('click', { bubbles: true }))")
    assert "x[3] is not among the worst elements." in night.ask("article.textContent")


def test_an_element_of_the_table_is_marked_in_the_map(night: Browser) -> None:
    night.click(".element")
    assert night.ask("document.querySelector('.heat .marked').dataset.cell") == "2"


def test_the_last_run_is_drawn_under_its_curve_and_what_was_before_is_said(night: Browser) -> None:
    assert night.ask("document.querySelectorAll('.before-line').length") == 1
    said = night.ask("document.querySelector('.since').textContent")
    assert ": was pass" in said
    assert "its gradient changed since" in said
    assert night.ask("document.querySelectorAll('.trend .end').length") == 2
    text = night.ask("article.textContent")
    assert "First bad: 20261122-001500-000000, of 2026-11-22, commit feedbeeffe" in text
    assert "Surroundings that changed" in text


def test_a_case_that_only_ever_raised_has_a_row_of_runs_and_no_curve_of_them(night: Browser) -> None:
    for error, drawn in (("'NaN'", 0), ("2.0", 1)):
        section = f"pastRuns({{ ends: [['r', 'error', {error}]] }}, {{ status: 'error' }})[0]"
        assert night.ask(f"{section}.querySelectorAll('.trend').length") == drawn
        assert night.ask(f"{section}.querySelectorAll('tbody tr').length") == 2


@pytest.mark.parametrize(("before", "same"), [("'NaN'", True), ("1.001", False), ("3", False)])
def test_a_claim_that_was_not_finite_before_either_has_the_same_curve(night: Browser, before: str, same: bool) -> None:
    assert night.ask(f"sameCurve([[1e-3, 'NaN', 1e-9]], [[1e-3, {before}, 1e-9]])") is same
    assert night.ask("sameCurve([[1e-3, 1.0, 1e-9]], [[1e-3, 1.001, 1e-9]])") is True


def test_both_sides_stand_digit_under_digit_as_far_as_the_error_bar_reaches(night: Browser) -> None:
    assert night.ask("alike(-0.4919214, -0.4919165, 7e-8).join()") == "-0.491921400,-0.491916500"
    assert night.ask("alike(1e-7, 2, 1e-3).join()") == "0.00000,2.00000"
    assert night.ask("alike(0, 0, 1e-12).join()") == "0,0"
    assert night.ask("alike('NaN', 2, 'NaN').join()") == "NaN,2"


def test_no_number_breaks_after_the_sign_of_its_exponent(night: Browser) -> None:
    assert night.ask("document.querySelector('.curve output .unbroken').textContent") == "1e-5"


@pytest.mark.parametrize(
    ("analytic", "said"),
    [(nan, "The claim is not finite: no difference is near it."), (1.0, "No step gave a finite difference.")],
)
def test_a_curve_without_a_finite_error_says_which_side_is_not(
    chromium: Browser, tmp_path: Path, analytic: float, said: str
) -> None:
    element = Element("vjp", Status.FAIL, "out", "x[0]", 1.0, analytic, nan, 1e-9, 1e-5, nan, 1e-3)
    points = tuple(CurvePoint("vjp", "out", "x[0]", 10.0**-k, 2.0, nan, 1e-12) for k in range(1, 4))
    verdict = Verdict(CASE.id, Status.FAIL, elements=(element,), curves=points)
    render(Audit(RUN, (Result(CASE, verdict),)), tmp_path / "nan.html")
    chromium.open(tmp_path / "nan.html")
    assert chromium.ask("document.querySelector('.curve output').textContent") == said


def test_a_copy_button_says_that_it_copied(night: Browser) -> None:
    night.click(".command button")
    assert night.wait("['Copied', 'Selected'].includes(document.querySelector('.command button').textContent)")


# All cases


def test_the_matrix_shows_each_combination_and_leads_to_its_case(night: Browser) -> None:
    night.ask("choose({ queue: 'all', view: 'matrix' })")
    cells = night.ask("[...document.querySelectorAll('#overview .flow small')].map((one) => one.textContent)")
    assert cells == ["n=33", "n=1", "n=2"]
    night.ask("document.querySelectorAll('#overview .flow a')[2].click()")
    night.wait(f"{OPENED} === 'ops.square[n=2]'")


def test_bounds_and_seconds_have_views_of_their_own(chromium: Browser, pages: Path) -> None:
    chromium.open(pages / "large.html", address="#&queue=all&view=power")
    assert chromium.ask("document.querySelectorAll('.histogram .bar').length") > 2
    chromium.ask("choose({ view: 'slow' })")
    seconds = chromium.ask(
        "[...document.querySelectorAll('.listing td:nth-child(2)')].map((c) => Number(c.textContent))"
    )
    assert len(seconds) == 30
    assert seconds == sorted(seconds, reverse=True)


# Every reader


@pytest.mark.parametrize("width", [360, 800, 1400])
@pytest.mark.parametrize("name", ["literal.html", "night.html", "large.html"])
def test_no_width_makes_the_page_scroll_sideways(chromium: Browser, pages: Path, name: str, width: int) -> None:
    chromium.size(width, 800)
    for address in ("#&queue=all", f"#{quote(CASE.id, safe='')}", "#&queue=all&view=slow"):
        chromium.open(pages / name, address=address)
        assert chromium.ask("document.documentElement.scrollWidth") <= width, address


def test_on_a_narrow_screen_a_case_covers_the_list_and_leads_back(chromium: Browser, pages: Path) -> None:
    chromium.size(390, 800)
    chromium.open(pages / "night.html")
    visible = "getComputedStyle(document.querySelector('{}')).display !== 'none'"
    assert chromium.ask(visible.format(".list"))
    chromium.click("#cases tbody tr[data-i]")
    assert chromium.wait(visible.format("#case"))
    assert not chromium.ask(visible.format(".list"))
    chromium.click("[data-back]")
    assert chromium.ask(visible.format(".list"))


def test_on_a_narrow_screen_a_case_begins_at_its_top_and_leads_back_to_its_row(chromium: Browser, pages: Path) -> None:
    chromium.size(390, 800)
    chromium.open(pages / "large.html", address="#&queue=all")
    chromium.ask("scrollTo(0, 20000)")
    row = (
        "[...document.querySelectorAll('#cases tbody tr[data-i]')].find((one) => one.getBoundingClientRect().top > 200)"
    )
    chromium.wait(f"{row}?.getBoundingClientRect().top < 800")
    opened = chromium.ask(f"{row}.querySelector('a').textContent")
    chromium.ask(f"{row}.click()")
    chromium.wait(f"{OPENED} === {opened!r}")
    assert 0 < chromium.ask("document.querySelector('#case h2').getBoundingClientRect().top") < 800
    chromium.press("j")
    chromium.wait(f"{OPENED} !== {opened!r}")
    assert 0 < chromium.ask("document.querySelector('#case h2').getBoundingClientRect().top") < 800
    after = chromium.ask(OPENED)
    chromium.press("Escape")
    current = "document.querySelector('#cases [aria-current]')"
    assert chromium.ask(f"{current}.querySelector('a').textContent") == after
    assert 0 < chromium.ask(f"{current}.getBoundingClientRect().top") < 800


def test_no_word_of_the_table_is_cut_on_a_narrow_screen(chromium: Browser, pages: Path) -> None:
    chromium.size(390, 800)
    chromium.open(pages / "literal.html", address="#&queue=all")
    cells = "[...document.querySelectorAll('#cases thead th, #cases td.c-status')]"
    assert (
        chromium.ask(f"{cells}.filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.textContent)") == []
    )


def test_light_and_dark_follow_the_system_and_the_switch(chromium: Browser, pages: Path) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    chromium.size(1400, 900, dark=True)
    chromium.open(pages / "night.html")
    chromium.ask("localStorage.clear(), delete document.documentElement.dataset.theme")
    dark = chromium.ask(ground)
    chromium.click("#theme")
    light = chromium.ask(ground)
    assert (dark, light) == ("rgb(21, 22, 24)", "rgb(250, 249, 247)")
    chromium.size(1400, 900)
    chromium.open(pages / "night.html")
    assert chromium.ask(ground) == light
    chromium.ask("localStorage.clear()")


def test_everything_that_can_be_used_has_a_name_for_a_screen_reader(night: Browser) -> None:
    nodes = night.send("Accessibility.getFullAXTree")["nodes"]
    used = [node for node in nodes if node.get("role", {}).get("value") in ("button", "link", "searchbox", "combobox")]
    assert len(used) > 20
    assert [node for node in used if not node.get("name", {}).get("value")] == []
    roles = {node.get("role", {}).get("value") for node in nodes}
    assert {"table", "columnheader", "row", "main", "region", "article"} <= roles
    parts = [node for node in nodes if node.get("role", {}).get("value") in ("region", "article")]
    assert {node["name"]["value"] for node in parts} == {"Cases", "The selected case"}


def test_the_tab_key_reaches_the_filter_and_shows_where_it_is(night: Browser) -> None:
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    reached = []
    for _ in range(12):
        night.press("Tab")
        reached.append(night.ask("document.activeElement.id"))
        assert night.ask(outline) != "none"
    assert "filter" in reached


def test_without_javascript_the_plain_table_stands_there(chromium: Browser, pages: Path) -> None:
    chromium.open(pages / "literal.html", script=False)
    tree = ""
    for _ in range(200):
        nodes = chromium.send("Accessibility.getFullAXTree")["nodes"]
        tree = " ".join(str(node.get("name", {}).get("value", "")) for node in nodes)
        if "plain.crash" in tree:
            break
    chromium.send("Emulation.setScriptExecutionDisabled", value=False)
    assert "apart by 4.9e-06" in tree
    assert "plain.crash" in tree
    assert "Keys and filters" not in tree


# A page in several files


@pytest.fixture
def split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(html, "LARGEST", 1000)
    render(large_audit(250), tmp_path / "night.html")
    return tmp_path / "night.html"


def test_evidence_in_files_of_its_own_is_loaded_when_it_is_needed(chromium: Browser, split: Path) -> None:
    chromium.open(split)
    assert "d out" in chromium.ask("article.textContent")
    assert chromium.problems == []
    assert [url.rpartition("/")[2] for url in chromium.requests] == ["night.html", "0.js"]


def test_evidence_is_found_whatever_the_name_of_the_report(
    chromium: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(html, "LARGEST", 1000)
    render(large_audit(5), tmp_path / "night #3, 100 %?.html")
    page = tmp_path / "night.html"
    (tmp_path / "night #3, 100 %?.html").rename(page)  # the browser's own address is not what is tested
    chromium.open(page)
    assert "d out" in chromium.ask("article.textContent")


def test_evidence_that_is_missing_is_named(chromium: Browser, split: Path) -> None:
    (split.parent / "night-evidence" / "0.js").unlink()
    chromium.open(split)
    assert "night-evidence/0.js is missing: keep this folder beside the report." in chromium.ask("article.textContent")


def test_a_run_without_a_case_is_a_page_too(chromium: Browser, tmp_path: Path) -> None:
    render(Audit(RUN, ()), tmp_path / "none.html")
    chromium.open(tmp_path / "none.html")
    assert chromium.problems == []
    assert chromium.ask("document.querySelector('h1').textContent") == "no case was run."


def test_paper_has_the_sentence_the_table_and_the_open_case(chromium: Browser, pages: Path) -> None:
    chromium.size(794, 1123)  # A4 at 96 dots an inch
    chromium.open(pages / "night.html", address=f"#{quote(CASE.id, safe='')}")
    chromium.send("Emulation.setEmulatedMedia", media="print")
    shown = "['.top', '.list', '#case'].map((one) => getComputedStyle(document.querySelector(one)).display !== 'none')"
    assert chromium.ask(shown) == [True, True, True]
    assert chromium.ask("getComputedStyle(document.querySelector('.tools')).display") == "none"
    assert chromium.ask("document.documentElement.scrollWidth") <= 794
