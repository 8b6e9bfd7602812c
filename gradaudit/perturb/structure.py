"""The directions that keep a structure: elements of symmetric matrices and of a simplex that move together."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np
from numpy.typing import NDArray

from gradaudit.perturb.axis import Axis
from gradaudit.perturb.samples import Array
from gradaudit.perturb.steps import Coordinates, Moves, Point

#: Indices (D, 2) and weights (D, 2) of some moves.
Pairs = tuple[NDArray[np.intp], Array]


@dataclass(frozen=True, eq=False)
class MoveNames(Axis):
    """How moves are named: ``x[0, 1]=x[1, 0]`` where both grow, ``x[2]−x[0]`` where one grows as the other shrinks."""

    elements: Axis  #: names of the coordinates
    moves: Moves
    prefix: str = ""

    def prefixed(self, prefix: str) -> "MoveNames":
        """The same moves under longer names."""
        parts = tuple((prefix + name, shape) for name, shape in self.parts)
        return replace(self, parts=parts, prefix=prefix + self.prefix)

    def label(self, index: int) -> str:
        """The name of one move."""
        first, *others = zip(self.moves.index[index], self.moves.weight[index], strict=True)
        name = self.prefix + self.elements.label(int(first[0]))
        signs = {1.0: "=", -1.0: "−"}
        return name + "".join(signs[weight] + self.elements.label(int(i)) for i, weight in others if weight)


def directions_on(
    point: Point, elements: Axis, structures: Sequence[str | None] = ()
) -> tuple[Coordinates | Moves, Axis]:
    """The directions in which x can move, and their names.

    ``elements`` names the coordinates, an array a part; ``structures`` has an entry for each part. Symmetric and
    positive definite matrices (on the last two axes) move x_ij with x_ji; a point of a simplex (on the last axis) moves
    mass between an element and the largest of its row; all else moves by single coordinates.
    """
    if not any(structures):
        return Coordinates(point, np.arange(point.x.size)), elements
    moves, parts, start = [], [], 0
    for (name, shape), structure in zip(elements.parts, structures, strict=True):
        values = point.x[start : start + prod(shape)].reshape(shape)
        index, weight = _pairs(values, structure)
        moves.append((index + start, weight))
        parts.append((name, (len(index),) if structure else shape))
        start += values.size
    joint = Moves(point, np.concatenate([index for index, _ in moves]), np.concatenate([w for _, w in moves]))
    return joint, MoveNames(tuple(parts), elements, joint)


def _pairs(values: Array, structure: str | None) -> Pairs:
    if structure == "simplex":
        return _exchanges(values)
    return _mirrored(values) if structure else _single(values)


def _single(values: Array) -> Pairs:
    alone = np.arange(values.size)
    return np.stack([alone, alone], axis=1), np.tile([1.0, 0.0], (values.size, 1))


def _mirrored(matrices: Array) -> Pairs:
    """The upper triangle of each matrix, row by row, each entry with its mirror image."""
    n = matrices.shape[-1]
    i, j = np.triu_indices(n)
    starts = np.arange(0, matrices.size, n * n)[:, None, None] if n else np.empty((0, 1, 1), dtype=np.intp)
    index = (starts + np.stack([i * n + j, j * n + i], axis=1)).reshape(-1, 2)
    weight = np.stack([np.ones(i.size), np.where(i == j, 0.0, 1.0)], axis=1)
    return index, np.tile(weight, (len(starts), 1))


def _exchanges(points: Array) -> Pairs:
    """Each element of a row against the largest: mass moves where there is most of it."""
    rows = points.reshape(-1, points.shape[-1])
    reference = rows.argmax(axis=1)
    flat = np.arange(points.size).reshape(rows.shape)
    others = np.arange(rows.shape[1]) != reference[:, None]
    largest = np.broadcast_to(flat[np.arange(len(rows)), reference][:, None], rows.shape)
    index = np.stack([flat[others], largest[others]], axis=1)
    return index, np.tile([1.0, -1.0], (len(index), 1))
