"""Rows of text under each other, as a terminal shows them."""

from collections.abc import Sequence

from gradaudit.report import _printable


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """A line a row, two spaces between the columns; user text is safe to show. Raises ValueError for uneven rows."""
    safe = [[_printable.one_line(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*safe, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in safe]


def table(rows: Sequence[Sequence[str]]) -> str:
    """The same as one text."""
    return "".join(f"{line}\n" for line in columns(rows))
