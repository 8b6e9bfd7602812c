"""Check ``jvp``: a claimed Jacobian–vector product, along dense random tangents and, where few, along each coordinate.

Dense tangents meet every coordinate at once; single coordinates name the wrong one.
"""

import numpy as np

from gradaudit.checks._comparison import Comparison, random_directions
from gradaudit.checks._subject import Subject
from gradaudit.perturb.axis import Axis
from gradaudit.perturb.samples import Array
from gradaudit.perturb.steps import Directions, Tangents

claims = ("jvp",)
TANGENTS = 3
#: Up to this many coordinates are also checked one by one.
FEW = 64


def compare(subject: Subject, rng: np.random.Generator) -> list[Comparison]:
    """The claim along each tangent beside differences of f along it."""
    moves, count = subject.moves, len(subject.moves)
    dense = moves.spread(random_directions(rng, TANGENTS, count))
    comparisons = [_along(subject, Tangents(subject.point, dense), dense)]
    if count <= FEW:
        comparisons.append(_along(subject, moves, moves.spread(np.eye(count))))
    return comparisons


def _along(subject: Subject, directions: Directions, tangents: Array) -> Comparison:
    split = subject.arguments.split
    analytic = [subject.per_output("jvp", subject.claimed("jvp", *split(tangent))) for tangent in tangents]
    return Comparison(
        check="jvp",
        function=subject.evaluate,
        base=subject.value,
        directions=directions,
        readout=None,
        analytic=np.stack(analytic),
        inputs=direction_names(subject, directions),
        outputs=subject.outputs,
        confined=subject.moves.confined,
    )


def direction_names(subject: Subject, directions: Directions) -> Axis:
    """Coordinates and moves have names; dense tangents have numbers."""
    return Axis.numbered("tangent", len(directions)) if isinstance(directions, Tangents) else subject.axis
