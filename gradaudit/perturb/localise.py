"""Group testing along one direction: which elements of a claim its residual comes from, in O(s·log n) questions.

A residual is additive over index ranges. Beside bisection, the residual of a range whose direction is weighted by
position points at a single faulty element at once: the ratio of both residuals is its position (ratio decoding).
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite, isnan

import numpy as np

from gradaudit.perturb.samples import Array

#: A residual is one where it exceeds its bar this many times.
CERTAIN = 3.0
#: A decoded window must be smaller than its range by this factor, or bisection does as well.
GAIN = 4
#: Where both halves were faulty at so many splits in a row, the range is faulty throughout.
DENSE = 6
#: Located elements: more say no more.
ENOUGH = 32


@dataclass(frozen=True)
class Residual:
    """How far the claim is off along the part of a direction in a range."""

    value: float
    bar: float

    @property
    def certain(self) -> bool:
        """It is not zero; False too where f had no value, so that nothing is known (NaN)."""
        return abs(self.value) > CERTAIN * self.bar

    def less(self, other: "Residual") -> "Residual":
        """What the rest of the range adds."""
        return Residual(self.value - other.value, self.bar + other.bar)


#: The residual of elements start … stop − 1; if so asked, each weighted by its position as ``ramp`` says. None: the
#: budget is spent.
Ask = Callable[[int, int, bool], Residual | None]


@dataclass(frozen=True)
class _Range:
    start: int
    stop: int
    residual: Residual
    root: tuple[int, int]  #: the largest range around it that has been faulty throughout so far,
    depth: int  #: so many splits above

    @property
    def size(self) -> int:
        return self.stop - self.start


@dataclass
class Located:
    """Where the residual of a direction comes from."""

    elements: dict[int, Residual] = field(default_factory=dict)  #: single elements, each with its own residual
    ranges: list[tuple[int, int]] = field(
        default_factory=list
    )  #: in which elements are wrong that were not singled out
    complete: bool = True  #: nothing else is wrong along this direction


def ramp(size: int, positions: int) -> Array:
    """(size,) weights (i + ½)/size, rounded to ``positions`` different ones: few bits keep x ± h·v exact."""
    return (np.floor((np.arange(size) + 0.5) * (positions / size)) + 0.5) / positions


def locate(ask: Ask, whole: Residual, size: int, *, positions: int, cuts: Sequence[int] = ()) -> Located:
    """The elements that ``whole``, the certain residual of elements 0 … size − 1, comes from.

    Ranges are split at ``cuts`` (ascending) where there are some inside, so that a faulty array stays whole.
    ``positions`` is what ramps are rounded to.
    """
    return _Search(ask, cuts, 0.5 / positions).run(_Range(0, size, whole, (0, size), 0))


class _Search:
    """Ranges still to be looked into, the largest residual first."""

    def __init__(self, ask: Ask, cuts: Sequence[int], rounding: float) -> None:
        self.ask, self.cuts = ask, cuts
        self.rounding = rounding  #: of a position on a ramp
        self.found = Located()
        self.open: list[_Range] = []

    def run(self, whole: _Range) -> Located:
        """Until nothing is open, or the budget is spent."""
        self.open = [whole]
        while self.open and len(self.found.elements) < ENOUGH:
            self.open.sort(key=lambda one: abs(one.residual.value))
            there = self.open.pop()
            rest = self._unexplained(there)
            if rest.certain and not self._look_into(there, rest):
                self.open.append(there)
                break
        for one in self.open:
            if self._unexplained(one).certain:
                self._add(one.start, one.stop)
        self.found.complete = not self.found.ranges
        return self.found

    def _unexplained(self, there: _Range) -> Residual:
        """The residual of a range less that of the elements located in it since."""
        rest = there.residual
        for element, known in self.found.elements.items():
            if there.start <= element < there.stop:
                rest = rest.less(known)
        return rest

    def _look_into(self, there: _Range, rest: Residual) -> bool:
        """Whether the budget lasted."""
        if there.size == 1:
            self.found.elements[there.start] = rest
            return True
        if there.depth >= DENSE:
            self._faulty_throughout(there)
            return True
        ramped = self.ask(there.start, there.stop, True)
        if ramped is None:
            return False
        window = self._decoded(there, rest, ramped)
        if window is not None:
            inside = self.ask(*window, False)
            if inside is None:
                return False
            inside = self._unexplained(_Range(*window, inside, window, 0))
            if not rest.less(inside).certain and inside.certain:
                self.open.append(_Range(*window, inside, window, 0))
                return True
        return self._split(there, rest)

    def _decoded(self, there: _Range, rest: Residual, ramped: Residual) -> tuple[int, int] | None:
        """Where a single faulty element would be; None where it may be almost anywhere, or there is more than one."""
        for element, known in self.found.elements.items():
            if there.start <= element < there.stop:
                part = (element - there.start + 0.5) / there.size
                rounding = self.rounding * abs(known.value) / CERTAIN
                ramped = ramped.less(Residual(part * known.value, part * known.bar + rounding))
        ratio = ramped.value / rest.value
        if not isfinite(ratio):
            return None
        slack = CERTAIN * (ramped.bar + abs(ratio) * rest.bar) / abs(rest.value) + self.rounding
        low, high = int((ratio - slack) * there.size), int((ratio + slack) * there.size) + 1
        if ratio + slack < 0 or ratio - slack > 1 or (high - low) * GAIN > max(there.size, GAIN):
            return None
        return there.start + min(max(low, 0), there.size - 1), there.start + min(max(high, 1), there.size)

    def _split(self, there: _Range, rest: Residual) -> bool:
        middle = self._middle(there)
        left = self.ask(there.start, middle, False)
        if left is None:
            return False
        left = self._unexplained(_Range(there.start, middle, left, there.root, 0))
        right = rest.less(left)
        if not right.certain and (not left.certain or abs(right.value) > right.bar):
            measured = self.ask(middle, there.stop, False)
            if measured is None:
                return False
            right = self._unexplained(_Range(middle, there.stop, measured, there.root, 0))
        if isnan(left.value):  # f has no value where that half moves by itself
            left = rest.less(right)
        both = left.certain and right.certain
        for start, stop, residual in ((there.start, middle, left), (middle, there.stop, right)):
            if residual.certain:
                root, depth = (there.root, there.depth + 1) if both else ((start, stop), 0)
                self.open.append(_Range(start, stop, residual, root, depth))
        if not (left.certain or right.certain):  # too little in either half to be told from noise
            self._add(there.start, there.stop)
        return True

    def _middle(self, there: _Range) -> int:
        """The cut nearest to the middle, or the middle itself."""
        middle = (there.start + there.stop) // 2
        k = bisect_left(self.cuts, middle)
        inside = [cut for cut in self.cuts[max(k - 1, 0) : k + 1] if there.start < cut < there.stop]
        return min(inside, key=lambda cut: abs(cut - middle), default=middle)

    def _faulty_throughout(self, there: _Range) -> None:
        """The whole range around it, instead of all that is still open in that; but some of it is singled out."""
        first, last = there.root
        self._add(first, last)
        self.open = [one for one in self.open if not (first <= one.start and one.stop <= last)]
        self.open.append(replace(there, root=(there.start, there.stop), depth=0))

    def _add(self, start: int, stop: int) -> None:
        if not any(first <= start and stop <= last for first, last in self.found.ranges):
            self.found.ranges.append((start, stop))
