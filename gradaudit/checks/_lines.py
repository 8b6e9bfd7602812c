"""A claim along dense random directions: what it says there, what differences say, and how far both are apart."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from gradaudit.checks._ground import Ground
from gradaudit.judge.element import FAIL_FACTOR
from gradaudit.judge.table import COARSEST
from gradaudit.perturb.certificate import COARSE, FINE, Family, Lattice
from gradaudit.perturb.gauge import Gauge, Reading
from gradaudit.perturb.samples import Array
from gradaudit.perturb.steps import Coordinates, Moves, Tangents

#: Rounding of the claim and of its product with a direction, relative to the norm of that product's terms.
ROUNDING, NARROW_ROUNDING = 2.0**-46, 2.0**-22
#: Coordinates of directions in memory at once, but for a single one.
ROOM = 2**20


@dataclass(frozen=True)
class Drawn:
    """A random direction w∘v, made anew from its seed whenever it is needed: none is kept."""

    family: Family
    seed: int


@dataclass(frozen=True)
class Line:
    """Both sides along one direction. Arrays (R,)."""

    drawn: Drawn
    analytic: Array
    norm: Array  #: of the terms that ``analytic`` is the sum of
    slack: Array  #: rounding of ``analytic``, and what is not known of elements that were corrected
    reading: Reading

    @property
    def residual(self) -> Array:
        """(R,) analytic − numeric"""
        return self.analytic - self.reading.value

    @property
    def bar(self) -> Array:
        """(R,) of the residual."""
        return self.reading.bar + self.slack

    @property
    def reach(self) -> Array:
        """(R,) how far off the claim may be along this direction."""
        return np.abs(self.residual) + FAIL_FACTOR * self.bar

    def is_off_by(self, tolerated: Array) -> bool:
        """Some residual is more than bars and ``tolerated`` (R,) explain."""
        return bool((np.abs(self.residual) > FAIL_FACTOR * self.bar + tolerated).any())


@dataclass
class Lines:
    """The directions of one comparison, and a working copy of its claim in which wrong elements are put right."""

    ground: Ground
    corrected: dict[int, tuple[Array, Array]] = field(default_factory=dict)  #: what is taken off (R,), with its bar

    def __post_init__(self) -> None:
        comparison = self.ground.comparison
        assert not isinstance(comparison.directions, Tangents)
        self.moves: Coordinates | Moves = comparison.directions
        self.scale = self.moves.scale
        self.gauge = Gauge(self.ground.probe)

    @property
    def count(self) -> int:
        """D"""
        return len(self.moves)

    @property
    def readouts(self) -> int:
        """R"""
        return self.ground.probe.readouts

    def typical(self) -> Array:
        """(R,) the root mean square of |g|·s."""
        norms = [np.linalg.norm(self.sensitivity(readout)) for readout in range(self.readouts)]
        return np.array(norms) / np.sqrt(self.count)

    @property
    def lattice(self) -> Lattice:
        """Where the entries of v are drawn from."""
        return COARSE if self.ground.limits.narrow else FINE

    def sensitivity(self, readout: int, *, corrected: bool = True) -> Array:
        """(D,) |g|·s"""
        claim = self.ground.comparison.analytic[:, readout]
        size = np.abs(claim) * self.scale
        for element, (wrong, _) in self.corrected.items() if corrected else ():
            size[element] = abs(claim[element] - wrong[readout]) * self.scale[element]
        return size

    def claimed_sensitivity(self) -> Array:
        """(D,) the largest of all readouts, as claimed."""
        size = self.sensitivity(0, corrected=False)
        for readout in range(1, self.ground.probe.readouts):
            np.fmax(size, self.sensitivity(readout, corrected=False), out=size)
        return size

    def draw(self, rng: np.random.Generator, families: Iterable[Family], count: int) -> list[Drawn]:
        """``count`` directions of each family."""
        return [Drawn(family, int(seed)) for family in families for seed in rng.integers(2**63, size=count)]

    def direction(self, drawn: Drawn) -> Array:
        """(D,) w∘v"""
        v = self.lattice.draw(np.random.default_rng(drawn.seed), len(self.moves))
        v *= self.weights(drawn.family)
        return v

    def weights(self, family: Family) -> Array:
        """(D,) w"""
        if family.level == np.inf:
            return self.scale
        return family.weights(self.scale, self.claimed_sensitivity())

    def read(self, drawn: Sequence[Drawn], *, enough: Array | float = 0.0) -> list[Line]:
        """Measure along the whole of each direction, of as many together as take little memory."""
        together = max(1, ROOM // self.count)
        blocks = (drawn[start : start + together] for start in range(0, len(drawn), together))
        return [line for block in blocks for line in self._along(block, self._stacked(block), 0, enough)]

    def along(self, drawn: Drawn, part: Array, start: int) -> Line:
        """Measure along ``part`` (P,) of a direction, which belongs to elements from ``start`` on."""
        (line,) = self._along([drawn], part[None], start, 0.0)
        return line

    def _stacked(self, drawn: Sequence[Drawn]) -> Array:
        """(k, D) all of them; of a single one, which may be large, no copy."""
        return self.direction(drawn[0])[None] if len(drawn) == 1 else np.array([self.direction(one) for one in drawn])

    def _along(self, drawn: Sequence[Drawn], parts: Array, start: int, enough: Array | float) -> list[Line]:
        """Measure along ``parts`` (k, P) of directions, which belong to elements from ``start`` on."""
        size = parts.shape[1]
        moves = self.moves.take(np.arange(start, start + size))
        analytic, norm = self._claimed(parts, start)
        readings = self.gauge.read(Tangents(moves.point, moves.spread(parts)), analytic, enough=enough)
        rounding = NARROW_ROUNDING if self.ground.limits.narrow else ROUNDING
        proven = (norm == 0) & self._is_fine  # where f does not move either
        readings = [
            replace(one, bar=np.where(one.still & zero, 0.0, one.bar))
            for one, zero in zip(readings, proven, strict=True)
        ]
        lines = map(Line, drawn, analytic, norm, rounding * norm, readings)
        inside = [i for i in self.corrected if start <= i < start + size]
        amounts = parts[:, np.array(inside, dtype=np.intp) - start]
        return [self.put_right(line, inside, amount) for line, amount in zip(lines, amounts, strict=True)]

    def put_right(self, line: Line, elements: list[int], amounts: Array) -> Line:
        """``line`` with corrections that it did not know yet, of ``elements`` that it moves by ``amounts``."""
        analytic, slack = line.analytic.copy(), line.slack.copy()
        for element, amount in zip(elements, amounts, strict=True):
            wrong, bar = self.corrected[element]
            analytic -= wrong * amount
            slack += bar * abs(amount)
        return replace(line, analytic=analytic, slack=slack)

    @property
    def _is_fine(self) -> NDArray[np.bool_]:
        """(R,) f is computed finely enough to tell a change: what then stands still is a constant."""
        probe = self.ground.probe
        return np.asarray(probe.quiet <= COARSEST * probe.combined_noise(np.abs(probe.base)))

    def _claimed(self, parts: Array, start: int) -> tuple[Array, Array]:
        """(k, R) the claim along ``parts``, and the norm of its terms. Summed pairwise, one readout after the other."""
        claim = self.ground.comparison.analytic[start : start + parts.shape[1]]
        analytic, norm = np.empty((2, len(parts), claim.shape[1]))
        for readout, column in enumerate(claim.T):
            terms = parts * column
            analytic[:, readout], norm[:, readout] = terms.sum(axis=1), np.linalg.norm(terms, axis=1)
        return analytic, norm


def worst(lines: Sequence[Line]) -> tuple[int, int]:
    """(line, readout) with the largest excess."""
    excess = _excess(lines)
    k, readout = divmod(int(np.argmax(excess)), excess.shape[1])
    return k, readout


def fails(lines: Sequence[Line]) -> NDArray[np.bool_]:
    """(k, R) where a residual is more than its bars explain."""
    return _excess(lines) > 1


def _excess(lines: Sequence[Line]) -> Array:
    """(k, R) residual over what is allowed: above 1, the claim is wrong along this direction."""
    residual, bar = (np.array(side) for side in zip(*((line.residual, line.bar) for line in lines), strict=True))
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.abs(residual) / (FAIL_FACTOR * bar)
    return np.where(residual == 0, 0.0, np.nan_to_num(found, nan=np.inf))
