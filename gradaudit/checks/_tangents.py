"""The directions that a product with a tangent is checked along: dense random ones and, where few, each coordinate.

Dense tangents meet every coordinate at once; single coordinates name the wrong one.
"""

from collections.abc import Iterator

import numpy as np

from gradaudit.checks._comparison import random_directions
from gradaudit.checks._subject import Subject
from gradaudit.perturb.axis import Axis
from gradaudit.perturb.samples import Array
from gradaudit.perturb.steps import Directions, Tangents

TANGENTS = 3
#: Up to this many coordinates are also checked one by one.
FEW = 64


def tangents_of(subject: Subject, rng: np.random.Generator) -> Iterator[tuple[Directions, Array, Axis]]:
    """Directions, the tangents (D, n) that the claim is called with along them, and their names."""
    moves, count = subject.moves, len(subject.moves)
    dense = moves.spread(random_directions(rng, TANGENTS, count, epsilon=subject.epsilon))
    yield Tangents(subject.point, dense), dense, Axis.numbered("tangent", TANGENTS)
    if count <= FEW:
        yield moves, moves.spread(np.eye(count)), subject.axis
