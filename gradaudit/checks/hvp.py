"""Check ``hvp``: a claimed Hessian–vector product against differences of the claimed gradient along dense tangents."""

import numpy as np

from gradaudit.checks._comparison import Comparison, random_directions
from gradaudit.checks._subject import Subject
from gradaudit.checks.gradient import claimed_gradient, gradient_at
from gradaudit.checks.jvp import FEW, TANGENTS, direction_names
from gradaudit.perturb.samples import Array
from gradaudit.perturb.steps import Coordinates, Directions, Tangents

claims = ("hvp",)


def compare(subject: Subject, rng: np.random.Generator) -> list[Comparison]:
    """The claim along each tangent beside differences of the gradient along it."""
    n = subject.arguments.size
    dense = random_directions(rng, TANGENTS, n)
    comparisons = [_along(subject, Tangents(subject.point, dense), dense)]
    if n <= FEW:
        comparisons.append(_along(subject, Coordinates(subject.point, np.arange(n)), np.eye(n)))
    return comparisons


def _along(subject: Subject, directions: Directions, tangents: Array) -> Comparison:
    split = subject.arguments.split
    analytic = [subject.per_input("hvp", subject.claimed("hvp", *split(tangent))) for tangent in tangents]
    return Comparison(
        check="hvp",
        function=lambda flat: gradient_at(subject, flat),
        base=claimed_gradient(subject),
        directions=directions,
        readout=None,
        analytic=np.stack(analytic),
        inputs=direction_names(subject, directions),
        outputs=subject.arguments.axis.prefixed("gradient "),
        primal=False,
    )
