"""The HTML report is one small safe file, readable in every light and without JavaScript; what it knows is right."""

import re
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from report_audit import CASE, FAILED, RUN, large_audit, literal_audit
from report_page import Page, details, index, unpacked

from gradaudit.judge.verdict import Heat, Measures, Status, Verdict
from gradaudit.plan import make_plan
from gradaudit.plan.case import TIMEOUT, Expectation
from gradaudit.report import command, html, render
from gradaudit.report._configuration import configuration
from gradaudit.report._reproduce import python
from gradaudit.report._script import script
from gradaudit.report._since import headline
from gradaudit.running.record import Audit, Before, CaseHistory, Change, History, PastEnd, PastRun, Result
from gradaudit.suite import load_suite
from gradaudit.suite.quantities import seconds

TEMPLATES = Path(html.__file__).parent / "templates"


def test_five_hundred_cases_stay_under_a_megabyte() -> None:
    assert len(html.render(large_audit(500)).encode("utf-8")) < 1_000_000


def test_no_user_text_becomes_an_element() -> None:
    tags = [tag for tag, _ in Page(html.render(literal_audit())).elements]
    assert tags.count("script") == 3  # the index, the one part of evidence, and the page's own
    assert "img" not in tags


def test_every_case_reads_without_javascript() -> None:
    page = Page(html.render(literal_audit()))
    for result in literal_audit().results[:-1]:
        assert result.case.id in page.text
    assert "apart by 4.9e-06, allowed 5.0e-07" in page.text


def test_the_page_names_no_place_on_the_network() -> None:
    elements = Page(html.render(literal_audit())).elements
    links = [value for _, attributes in elements for name, value in attributes.items() if name in ("src", "href")]
    assert links
    assert all(link.startswith(("#", "data:,")) for link in links if link is not None)


def test_the_security_policy_allows_nothing_but_the_page_s_own_script_and_style() -> None:
    metas = [attributes for tag, attributes in Page(html.render(literal_audit())).elements if tag == "meta"]
    policy = next(meta["content"] for meta in metas if meta.get("http-equiv") == "Content-Security-Policy") or ""
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy


def test_the_worst_case_stands_first() -> None:
    statuses = [str(detail["status"]) for detail in details(html.render(large_audit(500)))]
    assert statuses[:3] == ["fail", "fail", "fail"]
    assert statuses[-1] == "pass"


def test_the_evidence_keeps_every_digit_of_what_is_read() -> None:
    element = details(html.render(Audit(RUN, literal_audit().results[:1])))[0]["elements"][0]
    assert element[5:7] == [-0.4919214, -0.4919165]


def test_what_is_allowed_has_the_two_digits_that_the_message_has() -> None:
    allowed = 6.850249e-06  # 6.85e-06 to three digits, which a browser then shows as 6.8e-6
    verdict = replace(FAILED, elements=(replace(FAILED.elements[0], allowed=allowed),))
    element = details(html.render(Audit(RUN, (Result(CASE, verdict),))))[0]["elements"][0]
    assert f"{element[8]:.1e}" == f"{allowed:.1e}" == "6.9e-06"


def test_the_first_screen_says_what_a_pass_could_have_missed() -> None:
    bounds = (1e-4, 3e-4, float("nan"))
    verdicts = [Verdict(str(bound), Status.PASS, measures=Measures(bound=bound)) for bound in bounds]
    page = html.render(Audit(RUN, tuple(Result(replace(CASE, id=one.id), one) for one in verdicts)))
    assert "No pass can have missed a relative error above 0.0003, but for 1 without a bound." in page


def test_what_a_pass_could_have_missed_is_never_rounded_down() -> None:
    verdict = Verdict(CASE.id, Status.PASS, measures=Measures(bound=3.01e-4))
    assert "above 0.00031." in html.render(Audit(RUN, (Result(CASE, verdict),)))


def test_the_lines_to_reproduce_carry_the_time_limit_of_the_run() -> None:
    run = replace(RUN, arguments=("run", "configs/suite.yaml", "--timeout", "500ms"))
    assert "--timeout=500ms --id" in command(CASE, run)
    assert "overrides={'timeout': '500ms'}" in python(CASE, run)


def test_the_line_to_reproduce_carries_what_the_run_changed() -> None:
    assert command(CASE, RUN) == "gradaudit run configs/suite.yaml --set=tolerance.rtol=1e-4 --id 'losses.huber[n=33]'"


def test_an_id_that_looks_like_an_option_stays_an_id() -> None:
    assert command(replace(CASE, id="-k"), replace(RUN, arguments=())) == "gradaudit run configs/suite.yaml --id=-k"


