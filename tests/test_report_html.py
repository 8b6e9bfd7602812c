"""The HTML report is one small safe file, readable in every light, and works in a real browser."""

import html as markup
import json
import re
import shutil
import subprocess
from base64 import b64decode
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from zlib import decompress

import pytest
from report_audit import CASE, RUN, large_audit, literal_audit

from gradaudit.judge.verdict import Measures, Status, Verdict
from gradaudit.record import Audit, Result
from gradaudit.report import command, html

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
in_a_browser = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium on the path to drive the page")

TEMPLATES = Path(html.__file__).parent / "templates"


class _Page(HTMLParser):
    """The elements of a page and the text of its table, as a browser without JavaScript sees them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def _details(page: str) -> list[dict[str, object]]:
    found = re.search(r'id="payload">([^<]*)<', page)
    assert found is not None
    details: list[dict[str, object]] = json.loads(decompress(b64decode(found[1]), wbits=-15))
    return details


def test_five_hundred_cases_stay_under_a_megabyte() -> None:
    assert len(html.render(large_audit(500)).encode("utf-8")) < 1_000_000


def test_no_user_text_becomes_an_element() -> None:
    tags = [tag for tag, _ in _Page(html.render(literal_audit())).elements]
    assert tags.count("script") == 2
    assert "img" not in tags


def test_every_case_reads_without_javascript() -> None:
    page = _Page(html.render(literal_audit()))
    for result in literal_audit().results[:-1]:
        assert result.case.id in page.text
    assert "apart by 4.9e-06, allowed 5.0e-07" in page.text


def test_the_page_names_no_place_on_the_network() -> None:
    elements = _Page(html.render(literal_audit())).elements
    links = [value for _, attributes in elements for name, value in attributes.items() if name in ("src", "href")]
    assert links
    assert all(link.startswith(("#", "data:,")) for link in links if link is not None)


def test_the_security_policy_allows_nothing_but_the_page_s_own_script_and_style() -> None:
    metas = [attributes for tag, attributes in _Page(html.render(literal_audit())).elements if tag == "meta"]
    policy = next(meta["content"] for meta in metas if meta.get("http-equiv") == "Content-Security-Policy") or ""
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy


def test_the_worst_case_stands_first() -> None:
    statuses = [str(detail["status"]) for detail in _details(html.render(large_audit(500)))]
    assert statuses[:3] == ["fail", "fail", "fail"]
    assert statuses[-1] == "pass"


def test_the_evidence_keeps_every_digit_of_what_is_read() -> None:
    element = _details(html.render(Audit(RUN, literal_audit().results[:1])))[0]["elements"][0]  # type: ignore[index]
    assert element[5:7] == [-0.4919214, -0.4919165]


def test_the_first_screen_says_what_a_pass_could_have_missed() -> None:
    bounds = (1e-4, 3e-4, float("nan"))
    verdicts = [Verdict(str(bound), Status.PASS, measures=Measures(bound=bound)) for bound in bounds]
    page = html.render(Audit(RUN, tuple(Result(replace(CASE, id=one.id), one) for one in verdicts)))
    assert "No pass can have missed a relative error above 0.0003, but for 1 without a bound." in page


def test_the_line_to_reproduce_carries_what_the_run_changed() -> None:
    assert command(CASE, RUN) == "gradaudit run configs/suite.yaml --set=tolerance.rtol=1e-4 --id 'losses.huber[n=33]'"


def test_an_id_that_looks_like_an_option_stays_an_id() -> None:
    assert command(replace(CASE, id="-k"), replace(RUN, arguments=())) == "gradaudit run configs/suite.yaml --id=-k"


def test_the_line_to_reproduce_in_python_is_python() -> None:
    arguments = ("run", "--seed=7", "--set", "h=1e-4", "--profile", "pr")
    detail = _details(html.render(Audit(replace(RUN, arguments=arguments), literal_audit().results[-1:])))[0]
    source = str(detail["python"])
    compile(source, "report", "exec")
    assert "overrides={'h': '1e-4', 'seed': '7'}, profile='pr'" in source


def test_the_configuration_speaks_the_words_of_the_suite_file() -> None:
    detail = _details(html.render(Audit(RUN, literal_audit().results[:1])))[0]
    configuration = dict(detail["config"])  # type: ignore[call-overload]
    assert configuration["inputs.x"] == (
        "shape: [33], normal: {mean: 0, std: 3.0}, avoid: {points: [-1.0, 1.0], margin: 0.01}"
    )
    assert configuration["h"] == "[0.001, 0.0001]"
    assert configuration["tolerance.resolution"] == "by precision"
    assert configuration["extend"] == "true"


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


# What a reviewer does, one step after the other; each `note` keeps what the page then shows.
SESSION = """
const found = {};
const shownIds = () => [...document.querySelectorAll("#cases tbody tr:not([hidden]) a")].map((a) => a.textContent);
const heading = () => document.querySelector("#case h2")?.textContent;
const press = (key, target = document.body) =>
  target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
