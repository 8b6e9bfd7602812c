"""How the elements of a flat axis are named: ``x[3]``, ``w[0, 2]``, ``tangent 2``."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Axis:
    """Named arrays laid end to end: a flat index belongs to one of them."""

    parts: tuple[tuple[str, tuple[int, ...]], ...]

    @classmethod
    def numbered(cls, name: str, count: int) -> "Axis":
        """``tangent 1``, ``tangent 2``, …"""
        return cls(tuple((f"{name} {k + 1}", ()) for k in range(count)))

    @classmethod
    def outputs(cls, shapes: Iterable[tuple[int, ...]]) -> "Axis":
        """``out``, or ``out0``, ``out1``, … where there are several."""
        shapes = tuple(shapes)
        names = ["out"] if len(shapes) == 1 else [f"out{k}" for k in range(len(shapes))]
        return cls(tuple(zip(names, shapes, strict=True)))

    def prefixed(self, prefix: str) -> "Axis":
        """The same elements under longer names."""
        return Axis(tuple((prefix + name, shape) for name, shape in self.parts))

    @property
    def size(self) -> int:
        """How many elements there are."""
        return sum(prod(shape) for _, shape in self.parts)

    def locate(self, index: int) -> tuple[int, int]:
        """Which part a flat index belongs to, and where in it. Raises IndexError beyond the end."""
        for which, (_, shape) in enumerate(self.parts):
            if index < prod(shape):
                return which, index
            index -= prod(shape)
        raise IndexError(index)

    def parts_of(self, indices: NDArray[np.intp]) -> NDArray[np.intp]:
        """Which part each of many flat indices belongs to."""
        ends = np.cumsum([prod(shape) for _, shape in self.parts])
        return np.asarray(np.searchsorted(ends, indices, side="right"))

    def label(self, index: int) -> str:
        """The name of one element."""
        which, place = self.locate(index)
        name, shape = self.parts[which]
        if not shape:
            return name
        return f"{name}[{', '.join(map(str, _subscript(place, shape)))}]"


def _subscript(place: int, shape: tuple[int, ...]) -> list[int]:
    """Where in an array of this shape its flat element ``place`` is."""
    index: list[int] = []
    for length in reversed(shape):
        place, i = divmod(place, length)
        index.insert(0, i)
    return index
