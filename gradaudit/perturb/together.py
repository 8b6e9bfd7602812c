"""Differences along many coordinates from a few evaluations: those that move no output twice are moved at once.

Nothing is taken on trust: at every step that is used, a random half of what moved together is moved again, and one
coordinate by itself. Every output must then have the bits that the pattern says, or ``Coupled`` is raised.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradaudit.perturb.dependency import keeps_to
from gradaudit.perturb.noise import Function
from gradaudit.perturb.pattern import Indices, Pattern
from gradaudit.perturb.samples import Array
from gradaudit.perturb.steps import Entries

#: What moves together is evaluated, and looked at again.
LOOKS = 2


class Coupled(Exception):
    """Outputs depend on more than the pattern says, at a step that is used."""


@dataclass(frozen=True)
class Movers:
    """Coordinates to be moved, some perhaps more than once, and the outputs that are read for each."""

    coordinate: Indices  #: (M,)
    colour: Indices  #: (M,) those of one colour move no output twice
    reader: Indices  #: (Q,) which of the movers
    output: Indices  #: (Q,) that is read for it

    @classmethod
    def of(cls, pattern: Pattern, coordinate: Indices) -> "Movers":
        """Different coordinates, each with all the outputs that it moves."""
        reader, entry = pattern.entries_of(coordinate)
        return cls(coordinate, pattern.colour[coordinate], reader, pattern.output[entry])

    @classmethod
    def of_entries(cls, colour: Indices, entries: Entries, h: Array) -> tuple["Movers", Indices]:
        """Each entry's coordinate, once for all its entries where their steps ``h`` (K, D) are the same; and the entry
        that each mover takes its steps from.
        """
        coordinate, first, reader = np.unique(entries.index, return_index=True, return_inverse=True)
        if not _alike(h, h[:, first[reader]]):
            coordinate, first, reader = entries.index, np.arange(len(entries)), np.arange(len(entries))
        twin = np.arange(coordinate.size) - np.searchsorted(coordinate, coordinate)
        return cls(coordinate, colour[coordinate] + len(colour) * twin, reader, entries.output), first

    def by_colour(self) -> tuple[list[Indices], list[Indices]]:
        """For each colour in turn, its movers and their readers."""
        colours, number = np.unique(self.colour, return_inverse=True)
        return _grouped(number, colours.size), _grouped(number[self.reader], colours.size)


def _grouped(number: Indices, count: int) -> list[Indices]:
    """The places at which each of the numbers 0 … count − 1 stands; sorted once, as there may be a colour for each."""
    ends = np.cumsum(np.bincount(number, minlength=count))
    return np.split(np.argsort(number, kind="stable"), ends[:-1])


def _alike(a: Array, b: Array) -> bool:
    return bool(np.array_equal(a, b, equal_nan=True))


@dataclass
class Together:
    """f, moved along all coordinates of a colour at once."""

    function: Function  #: float64[n] -> float64[m]
    x: Array  #: (n,)
    base: Array  #: (m,) f(x), as it is
    pattern: Pattern | None  #: None: nothing is known, so that they move one by one
    rng: np.random.Generator
    evaluations: int = 0  #: of f, so far
    alone: int = 0  #: that it would have taken to move them one by one
    samples: int = 0  #: what ``Samples.evaluations`` makes of them, that counts each direction by itself

    @property
    def colour(self) -> Indices:
        """(n,) coordinates of one colour move at once."""
        return np.arange(self.x.size) if self.pattern is None else self.pattern.colour

    @property
    def saves(self) -> bool:
        """Whether anything moves together."""
        return self.pattern is not None

    def pays(self, coordinates: Indices) -> bool:
        """Whether so many coordinates need fewer evaluations together, the second looks included."""
        return LOOKS * np.unique(self.colour[coordinates]).size + 1 < len(coordinates)

    def changes(self, movers: Movers, landed: Array) -> Array:
        """(K, Q) f less f(x) at each reader's output, where its mover alone is at ``landed`` (K, M).

        NaN where it does not move (``landed`` is NaN) or f has no value.
        """
        change = np.full((len(landed), movers.reader.size), np.nan)
        foreign = self._foreign(movers)
        by_colour, readers = movers.by_colour()
        for k, values in enumerate(landed):
            self.alone += int(np.isfinite(values).sum())
            for mine, read in zip(by_colour, readers, strict=True):
                moving = mine[np.isfinite(values[mine])]
                if moving.size:
                    whole = self._whole(movers.coordinate[moving], values[moving], alone=mine is by_colour[0])
                    heard = read[np.isfinite(values[movers.reader[read]])]
                    output = movers.output[heard]
                    with np.errstate(invalid="ignore"):
                        change[k, heard] = np.where(foreign[heard], 0.0, whole[output] - self.base[output])
        return change

    def _foreign(self, movers: Movers) -> NDArray[np.bool_]:
        """Readers of outputs that do not depend on their mover: what they show is another's."""
        if self.pattern is None:
            return np.zeros(movers.reader.size, dtype=bool)
        return self.pattern.place(movers.output, movers.coordinate[movers.reader]) < 0

    def _whole(self, coordinates: Indices, values: Array, *, alone: bool = False) -> Array:
        """(m,) f where all of these are at ``values``, seen to be what random halves do, and with ``alone`` what one
        of them does by itself.
        """
        whole = self._value(coordinates, values)
        if whole is not None:
            if len(coordinates) > 1:
                self._look_again(coordinates, values, whole, some=self.rng.random(len(coordinates)) < 0.5)
            if len(coordinates) > 1 and alone:
                one = self.rng.integers(len(coordinates))
                self._look_again(coordinates, values, whole, some=np.arange(len(coordinates)) == one)
            return whole
        if len(coordinates) == 1:
            return np.full(self.base.shape, np.nan)
        middle = len(coordinates) // 2  # one of them may have left the domain: the others have a value
        parts = [(coordinates[:middle], values[:middle]), (coordinates[middle:], values[middle:])]
        return self._assembled([(there, self._whole(there, to)) for there, to in parts])

    def _assembled(self, parts: Sequence[tuple[Indices, Array]]) -> Array:
        """f(x) with the outputs that depend on some coordinates as they are in ``parts``."""
        assert self.pattern is not None
        value = self.base.copy()
        for coordinates, there in parts:
            outputs = self.pattern.output[self.pattern.entries_of(coordinates)[1]]
            value[outputs] = there[outputs]
        return value

    def _look_again(self, coordinates: Indices, values: Array, whole: Array, *, some: NDArray[np.bool_]) -> None:
        assert self.pattern is not None
        part = self._value(coordinates[some], values[some])
        if part is None:
            raise Coupled("f has no value where only some of the elements are moved")
        if not keeps_to(self.pattern, coordinates[some], part, whole=whole, base=self.base, members=coordinates):
            raise Coupled(f"that {self.pattern.said} does not hold at every step")

    def _value(self, coordinates: Indices, values: Array) -> Array | None:
        at = self.x.copy()
        at[coordinates] = values
        self.evaluations += 1
        value = self.function(at)
        return value if value is not None and value.size == self.base.size else None