const type = (text) => {
  const box = document.getElementById("filter");
  box.value = text;
  box.dispatchEvent(new Event("input"));
};
const header = (name) => [...document.querySelectorAll("#cases th button")].find((one) => one.textContent === name);
const settle = () => new Promise((resolve) => setTimeout(resolve, 100));
async function session() {
  while (!document.documentElement.dataset.ready) await settle();
  await settle();
  found.opened = heading();
  found.curve = document.querySelectorAll("#case .error-dot").length;
  found.command = document.querySelector("#case .command code").textContent;
  found.python = document.querySelectorAll("#case .command code")[1].textContent;
  press("j"); found.next = heading(); found.address = location.hash;
  press("k"); found.previous = heading();
  press("/"); found.focus = document.activeElement.id;
  type("s:error !plain"); found.filtered = shownIds().length;
  found.count = document.getElementById("shown").textContent;
  type("@numba"); found.engine = shownIds();
  type("nothing is called so"); found.none = !document.getElementById("none").hidden;
  press("Escape", document.getElementById("filter")); found.cleared = shownIds().length;
  header("Case").click(); found.ascending = shownIds();
  header("Case").click(); found.descending = shownIds();
  header("Error ÷ tol.").click(); found.largest = shownIds().slice(0, 2);
  header("Status").click();
  document.querySelector(".chip.timeout").click(); found.chip = shownIds();
  location.hash = "#plain.crash"; await settle(); found.linked = heading();
  found.requests = performance.getEntriesByType("resource").length;
  found.title = document.title;
}
session().catch((problem) => { found.problem = String(problem.stack); })
  .finally(() => { document.body.dataset.found = JSON.stringify(found); });
"""


def _browse(page: Path) -> str:
    assert CHROMIUM is not None
    quiet = ["--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update"]
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-sync", *quiet]
    profile = f"--user-data-dir={page.parent / 'profile'}"
    arguments = [CHROMIUM, *options, profile, "--virtual-time-budget=20000", "--dump-dom", page.as_uri()]
    return subprocess.run(arguments, capture_output=True, timeout=60, check=True).stdout.decode("utf-8")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What the page showed during `SESSION`, driven by a script that only this copy of the page lets run."""
    page = re.sub(r"<meta http-equiv[^>]*>", "", html.render(literal_audit()))
    path = tmp_path_factory.mktemp("browser") / "report.html"
    path.write_text(page.replace("</body>", f"<script>{{{SESSION}}}</script></body>"), encoding="utf-8")
    noted = re.search(r'data-found="([^"]*)"', _browse(path))
    assert noted is not None
    found: dict[str, object] = json.loads(markup.unescape(noted[1]))
    assert "problem" not in found, found["problem"]
    return found


@in_a_browser
def test_the_page_unpacks_its_evidence_under_its_own_policy(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text(html.render(literal_audit()), encoding="utf-8")
    page = _browse(tmp_path / "report.html")
    assert re.search(r"data-ready=\"\d+\"", page)
    assert '<path class="error-line"' in page


@in_a_browser
def test_the_worst_case_is_open_with_its_curve_and_how_to_reproduce_it(found: dict[str, object]) -> None:
    assert found["opened"] == CASE.id
    assert found["curve"] == len(literal_audit().results[0].verdict.curves)
    assert found["command"] == command(CASE, RUN)
    assert str(found["python"]).startswith("import gradaudit as ga\n")


@in_a_browser
def test_keys_walk_through_the_cases_and_the_address_follows(found: dict[str, object]) -> None:
    assert str(found["next"]).startswith("</script>")
    assert str(found["address"]).startswith("#%3C%2Fscript%3E")
    assert found["previous"] == CASE.id
    assert found["focus"] == "filter"


@in_a_browser
def test_the_filter_knows_status_engine_and_negation(found: dict[str, object]) -> None:
    assert (found["filtered"], found["count"]) == (1, "1 of 9")
    assert found["engine"] == [CASE.id]
    assert found["none"] is True
    assert found["cleared"] == 9
    assert found["chip"] == ["plain.timeout"]


@in_a_browser
def test_columns_sort_both_ways_and_numbers_largest_first(found: dict[str, object]) -> None:
    ascending, descending = found["ascending"], found["descending"]
    assert isinstance(ascending, list)
    assert isinstance(descending, list)
    assert ascending.index("plain.crash") < ascending.index("plain.pass") < ascending.index("plain.xpass")
    assert ascending == descending[::-1]
    assert str(found["largest"][0]).startswith("</script>")  # type: ignore[index]
    assert found["largest"][1] == CASE.id  # type: ignore[index]


@in_a_browser
def test_a_link_opens_its_case(found: dict[str, object]) -> None:
    assert found["linked"] == "plain.crash"


@in_a_browser
def test_nothing_is_requested_and_nothing_of_the_user_s_runs(found: dict[str, object]) -> None:
    assert found["requests"] == 0
    assert "owned" not in str(found["title"])
