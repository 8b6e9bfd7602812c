"""Everything that the README shows is run: its files are written, its commands typed, its sessions compared."""

import doctest
import os
import re
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


def typed(command, folder):
    """What a command prints, standard output first."""
    words = command.replace("gradaudit ", f"{sys.executable} -m gradaudit ", 1)
    environment = {**os.environ, "COLUMNS": "200"}
    done = subprocess.run(words, shell=True, cwd=folder, capture_output=True, text=True, env=environment, check=False)
    shown = done.stderr if "validate" in command else done.stdout
    return shown.strip().splitlines()


def agrees(shown, printed):
    """Line by line; ``...`` stands for anything within a line, or for any lines."""
    pattern = "\n".join(shown).replace("[...]", "...").replace("[", "[[]").replace("...", "*")
    return fnmatchcase("\n".join(printed), pattern)


def test_the_tour_does_what_it_shows(tmp_path):
    for language, body in BLOCKS:
        first = body.partition("\n")[0]
        if language in ("python", "yaml") and first.startswith("# "):
            (tmp_path / first[2:]).write_text(body, encoding="utf-8")
        if language == "console":
            command, *shown = body.strip().splitlines()
            printed = typed(command.removeprefix("$ "), tmp_path)
            assert agrees(shown, printed), (command, printed)


def test_the_python_sessions_print_what_they_show():
    sessions = "\n".join(body for language, body in BLOCKS if language == "python" and body.startswith(">>>"))
    test = doctest.DocTestParser().get_doctest(sessions, {}, "README.md", "README.md", 0)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    assert len(test.examples) > 15
    assert runner.run(test).failed == 0


@pytest.mark.parametrize("mark", ["main job", "tests"])
def test_each_of_the_two_commands_stands_once_where_scripts_find_it(mark):
    assert len(re.findall(rf"<!-- {mark} -->\n```sh\n.*?\n```$", README, flags=re.MULTILINE | re.DOTALL)) == 1


def test_every_file_that_the_readme_names_exists():
    for name in re.findall(r"\]\(([\w./-]+)\)|`((?:configs|benchmarks)/[\w./-]*)`", README):
        assert (ROOT / "".join(name)).exists(), name


def test_every_command_check_engine_and_format_is_documented():
    from gradaudit import checks, engines

    known = README + (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    for word in [*checks.names(), *engines.names(), "run", "list", "validate", "schema"]:
        assert word in known, word
