"""Every block of every guide in docs/ is run: files are written, commands typed, sessions compared."""

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gradaudit.libraries import LIBRARIES, missing

DOCS = Path(__file__).parents[1] / "docs"
GUIDES = ["scipy", "torch"]


def blocks(name):
    text = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    return re.findall(r"^```(\w+)\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def typed(command, folder):
    words = command.removeprefix("$ ").replace("gradaudit ", f"{sys.executable} -m gradaudit ", 1)
    done = subprocess.run(
        words, shell=True, cwd=folder, capture_output=True, text=True, env={**os.environ, "COLUMNS": "200"}, check=False
    )
    return done.stdout.strip().splitlines()


@pytest.mark.parametrize("guide", GUIDES)
def test_a_guide_does_what_it_shows(guide, tmp_path, monkeypatch):
    if guide in LIBRARIES and missing(guide):
        pytest.skip(missing(guide))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    names, runner, kinds = {}, doctest.DocTestRunner(), set()
    for language, body in blocks(guide):
        first, _, _ = body.partition("\n")
        if first.startswith("# "):
            (tmp_path / first[2:]).write_text(body, encoding="utf-8")
            kinds.add("file")
        elif first.startswith(">>>"):
            test = doctest.DocTestParser().get_doctest(body, names, guide, None, 0)
            assert runner.run(test, clear_globs=False).failed == 0
            names = test.globs
            kinds.add("session")
        elif language == "console":
            command, *shown = body.strip().splitlines()
            assert typed(command, tmp_path) == shown
            kinds.add("command")
        else:
            pytest.fail(f"a block of {guide}.md is neither a file, a session nor a command: {first}")
    assert kinds == {"file", "session", "command"}
