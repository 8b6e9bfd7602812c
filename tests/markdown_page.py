"""What a Markdown page shows is done, in its order: files are written, commands typed, sessions compared.

| block | recognised by | done |
|---|---|---|
| file | a first line ``# name.ending`` | written, over an earlier one of that name |
| session | a first line that begins with ``>>>`` | as doctest does; names live on until the end of the page |
| commands | ```` ```console ````, lines that begin with ``$`` | typed; below each stands what it prints |
| script | any other ```` ```python ```` | run by an interpreter of its own, and must not raise |
| sketch | ```` ```sh ```` | not done here, but its commands and options must exist |
| drawing | a fence without a language | looked at |

In what is shown, ``...`` stands for anything within a line, or for any lines.
"""

import doctest
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import click

from gradaudit.cli import gradaudit

ROOT = Path(__file__).parents[1]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
PROGRAMS = {"gradaudit": "gradaudit", "pytest": "pytest", "python": None}


def blocks(page: Path) -> list[tuple[str, str]]:
    """(language, body) of every fenced block."""
    text = page.read_text(encoding="utf-8")
    return re.findall(r"^```(\w*)\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def write_files(page: Path, folder: Path) -> None:
    """Write the files that ``page`` shows."""
    for language, body in blocks(page):
        if _kind(language, body) == "file":
            _write(body, folder)


def follow(page: Path, folder: Path, monkeypatch) -> Counter[str]:
    """Do what ``page`` shows in ``folder``; how many blocks of each kind there were."""
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.chdir(folder)
    names, kinds, loaded = {}, Counter(), set(sys.modules)
    try:
        for language, body in blocks(page):
            kinds[kind := _kind(language, body)] += 1
            if kind == "file":
                _write(body, folder)
            elif kind == "session":
                names = _session(body, names, page.name)
            elif kind == "commands":
                _type(body, folder)
            elif kind == "script":
                subprocess.run([sys.executable, "-c", body], cwd=folder, capture_output=True, check=True)
            elif kind == "sketch":
                _require_known(body)
    finally:
        for name in set(sys.modules) - loaded:  # the next page may have a module of the same name
            if str(folder) in str(getattr(sys.modules[name], "__file__", "")):
                del sys.modules[name]
    return kinds


def _kind(language: str, body: str) -> str:
    first = body.partition("\n")[0]
    if re.fullmatch(r"# [\w./-]+\.\w+", first):
        return "file"
    if first.startswith(">>>"):
        return "session"
    kind = {"console": "commands", "python": "script", "sh": "sketch", "": "drawing"}.get(language)
    assert kind, f"a block that is no file, session, script, drawing, sketch or row of commands: {first}"
    return kind


def _write(body: str, folder: Path) -> None:
    file = folder / body.partition("\n")[0].removeprefix("# ")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(body, encoding="utf-8")


def _session(body: str, names: dict[str, object], page: str) -> dict[str, object]:
    test = doctest.DocTestParser().get_doctest(body, names, page, page, 0)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    assert runner.run(test, clear_globs=False).failed == 0
    return test.globs


def _type(body: str, folder: Path) -> None:
    for command, shown in _commands(body):
        printed = typed(command, folder, errors=bool(shown))
        assert agrees(shown, printed), (command, printed)


def _commands(body: str) -> Iterator[tuple[str, list[str]]]:
    """Every command with the lines that stand below it."""
    for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        command, *shown = part.rstrip().split("\n")
        yield command, shown


def typed(command: str, folder: Path, *, errors: bool = True) -> list[str]:
    """The lines that a command prints: standard output, or with ``errors`` standard error where that is empty."""
    done = shell(command, folder)
    printed = done.stdout.strip() or (done.stderr.strip() if errors else "")
    return printed.splitlines()


def shell(command: str, folder: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    """A command typed in ``folder``, as on anybody's machine: this interpreter, no CI, no settings, no shuffling."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "GRADAUDIT_"))}
    path = os.pathsep.join([str(_programs(folder)), clean["PATH"]])
    environment = {**clean, "COLUMNS": "200", "PATH": path, "PYTEST_ADDOPTS": "-p no:randomly", **variables}
    return subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True, env=environment, check=False)


def _programs(folder: Path) -> Path:
    """A folder of programs that are those of this interpreter."""
    home = folder / ".programs"
    if not home.is_dir():
        home.mkdir()
        for name, module in PROGRAMS.items():
            program = home / name
            program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {f"-m {module}" if module else ""} "$@"\n')
            program.chmod(0o755)
    return home


def agrees(shown: list[str], printed: list[str]) -> bool:
    """Whether that was printed; blank lines and spaces at the ends of lines do not count."""
    one, other = ("\n".join(line.rstrip() for line in lines if line.strip()) for lines in (shown, printed))
    pattern = one.replace("[...]", "...").replace("[", "[[]").replace("?", "[?]").replace("*", "[*]")
    return fnmatchcase(other, pattern.replace("...", "*"))


def _require_known(body: str) -> None:
    """Every ``gradaudit`` command line of a sketch is one that its command would take; every extra exists."""
    for line in body.replace("\\\n", " ").splitlines():
        for words in _simple_commands(line):
            if words[:1] == ["gradaudit"]:
                _require_options(words[1:])
        for extras in re.findall(r"\[([\w,]+)\]'", line):
            assert set(extras.split(",")) <= set(EXTRAS), line


def _simple_commands(line: str) -> Iterator[list[str]]:
    words = shlex.split(line, comments=True)
    while words:
        end = next((index for index, word in enumerate(words) if word in ("&&", "||", "|", ";")), len(words))
        yield words[:end]
        words = words[end + 1 :]


def _require_options(words: list[str]) -> None:
    if words and not words[0].startswith("-"):
        command = gradaudit.get_command(click.Context(gradaudit), words[0])
        assert command, words
        command.make_context(words[0], words[1:])
