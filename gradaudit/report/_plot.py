"""The error-against-step curve of one element, drawn in characters: both axes are powers of ten."""

from collections.abc import Sequence
from math import ceil, floor, inf, isfinite, log10, nan

from gradaudit.judge.verdict import CurvePoint

WIDTH, HEIGHT = 61, 15
#: Decades of error that are drawn at most; what lies deeper stands on the floor.
DEEPEST = 16

ERROR, NOISE, BOTH, FLOOR, ALLOWED = "●", "·", "◐", "○", "┄"


def v_curve(points: Sequence[CurvePoint], *, allowed: float = nan, h_best: float = nan) -> list[str]:
    """The lines of the drawing; none where no step was measured.

    ``●`` is |analytic − numeric| at a step, ``·`` what noise can make of that difference, ``◐`` both, ``○`` an error at
    or below the floor, ``┄`` the largest error that passes; ``▲`` marks the step that was chosen.
    """
    drawn = sorted((point for point in points if point.h > 0 and isfinite(point.h)), key=lambda point: point.h)
    seen = [value for point in drawn for value in (point.error, point.uncertainty) if 0 < value < inf]
    if not seen:
        return []
    top = ceil(log10(max(*seen, allowed if 0 < allowed < inf else 0.0)))
    bottom = max(floor(log10(min(*seen, allowed if 0 < allowed < inf else inf))), top - DEEPEST)
    left, right = floor(log10(drawn[0].h)), ceil(log10(drawn[-1].h))
    grid = _Grid(left, max(right, left + 1), bottom, max(top, bottom + 1))
    if 0 < allowed < inf:
        grid.rule(allowed)
    for point in drawn:
        grid.put(point.h, point.uncertainty, NOISE)
        grid.put(point.h, point.error, ERROR)
    return grid.lines(h_best)


class _Grid:
    """Characters over decades: columns are steps, rows are errors."""

    def __init__(self, left: int, right: int, bottom: int, top: int) -> None:
        self.left, self.right, self.bottom, self.top = left, right, bottom, top
        self.cells = [[" "] * WIDTH for _ in range(HEIGHT)]

    def put(self, h: float, value: float, mark: str) -> None:
        if not isfinite(value):
            return
        low = value <= 0 or log10(value) < self.bottom
        if low and mark == NOISE:
            return
        row, column = 0 if low else self._row(log10(value)), self._column(h)
        there = self.cells[row][column]
        self.cells[row][column] = FLOOR if low else BOTH if there == NOISE and mark == ERROR else mark

    def rule(self, value: float) -> None:
        self.cells[self._row(log10(value))] = [ALLOWED] * WIDTH

    def lines(self, h_best: float) -> list[str]:
        body = [f"{self._label(row)} ┤{''.join(self.cells[row]).rstrip()}" for row in reversed(range(HEIGHT))]
        left, right = f"1e{self.left:+03d}", f"1e{self.right:+03d}"
        return [
            *body,
            f"{'':6}└{'─' * WIDTH}",
            *([f"{'':7}{' ' * self._column(h_best)}▲"] if h_best > 0 and isfinite(h_best) else []),
            f"{'':7}{left}{'h'.center(WIDTH - len(left) - len(right))}{right}",
        ]

    def _label(self, row: int) -> str:
        """A power of ten at the rows that are nearest to one of them; at most every second row."""
        decade = self.bottom + round(row / (HEIGHT - 1) * (self.top - self.bottom))
        return f"1e{decade:+03d}" if self._row(decade) == row else f"{'':5}"

    def _row(self, exponent: float) -> int:
        return _place(exponent, self.bottom, self.top, HEIGHT)

    def _column(self, h: float) -> int:
        return _place(log10(h), self.left, self.right, WIDTH)


def _place(value: float, low: int, high: int, count: int) -> int:
    share = (value - low) / (high - low)
    return min(max(round(share * (count - 1)), 0), count - 1)