def test_the_line_to_reproduce_in_python_is_python() -> None:
    arguments = ("run", "--seed=7", "--set", "h=1e-4", "--profile", "pr")
    detail = details(html.render(Audit(replace(RUN, arguments=arguments), literal_audit().results[-1:])))[0]
    source = str(detail["python"])
    compile(source, "report", "exec")
    assert "overrides={'h': '1e-4', 'seed': '7'}, profile='pr'" in source


def test_the_configuration_speaks_the_words_of_the_suite_file() -> None:
    detail = details(html.render(Audit(RUN, literal_audit().results[:1])))[0]
    configuration = {name: value for name, value, _ in detail["config"]}
    assert configuration["inputs.x"] == (
        "shape: [33], normal: {mean: 0, std: 3.0}, avoid: {points: [-1.0, 1.0], margin: 0.01}"
    )
    assert configuration["h"] == "[0.001, 0.0001]"
    assert configuration["tolerance.resolution"] == "by precision"
    assert configuration["extend"] == "true"
    assert not {"directions", "auto"} & set(configuration)


@pytest.mark.parametrize(
    ("kind", "count", "written"),
    [("all", None, "all"), ("auto", None, "auto"), ("sample", 9, "{sample: 9}"), ("directions", 8, "{directions: 8}")],
)
def test_the_elements_that_are_checked_are_shown_as_the_suite_file_has_them(kind, count, written) -> None:
    case = replace(CASE, settings=CASE.settings.choosing(kind, count))
    assert dict(configuration(case, engine=""))["elements"] == written


def test_the_time_limit_that_is_shown_where_none_is_set_is_that_of_runs() -> None:
    case = replace(CASE, settings=replace(CASE.settings, timeout=None))
    assert seconds(dict(configuration(case, engine=""))["timeout"]) == TIMEOUT


def _luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("ground", ["ground", "sheet", "hover", "chosen"])
@pytest.mark.parametrize("ink", ["ink", "soft", "accent", "good", "bad", "broken", "doubt", "odd"])
@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
def test_every_text_stands_out_from_every_ground(ink: str, ground: str, mode: int) -> None:
    style = (TEMPLATES / "report.css").read_text()
    palette = {name: (light, dark) for name, light, dark in re.findall(r"--(\w+): light-dark\((\S+), (\S+)\)", style)}
    low, high = sorted((_luminance(palette[ink][mode]), _luminance(palette[ground][mode])))
    assert (high + 0.05) / (low + 0.05) >= 4.5


# What a run is compared with

EARLIER = PastRun("20261122-001500-000000", "2026-11-22T00:15:00+00:00", "feedbeef" * 5)


def compared(*cases: tuple[str, Status, CaseHistory | None]) -> Audit:
    """A run of cases with a verdict and a past each, ids as given, beside a run of the night before."""
    results = tuple(Result(replace(CASE, id=id_), Verdict(id_, status)) for id_, status, _ in cases)
    pasts = tuple(past for _, _, past in cases if past)
    baseline = replace(RUN, id=EARLIER.id, started=EARLIER.started, versions={**RUN.versions, "numpy": "2.0.0"})
    return Audit(RUN, results, History(baseline, (EARLIER,), pasts))


def past(id_: str, change: Change, before: Status = Status.PASS, **more: object) -> CaseHistory:
    return CaseHistory(id_, change, Before(before), **more)  # type: ignore[arg-type]


NIGHT = compared(
    ("broke", Status.FAIL, past("broke", Change.NEW)),
    ("came broken", Status.FAIL, CaseHistory("came broken", Change.ADDED)),
    ("still", Status.FAIL, past("still", Change.SAME, Status.FAIL)),
    ("mended", Status.PASS, past("mended", Change.FIXED, Status.FAIL)),
    ("drifts", Status.PASS, past("drifts", Change.WORSE)),
    ("cannot tell", Status.INCONCLUSIVE, past("cannot tell", Change.NEW)),
    ("turns", Status.PASS, past("turns", Change.SAME, flaky=True)),
    ("dead", Status.CRASH, past("dead", Change.SAME, Status.CRASH)),
)


def queues_of(audit: Audit) -> dict[str, list[str]]:
    known = index(html.render(audit))
    ids = known["rows"]["id"]
    return {queue["key"]: [ids[member] for member in queue["members"]] for queue in known["queues"]}


def test_the_first_sentence_says_what_changed() -> None:
    sentence = "2 new failures, 1 worse, 2 still failing, 1 fixed; 3 of 8 pass."
    assert sentence in Page(html.render(NIGHT)).text.replace("\N{NO-BREAK SPACE}", " ")


