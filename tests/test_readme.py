"""What the README shows is done, and what it promises stands in it."""

import re

import pytest
from markdown_page import ROOT, follow

from gradaudit import checks, commands, engines

PAGE = ROOT / "README.md"
README = PAGE.read_text(encoding="utf-8")


def test_the_tour_does_what_it_shows(tmp_path, monkeypatch):
    kinds = follow(PAGE, tmp_path, monkeypatch)
    assert {"file", "commands", "session"} <= kinds.keys()


@pytest.mark.parametrize("mark", ["main job", "tests"])
def test_each_of_the_two_commands_stands_once_where_scripts_find_it(mark):
    assert len(re.findall(rf"<!-- {mark} -->\n```sh\n.*?\n```$", README, flags=re.MULTILINE | re.DOTALL)) == 1


def test_every_file_that_the_readme_names_exists():
    for name in re.findall(r"`((?:configs|benchmarks|docs)/[\w./-]*)`", README):
        assert (ROOT / name).exists(), name


@pytest.mark.parametrize("word", [*checks.names(), *engines.names(), *commands.names()])
def test_every_command_check_and_engine_is_in_the_readme_or_the_changelog(word):
    assert re.search(rf"\b{word}\b", README + (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
