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

    @property
    def excess(self) -> Array:
        """(R,) residual over what is allowed: above 1, the claim is wrong along this direction."""
        with np.errstate(divide="ignore", invalid="ignore"):
            found = np.abs(self.residual) / (FAIL_FACTOR * self.bar)
        return np.where(self.residual == 0, 0.0, np.nan_to_num(found, nan=np.inf))

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

    def read(self, drawn: Drawn, *, enough: Array | float = 0.0) -> Line:
        """Measure along the whole of a direction."""
        return self.along(drawn, self.direction(drawn), 0, enough=enough)

    def along(self, drawn: Drawn, part: Array, start: int, *, enough: Array | float = 0.0) -> Line:
        """Measure along ``part`` (P,) of a direction, which belongs to elements from ``start`` on."""
        moves = self.moves.take(np.arange(start, start + part.size))
        reading = self.gauge.read(Tangents(moves.point, moves.spread(part[None])), enough=enough)
        analytic, norm = self._claimed(part, start)
        rounding = NARROW_ROUNDING if self.ground.limits.narrow else ROUNDING
        reading = replace(reading, bar=np.where(self._stands_still(reading) & (norm == 0), 0.0, reading.bar))
        line = Line(drawn, analytic, norm, rounding * norm, reading)
        inside = [i for i in self.corrected if start <= i < start + part.size]
        return self.put_right(line, inside, part[np.array(inside, dtype=np.intp) - start])

    def put_right(self, line: Line, elements: list[int], amounts: Array) -> Line:
        """``line`` with corrections that it did not know yet, of ``elements`` that it moves by ``amounts``."""
        analytic, slack = line.analytic.copy(), line.slack.copy()
        for element, amount in zip(elements, amounts, strict=True):
            wrong, bar = self.corrected[element]
            analytic -= wrong * amount
            slack += bar * abs(amount)
        return replace(line, analytic=analytic, slack=slack)

    def _stands_still(self, reading: Reading) -> NDArray[np.bool_]:
        """(R,) f does not move by a bit, though it is computed finely enough to."""
        probe = self.ground.probe
        fine = probe.quiet <= COARSEST * probe.combined_noise(np.abs(probe.base))
        return np.asarray(reading.samples.constant[0] & fine)

    def _claimed(self, part: Array, start: int) -> tuple[Array, Array]:
        """(R,) the claim along ``part``, and the norm of its terms. Summed pairwise, one readout after the other."""
        claim = self.ground.comparison.analytic[start : start + part.size]
        analytic, norm = np.empty((2, claim.shape[1]))
        for readout, column in enumerate(claim.T):
            terms = part * column
            analytic[readout], norm[readout] = terms.sum(), np.linalg.norm(terms)
        return analytic, norm


def worst(lines: Sequence[Line]) -> tuple[int, int]:
    """(line, readout) with the largest excess."""
    excess = np.array([line.excess for line in lines])
    k, readout = np.unravel_index(int(np.argmax(excess)), excess.shape)
    return int(k), int(readout)


def fails(lines: Sequence[Line]) -> NDArray[np.bool_]:
    """(k, R) where a residual is more than its bars explain."""
    return np.array([line.excess for line in lines]) > 1