def test_a_night_without_a_change_says_so() -> None:
    quiet = compared(("a", Status.PASS, past("a", Change.SAME)))
    assert "nothing changed; 1 of 1 passes." in Page(html.render(quiet)).text.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize("change", [Change.BETTER, Change.ADDED, Change.REMOVED])
def test_a_night_with_a_change_that_is_no_failure_does_not_say_that_nothing_changed(change: Change) -> None:
    (result,), known = compared(("a", Status.PASS, None)).results, (past("a", Change.SAME), past("b", change))
    assert headline(Audit(RUN, (result,), History(RUN, (), known))) == "no new failures; 1 of 1 passes"


def test_queues_come_in_order_of_urgency_and_empty_ones_are_left_out() -> None:
    queues = queues_of(NIGHT)
    assert list(queues) == ["new", "worse", "still", "error", "flaky", "inconclusive", "fixed", "all"]
    assert queues["new"] == ["broke", "came broken"]
    assert queues["worse"] == ["drifts"]
    assert set(queues["still"]) == {"still", "dead"}
    assert (queues["flaky"], queues["inconclusive"], queues["fixed"]) == (["turns"], ["cannot tell"], ["mended"])
    assert len(queues["all"]) == 8


def test_the_first_sentence_and_the_queue_count_alike_what_fails_less_badly_than_it_did() -> None:
    better = ("nearer", Status.FAIL, past("nearer", Change.BETTER, Status.FAIL))
    audit = compared(better, ("still", Status.FAIL, past("still", Change.SAME, Status.FAIL)))
    assert headline(audit) == "2 still failing; 0 of 2 pass"
    assert queues_of(audit)["still"] == ["nearer", "still"]


def test_without_an_earlier_run_nobody_is_new() -> None:
    alone = replace(NIGHT, history=History())
    assert list(queues_of(alone)) == ["fail", "error", "inconclusive", "all"]
    assert "There is no earlier run to compare with." in html.render(alone)
    assert "There is no earlier run" not in html.render(replace(NIGHT, history=None))


def test_a_run_that_is_to_be_compared_with_none_of_the_earlier_ones_says_so() -> None:
    page = html.render(replace(NIGHT, history=History(runs=(EARLIER,))))
    assert "It is compared with none of the earlier runs." in page
    assert "There is no earlier run" not in page


@pytest.mark.parametrize(("until", "soon"), [(date(2026, 12, 1), True), (date(2026, 12, 31), False), (None, False)])
def test_what_is_about_to_expire_is_shown_before_it_fails(until: date | None, soon: bool) -> None:
    case = replace(CASE, expect=Expectation("fail", "GH-412", until))
    audit = Audit(RUN, (Result(case, Verdict(CASE.id, Status.XFAIL)),))
    assert ("expiring" in queues_of(audit)) is soon
    assert str(until or "GH-412") in details(html.render(audit))[0]["expect"]


def test_the_page_names_what_changed_around_the_cases_and_what_is_gone() -> None:
    gone = CaseHistory("retired[n=3]", Change.REMOVED, Before(Status.PASS))
    history = replace(NIGHT.history or History(), cases=(gone,))
    page = html.render(replace(NIGHT, history=history))
    assert ["numpy", "2.0.0", "2.1.0"] in index(page)["surroundings"]
    assert re.search(r'<th scope="row">numpy</th><td>2.0.0</td><td>2.1.0</td>', page)
    assert "<code>retired[n=3]</code>" in page


def test_a_change_of_the_error_is_counted_in_decades() -> None:
    before = CaseHistory("a", Change.WORSE, Before(Status.PASS, None, 2e-6))
    verdict = Verdict("a", Status.PASS, measures=Measures(error_over_tolerance=2e-3))
    audit = Audit(RUN, (Result(replace(CASE, id="a"), verdict),), History(RUN, (), (before,)))
    assert index(html.render(audit))["rows"]["decades"] == [3.0]


@pytest.mark.parametrize(("before", "now", "decades"), [(1e308, 1e-17, -325.0), (1e-308, 1e17, 325.0)])
def test_no_change_of_the_error_is_too_large_to_be_counted(before: float, now: float, decades: float) -> None:
    verdict = Verdict("a", Status.PASS, measures=Measures(error_over_tolerance=now))
    earlier = CaseHistory("a", Change.BETTER, Before(Status.FAIL, None, before))
    audit = Audit(RUN, (Result(replace(CASE, id="a"), verdict),), History(RUN, (), (earlier,)))
    assert index(html.render(audit))["rows"]["decades"] == [decades]


def test_past_ends_are_a_letter_and_a_level_each() -> None:
    ends = tuple(PastEnd(EARLIER.id, status, error) for status, error in _ENDS)
    audit = compared(("a", Status.PASS, past("a", Change.SAME, ends=ends)))
    assert index(html.render(audit))["rows"]["runs"] == ["p0p5f9x5c0"]


