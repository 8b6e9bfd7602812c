"""Where the command line speaks: results on stdout, everything else on stderr."""

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

import click

if TYPE_CHECKING:
    from pathlib import Path

    from gradaudit.running.record import Audit

STEP_SUMMARY = 1_000_000  #: bytes; GitHub takes 1 MiB a step and nothing of what is larger
STYLES = ("full", "concise", "json", "github", "quiet")  #: of ``gradaudit.terminal.FORMATS``, which is slow to import


def show(audit: "Audit", *, style: str, folder: "Path | None") -> None:
    """The audit on stdout in one of STYLES, and where its report is, if it is in ``folder``."""
    from gradaudit import terminal

    text = terminal.FORMATS[style](audit)
    put(terminal.coloured(text) if style in ("full", "concise") and takes_colour(sys.stdout) else text)
    if style != "quiet" and folder is not None and (folder / "report.html").is_file():
        say(f"report: {folder / 'report.html'}")
    _summarise_step(audit)


def takes_colour(stream: TextIO | None) -> bool:
    """Whether it is a terminal with colour, of a user who has not said NO_COLOR; empty is unset (no-color.org)."""
    on_terminal = stream is not None and stream.isatty()
    return on_terminal and os.environ.get("TERM") != "dumb" and not os.environ.get("NO_COLOR")


def _summarise_step(audit: "Audit") -> None:
    """Add the Markdown summary to the page of a GitHub Actions step, where there is one and it has room."""
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if not path:
        return
    from gradaudit.report import markdown

    try:
        taken = os.path.getsize(path) if os.path.exists(path) else 0
        with open(path, "a", encoding="utf-8", errors="backslashreplace") as page:
            page.write(markdown.within(audit, max(0, STEP_SUMMARY - taken)) + "\n")
    except OSError as problem:  # the audit counts, not its decoration
        say(f"gradaudit: cannot write the step summary {path}: {problem.strerror}")


def put(text: str) -> None:
    """Write results to stdout. Raises OutputBroken where that takes no more: what was not written is no success."""
    problem = _written(sys.stdout, text)
    if problem is not None:
        from gradaudit.report import OutputBroken

        raise OutputBroken(f"cannot write to stdout: {problem.strerror}")


def say(text: str) -> None:
    """Write a line to stderr, if anybody can read it."""
    _written(sys.stderr, text + "\n")


def stop(problem: object, status: int) -> int:
    """Say why the command ends, and give its exit status."""
    say(f"gradaudit: {problem}")
    return status


def arguments() -> tuple[str, ...]:
    """The command line of this invocation."""
    given: tuple[str, ...] = click.get_current_context().find_root().obj
    return given


def _written(stream: TextIO | None, text: str) -> OSError | None:
    """What kept ``text`` from being written; a reader that has gone (``| head``, ``>&-``) is no problem."""
    if stream is None:  # closed before the program began
        return None
    try:
        stream.write(text)
        stream.flush()
    except OSError as problem:
        with open(os.devnull, "w") as nowhere:  # what is still buffered goes there at exit
            os.dup2(nowhere.fileno(), stream.fileno())
        return None if isinstance(problem, BrokenPipeError) else problem
    return None


def some(ids: Sequence[str]) -> str:
    """``'a', 'b', 'c', …``: the first of ``ids``."""
    return ", ".join(map(repr, ids[:3])) + (", …" if len(ids) > 3 else "")
