"""Every block of every page in docs/ is done, every link leads somewhere, and what is generated is up to date."""

import re
import runpy
from pathlib import Path

import pytest
from markdown_page import ROOT, agrees, blocks, follow

from gradaudit.libraries import LIBRARIES, missing

DOCS = ROOT / "docs"
PAGES = sorted(page.stem for page in DOCS.glob("*.md"))
LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)[^)]*\)")
GUIDES = ["scipy", "numba", "torch", "jax"]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_does_what_it_shows(page, tmp_path, monkeypatch):
    if page in LIBRARIES and missing(page):
        pytest.skip(missing(page))
    follow(DOCS / f"{page}.md", tmp_path, monkeypatch)


@pytest.mark.parametrize("guide", GUIDES)
def test_a_guide_shows_a_file_and_a_suite_a_command_and_a_session(guide):
    shown = blocks(DOCS / f"{guide}.md")
    assert {"python", "yaml", "console"} <= {language for language, _ in shown}
    assert any(body.startswith(">>>") for _, body in shown)


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.glob("*.md"))])
def test_every_link_leads_to_a_file_that_is_there(page):
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / link).exists(), link


def test_every_page_is_named_in_the_index_and_the_index_in_the_readme():
    named = {Path(link).stem for link in LINK.findall((DOCS / "README.md").read_text(encoding="utf-8"))}
    assert set(PAGES) - {"README"} <= named
    assert "docs/README.md" in LINK.findall((ROOT / "README.md").read_text(encoding="utf-8"))


def test_what_is_shown_must_be_what_is_printed():
    assert agrees(["a[1] ...", "end?"], ["a[1] = 2", "more", "end?"])
    assert not agrees(["2 of 2 pass"], ["1 of 2 pass", "2 of 2 pass?"])
    assert not agrees([], ["something"])


def test_the_reference_is_what_the_code_says():
    made = runpy.run_path(str(ROOT / "scripts" / "make_reference.py"))
    assert made["reference"]() == made["PAGE"].read_text(encoding="utf-8"), "run python scripts/make_reference.py"
