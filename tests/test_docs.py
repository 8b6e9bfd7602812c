"""Every block of every page in docs/ is done, every link leads somewhere, and what is generated is up to date."""

import re
import runpy
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import click
import pytest
from markdown_page import ROOT, agrees, blocks, follow, shell, write_files
from workflow import run_workflow

from gradaudit.libraries import LIBRARIES

DOCS, BENCHMARKS = ROOT / "docs", ROOT / "benchmarks"
PAGES = sorted(page.stem for page in DOCS.glob("*.md"))
LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)[^)]*\)")
#: Engines have pages of their names. What findings.md shows is done by test_findings.py, version by version.
NEEDS = {engine: engine for engine in LIBRARIES}
GUIDES = ["scipy", "numba", "torch", "jax", "autograd"]


@pytest.mark.parametrize("page", [page for page in PAGES if page != "findings"])
def test_a_page_does_what_it_shows(page, tmp_path, monkeypatch):
    if page in NEEDS:
        pytest.importorskip(NEEDS[page])
    follow(DOCS / f"{page}.md", tmp_path, monkeypatch)


@pytest.mark.parametrize("guide", GUIDES)
def test_a_guide_shows_a_file_and_a_suite_a_command_and_a_session(guide):
    shown = blocks(DOCS / f"{guide}.md")
    assert {"python", "yaml", "console"} <= {language for language, _ in shown}
    assert any(body.startswith(">>>") for _, body in shown)


@pytest.mark.parametrize(
    "page",
    [*(folder / "README.md" for folder in (ROOT, BENCHMARKS)), ROOT / "CONTRIBUTING.md", *sorted(DOCS.glob("*.md"))],
)
def test_every_link_leads_to_a_file_that_is_there(page):
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / link).exists(), link


def test_every_page_is_named_in_the_index_and_the_index_in_the_readme():
    named = {Path(link).stem for link in LINK.findall((DOCS / "README.md").read_text(encoding="utf-8"))}
    assert set(PAGES) - {"README"} <= named
    assert "docs/README.md" in LINK.findall((ROOT / "README.md").read_text(encoding="utf-8"))


def test_every_benchmark_has_a_section_in_the_page_of_its_figures():
    told = re.findall(r"^## .*\(`(\w+)\.py`\)$", (BENCHMARKS / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(told) == sorted(file.stem for file in BENCHMARKS.glob("[!_]*.py"))


def test_what_is_shown_must_be_what_is_printed():
    assert agrees(["a[1] ...", "end?"], ["a[1] = 2", "more", "end?"])
    assert not agrees(["2 of 2 pass"], ["1 of 2 pass", "2 of 2 pass?"])
    assert not agrees([], ["something"])


def test_the_reference_is_what_the_code_says():
    made = runpy.run_path(str(ROOT / "scripts" / "make_reference.py"))
    assert made["reference"]() == made["PAGE"].read_text(encoding="utf-8"), "run python scripts/make_reference.py"


def test_a_night_that_audits_nothing_says_why_in_the_mail_of_cron(tmp_path):
    write_files(DOCS / "nightly.md", tmp_path)
    (tmp_path / "gradients.yaml").write_text("version: 1\nfunctoins: []\n", encoding="utf-8")
    done = shell("sh nightly.sh", tmp_path)
    assert (done.returncode, done.stderr) == (2, "")
    assert "gradients.yaml:2:1: unknown key 'functoins'; did you mean 'functions'?" in done.stdout


def test_the_nightly_workflow_fails_only_on_what_is_new_and_tells_github(tmp_path):
    checkout = tmp_path / "checkout"
    write_files(DOCS / "nightly.md", checkout)
    workflow = checkout / ".github" / "workflows" / "gradients.yml"
    (step,) = run_workflow(workflow, checkout=checkout, folder=tmp_path)
    assert step.status == 1
    assert "::error file=losses.py,line=" in step.printed
    assert "3 of 4 pass" in step.summary
    assert (tmp_path / "artifacts" / "gradients" / "latest.json").is_file()


def test_the_sharded_workflow_merges_to_the_run_of_one_machine(tmp_path):
    checkout = tmp_path / "checkout"
    write_files(DOCS / "nightly.md", checkout)
    workflow = checkout / ".github" / "workflows" / "sharded.yml"
    *shards, merged = run_workflow(workflow, checkout=checkout, folder=tmp_path)
    assert len(shards) == 3
    assert merged.status == 1
    assert "3 of 4 pass" in merged.summary
    assert (tmp_path / "artifacts" / "gradients" / "latest.json").is_file()


def cells(text):
    """Rows of all tables in ``text``, by their first cell."""
    rows = [[cell.strip(" `") for cell in line.strip("| ").split("|")] for line in text.splitlines() if line[:1] == "|"]
    return {row[0].replace("`", ""): row[1:] for row in rows}


def test_the_figures_beside_rivals_are_those_of_the_benchmarks():
    benchmarks = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    measured = cells(benchmarks.split("With all rivals")[1].split("Designed functions, held-out")[1].split("Random")[0])
    _, shown = (DOCS / "rivals.md").read_text(encoding="utf-8").split("## Who is wrong how often")
    told = {name: row for name, row in cells(shown.split("## What it costs")[0]).items() if name in measured}
    assert len(told) == 6
    for name, row in told.items():
        assert row == [measured[name][column] for column in (0, 1, 2, 3, 5, 7)], name


UNTRUE = {
    "a session that prints something else": "```python\n>>> 1 + 1\n3\n```\n",
    "a command that prints something else": "```console\n$ echo yes\nno\n```\n",
    "a command that prints more": "```console\n$ echo yes; echo no\nyes\n```\n",
    "a script that raises": "```python\nraise SystemExit(1)\n```\n",
    "an option that does not exist": "```sh\ngradaudit run suite.yaml --shards 1/2\n```\n",
    "a command that does not exist": "```sh\ncd audits && gradaudit check suite.yaml\n```\n",
    "an extra that does not exist": "```sh\npip install 'gradaudit[tensorflow]'\n```\n",
    "a block of another kind": "```rust\nfn main() {}\n```\n",
}


@pytest.mark.parametrize("page", UNTRUE.values(), ids=UNTRUE)
def test_a_page_that_shows_what_is_not_so_is_found_out(page, tmp_path, monkeypatch, capsys):
    file = tmp_path / "page.md"
    file.write_text(page, encoding="utf-8")
    with pytest.raises((AssertionError, click.UsageError, subprocess.CalledProcessError)):
        follow(file, tmp_path, monkeypatch)


@pytest.mark.parametrize("picture", sorted((DOCS / "curves").glob("*.svg")), ids=lambda file: file.stem)
def test_a_picture_of_a_curve_is_whole_inert_and_shown(picture):
    drawing = ElementTree.parse(picture).getroot()
    words = [text.text for text in drawing.iter("{http://www.w3.org/2000/svg}text")]
    assert {"step h", "h taken"} <= set(words)
    assert not list(drawing.iter("{http://www.w3.org/2000/svg}script"))
    assert f"curves/{picture.name})" in (DOCS / "verdicts.md").read_text(encoding="utf-8")
