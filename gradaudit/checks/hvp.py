"""Check ``hvp``: a claimed Hessian–vector product against differences of the claimed gradient along dense tangents."""

import numpy as np

from gradaudit.checks._comparison import Comparison, random_directions
from gradaudit.checks._subject import Subject
from gradaudit.checks.gradient import claimed_gradient, slopes_at
from gradaudit.checks.jvp import FEW, TANGENTS, direction_names
from gradaudit.perturb.samples import Array
from gradaudit.perturb.steps import Directions, Tangents

claims = ("hvp",)


def compare(subject: Subject, rng: np.random.Generator) -> list[Comparison]:
    """The claim along each tangent beside differences of the gradient along it."""
    moves, count = subject.moves, len(subject.moves)
    dense = moves.spread(random_directions(rng, TANGENTS, count))
    comparisons = [_along(subject, Tangents(subject.point, dense), dense)]
    if count <= FEW:
        comparisons.append(_along(subject, moves, moves.spread(np.eye(count))))
    return comparisons


def _along(subject: Subject, directions: Directions, tangents: Array) -> Comparison:
    split, moves = subject.arguments.split, subject.moves
    analytic = [subject.per_input("hvp", subject.claimed("hvp", *split(tangent))) for tangent in tangents]
    return Comparison(
        check="hvp",
        function=lambda flat: slopes_at(subject, flat),
        base=moves.along(claimed_gradient(subject)),
        directions=directions,
        readout=None,
        analytic=moves.along(np.stack(analytic, axis=1)).T,
        inputs=direction_names(subject, directions),
        outputs=subject.axis.prefixed("gradient "),
        confined=moves.confined,
        primal=False,
    )
