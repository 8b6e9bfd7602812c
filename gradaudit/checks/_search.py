"""The wrong elements of a claim that fails along a random direction: found one by one, and put right for the rest."""

from dataclasses import dataclass, field
from itertools import accumulate
from math import log2, prod

from gradaudit.checks._lines import Drawn, Line, Lines, fails, worst
from gradaudit.perturb.localise import ENOUGH, Ask, Residual, locate, ramp
from gradaudit.perturb.samples import Array

#: Evaluations of a search: so many for each bit of an index.
BUDGET = 96
#: Ramps of float32 have fewer positions: x ± h·v has few bits to spare.
POSITIONS, NARROW_POSITIONS = 4096, 64


@dataclass
class Search:
    """Ever more elements of ``lines`` are corrected, until nothing is wrong along them or the budget is spent."""

    lines: Lines
    found: list[int] = field(default_factory=list)
    ranges: list[tuple[int, int]] = field(default_factory=list)  #: with more wrong elements, not singled out

    def __post_init__(self) -> None:
        self.left = int(BUDGET * log2(self.lines.count + 1))
        self.positions = NARROW_POSITIONS if self.lines.ground.limits.narrow else POSITIONS
        shapes = (shape for _, shape in self.lines.ground.comparison.inputs.parts)
        self.cuts = list(accumulate(map(prod, shapes)))[:-1]  # where one input ends and the next begins

    def explain(self, read: list[Line]) -> bool:
        """Correct what makes ``read`` fail, in place; False where something stays unexplained."""
        while fails(read).any():
            new = self._behind(read)
            if not new:
                return False
            for k, line in enumerate(read):
                read[k] = self.lines.put_right(line, new, self.lines.direction(line.drawn)[new])
        return True

    def _behind(self, read: list[Line]) -> list[int]:
        """Elements that the worst line fails by; none where they are too many, or cannot be told."""
        k, readout = worst(read)
        line = read[k]
        u = self.lines.direction(line.drawn)
        whole = Residual(float(line.residual[readout]), float(line.bar[readout]))
        ask = self._asking(line.drawn, u, readout)
        located = locate(ask, whole, self.lines.count, positions=self.positions, cuts=self.cuts)
        new = [element for element in located.elements if element not in self.lines.corrected]
        self.found += new
        self.ranges += located.ranges
        if not located.complete or len(self.found) >= ENOUGH:
            return []
        for element in new:
            # all readouts at once: an element that is wrong for one cotangent is wrong for the others
            there = self.lines.along(line.drawn, u[element : element + 1], element)
            self.lines.corrected[element] = there.residual / u[element], there.bar / abs(u[element])
        return new

    def _asking(self, drawn: Drawn, u: Array, readout: int) -> Ask:
        def ask(start: int, stop: int, ramped: bool) -> Residual | None:
            if self.left <= 0:
                return None
            before = self.lines.gauge.evaluations
            part = u[start:stop]
            line = self.lines.along(drawn, part * ramp(part.size, self.positions) if ramped else part, start)
            self.left -= self.lines.gauge.evaluations - before
            return Residual(float(line.residual[readout]), float(line.bar[readout]))

        return ask
