"""``results.jsonl``: the truth of a run, one line a case, appended as cases finish; all else is rendered from it.

The first line is a header, ``{"format":1,"kind":"gradaudit results","run":"<run id>"}``. Every other line is an object
with ``case``, ``verdict`` and, where it is known, ``position``: the case's place in the plan, from 0.

Format history: 1 — the first; a verdict's ``power`` came later, and is empty where it is missing.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from gradaudit.record import Audit, Result
from gradaudit.report import _codec
from gradaudit.report._files import OutputError, unwritable

SUFFIX = ".jsonl"
FORMAT = 1
KIND = "gradaudit results"


class ResultsFile:
    """A results file that is open from before the first measurement until after the last.

    A line reaches the operating system as soon as its case has finished, so that a killed run keeps what it measured.
    Raises OutputError where the file cannot be opened or written. An older file at the same place is replaced.
    """

    def __init__(self, path: Path, *, run_id: str) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("w", encoding="ascii", newline="\n")
        except OSError as error:
            raise unwritable(path, error) from error
        self._write(_header(run_id))

    def append(self, result: Result, *, position: int | None = None) -> None:
        """Write one finished case; `position` is its place in the plan, from 0."""
        self._write(_line(result, position))

    def close(self) -> None:
        """Make sure that the disk has everything, and close. Closing twice is harmless."""
        if self._file.closed:
            return
        try:
            self._file.flush()
            if self._file.seekable():  # a pipe or a terminal has nothing to sync
                os.fsync(self._file.fileno())
        except OSError as error:
            raise unwritable(self.path, error) from error
        finally:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write(self, line: str) -> None:
        try:
            self._file.write(line + "\n")
            self._file.flush()
        except OSError as error:
            raise unwritable(self.path, error) from error


def render(audit: Audit) -> str:
    """The results file that a run would have left, had its cases finished in plan order."""
    lines = (_line(result, position) for position, result in enumerate(audit.results))
    return "\n".join([_header(audit.run.id), *lines, ""])


def read_results(path: Path) -> list[Result]:
    """The results in a file, in plan order where positions are known, else in the order in which they finished.

    A case that stands there twice counts as it ended last. A last line that was torn by a dying process is passed
    over. Raises OutputError for a file that cannot be read, is no results file, comes from a newer gradaudit, or is
    damaged; the message names the line.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise OutputError(f"cannot read {path}: {error}") from error
    _check_header(path, lines[0])
    found: dict[str, tuple[float, Result]] = {}
    for position, result in _records(path, lines):
        found[result.case.id] = (position, result)
    return [result for _, result in sorted(found.values(), key=lambda item: item[0])]


def _header(run_id: str) -> str:
    return _codec.dumps({"format": FORMAT, "kind": KIND, "run": run_id})


def _line(result: Result, position: int | None) -> str:
    place = {} if position is None else {"position": position}
    return _codec.dumps({**place, "case": result.case, "verdict": result.verdict})


def _check_header(path: Path, line: str) -> None:
    try:
        header = json.loads(line)
    except ValueError:
        header = None
    if not isinstance(header, dict) or header.get("kind") != KIND:
        raise OutputError(f"{path}:1: not a results file; its first line should say {KIND!r}")
    if not isinstance(header.get("format"), int) or header["format"] > FORMAT:
        found = f"results of format {header.get('format')}, allowed up to {FORMAT}"
        raise OutputError(f"{path}:1: {found}; upgrade gradaudit to read them")


def _records(path: Path, lines: list[str]) -> Iterator[tuple[float, Result]]:
    for number, line in enumerate(lines[1:], start=2):
        if not line:
            continue
        try:
            yield _record(_codec.loads(line))
        except (ValueError, TypeError, KeyError) as error:
            if number == len(lines):  # no line end after it: the process died while writing
                return
            raise OutputError(f"{path}:{number}: damaged result: {error}; run the suite again") from error


def _record(data: Any) -> tuple[float, Result]:
    # Without a position, "after all that have one": sorting is stable.
    return data.get("position", float("inf")), _codec.from_plain(Result, data)
