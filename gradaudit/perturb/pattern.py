"""Which outputs of a vector function each coordinate moves, and which coordinates may move together.

Memory is that of the entries: no pattern is ever written out as an m × n matrix.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Pattern:
    """The entries (output, coordinate) at which a Jacobian may differ from zero, by coordinate and then by output."""

    outputs: int  #: m
    coordinates: int  #: n
    output: Indices  #: (E,)
    coordinate: Indices  #: (E,)

    @classmethod
    def of(cls, output: Indices, coordinate: Indices, *, shape: tuple[int, int]) -> "Pattern":
        """Entries in any order, some of them perhaps twice; ``shape`` is (m, n)."""
        key = np.sort(coordinate.astype(np.int64) * shape[0] + output)
        key = key[np.append(True, key[1:] != key[:-1])[: key.size]]
        return cls(*shape, key % shape[0], key // shape[0])

    @classmethod
    def diagonal(cls, n: int) -> "Pattern":
        """Each output depends on the coordinate in its place, as where a function is applied to every element."""
        return cls(n, n, np.arange(n), np.arange(n))

    def with_entries(self, output: Indices, coordinate: Indices) -> "Pattern":
        """This pattern and further entries."""
        return Pattern.of(
            np.concatenate([self.output, output]),
            np.concatenate([self.coordinate, coordinate]),
            shape=(self.outputs, self.coordinates),
        )

    def coloured(self, colour: Indices) -> "Pattern":
        """The same entries with colours (n,) that are known already."""
        vars(self)["colour"] = colour  # as the property below caches its own
        return self

    @cached_property
    def start(self) -> Indices:
        """(n + 1,) the first entry of each coordinate, and the end of the last."""
        return np.searchsorted(self.coordinate, np.arange(self.coordinates + 1))

    @cached_property
    def crowd(self) -> int:
        """The most coordinates that one output depends on: no colouring has fewer colours."""
        return int(np.bincount(self.output, minlength=1).max(initial=0))

    @cached_property
    def colour(self) -> Indices:
        """(n,) coordinates of one colour move no output twice, and may all be moved at once.

        Greedy, in order: Curtis, Powell and Reid, "On the estimation of sparse Jacobian matrices", IMA J. Appl. Math.
        13 (1974). Banded matrices get as few colours as they have entries in a row.
        """
        if self.crowd <= 1:
            return np.zeros(self.coordinates, dtype=np.intp)
        colours, start, outputs = np.empty(self.coordinates, dtype=np.intp), self.start.tolist(), self.output.tolist()
        taken = [0] * self.outputs  # of each output, a bit for each colour that moves it
        for j, (first, end) in enumerate(pairwise(start)):
            used = 0
            for i in outputs[first:end]:
                used |= taken[i]
            free = ~used & (used + 1)
            colours[j] = free.bit_length() - 1
            for i in outputs[first:end]:
                taken[i] |= free
        return colours

    @property
    def colours(self) -> int:
        """How many there are."""
        return int(self.colour.max(initial=-1)) + 1

    def entries_of(self, coordinates: Indices) -> tuple[Indices, Indices]:
        """The entries of some coordinates: (which of ``coordinates``, which entry of the pattern), coordinate by
        coordinate."""
        first, counts = self.start[coordinates], np.diff(self.start)[coordinates]
        owner = np.repeat(np.arange(len(coordinates)), counts)
        within = np.arange(owner.size) - np.repeat(np.cumsum(counts) - counts, counts)
        return owner, first[owner] + within

    def place(self, output: Indices, coordinate: Indices) -> Indices:
        """Which entry each (output, coordinate) is, −1 where it is none."""
        mine = self.coordinate.astype(np.int64) * self.outputs + self.output
        asked = coordinate.astype(np.int64) * self.outputs + output
        found = np.minimum(np.searchsorted(mine, asked), max(mine.size - 1, 0))
        return np.where(mine[found] == asked, found, -1) if mine.size else np.full(asked.shape, -1)

    def same_as(self, other: "Pattern") -> bool:
        """The same entries."""
        return np.array_equal(self.output, other.output) and np.array_equal(self.coordinate, other.coordinate)

    @property
    def said(self) -> str:
        """What it means, in words."""
        per_output = np.bincount(self.output, minlength=self.outputs)
        most = int(per_output.max(initial=0))
        if most == 0:
            return "no output depends on any element"
        if most == 1:
            return "each output depends on one element"
        return f"an output depends on {most} of {self.coordinates:,} elements at most"