_ENDS = (
    *((Status.PASS, 0.0), (Status.PASS, 1.0), (Status.FAIL, float("inf")), (Status.XFAIL, 0.9)),
    (Status.CRASH, float("nan")),
)


# What a page keeps


def test_a_page_keeps_all_of_what_did_not_pass_and_a_sample_of_what_did(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html, "PASSES", 20)
    found = details(html.render(large_audit(300)))
    bad = [detail for detail in found if detail["status"] != "pass"]
    passed = [detail for detail in found if detail["status"] == "pass"]
    assert all(detail["whole"] for detail in bad)
    kept = [detail for detail in passed if detail["whole"]]
    assert 15 <= len(kept) <= 20
    assert all(detail["whole"] for detail in passed[:10])  # those nearest to their tolerance
    assert all(len(detail["elements"]) == 1 and not detail["curves"] for detail in passed if not detail["whole"])


def test_a_page_that_is_too_large_for_one_file_loads_its_evidence_from_scripts_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(html, "LARGEST", 1000)
    render(large_audit(250), tmp_path / "night.html")
    page = (tmp_path / "night.html").read_text()
    assert 'data-evidence="night-evidence"' in page
    assert details(page) == []
    assert "script-src 'sha256-" in page.partition("<title>")[0]
    parts = sorted(path.name for path in (tmp_path / "night-evidence").iterdir())
    assert parts == ["0.js", "1.js", "2.js"]
    text = (tmp_path / "night-evidence" / "0.js").read_text()
    found = re.fullmatch(r'gradauditPart\(0,"([\w+/=]+)"\);\n', text)
    assert found is not None
    assert len(unpacked(found[1])) == 100


def test_a_curve_is_drawn_small_around_the_tolerance() -> None:
    (curve,) = index(html.render(Audit(RUN, literal_audit().results[:1])))["rows"]["curve"]
    xs, ys = curve[::2], curve[1::2]
    assert xs == sorted(xs)
    assert all(0 <= y <= 16 for y in ys)
    assert min(ys) < 8  # this claim is beyond its tolerance


def test_a_map_of_the_error_comes_with_the_case_and_what_was_not_checked_is_null() -> None:
    heat = Heat("vjp", "x", (2, 2), 2, (1, 1), (0.1, float("nan"), float("inf"), 3.0))
    audit = Audit(RUN, (Result(CASE, Verdict(CASE.id, Status.FAIL, heat=(heat,))),))
    assert details(html.render(audit))[0]["heat"][0]["errors"] == [0.1, None, "Infinity", 3.0]


def test_the_configuration_says_where_a_setting_stands() -> None:
    case = replace(CASE, origins=(("timeout", "defaults (configs/suite.yaml:4:3)"),))
    (detail,) = details(html.render(Audit(RUN, (Result(case, Verdict(CASE.id, Status.PASS)),))))
    assert ["timeout", "60", "defaults (configs/suite.yaml:4:3)"] in detail["config"]


def test_the_script_audits_its_case_without_the_suite(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "lonely_losses.py").write_text(
        "import numpy as np\ndef f(x): return float((x**2).sum())\ndef g(x): return 2.2 * x\n"
    )
    suite = tmp_path / "suite.yaml"
    suite.write_text(
        "version: 1\npath: [.]\nfunctions:\n"
        "  - {function: 'lonely_losses:f', gradient: 'lonely_losses:g', inputs: {x: {shape: [3], bounds: [-9, 9]}}}\n"
    )
    (case,) = make_plan(load_suite([suite]))
    source = script(case)
    suite.unlink()
    path = list(sys.path)
    try:
        exec(compile(source, "script", "exec"), {})
    finally:
        sys.path[:] = path
    assert "FAIL f" in (said := capsys.readouterr().out)
    assert "constant factor" in said


def test_every_script_is_python() -> None:
    for result in literal_audit().results:
        compile(script(result.case), "script", "exec")


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\x7f", "\\x7f"),
        ("\b\f", "\\x08\\x0c"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("\u202eé", "\\u202eé"),
        ("a tab\tand an é", "a tab\tand an é"),
        ("a path\\u00to\\reports", "a path\\u00to\\reports"),
    ],
)
def test_all_texts_in_the_evidence_are_printable(printed: str, shown: str) -> None:
    verdict = Verdict(CASE.id, Status.PASS, printed=printed, notes=(printed,))
    (detail,) = details(html.render(Audit(RUN, (Result(CASE, verdict),))))
    assert (detail["printed"], detail["notes"]) == (shown, [shown])
