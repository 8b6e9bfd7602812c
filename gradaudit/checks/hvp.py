"""Check ``hvp``: a claimed Hessian–vector product against differences of the claimed gradient along each tangent."""

import numpy as np

from gradaudit.checks._comparison import Comparison
from gradaudit.checks._subject import Subject
from gradaudit.checks._tangents import tangents_of
from gradaudit.checks.gradient import claimed_gradient, slopes_at
from gradaudit.perturb.axis import Axis
from gradaudit.perturb.samples import Array
from gradaudit.perturb.steps import Directions

claims = ("hvp",)


def compare(subject: Subject, rng: np.random.Generator) -> list[Comparison]:
    """The claim along each tangent beside differences of the gradient along it."""
    return [_along(subject, *tangents) for tangents in tangents_of(subject, rng)]


def _along(subject: Subject, directions: Directions, tangents: Array, names: Axis) -> Comparison:
    split, moves = subject.arguments.split, subject.moves
    analytic = [subject.per_input("hvp", subject.claimed("hvp", *split(tangent))) for tangent in tangents]
    return Comparison(
        check="hvp",
        function=lambda flat: slopes_at(subject, flat),
        base=moves.along(claimed_gradient(subject)),
        directions=directions,
        readout=None,
        analytic=moves.along(np.stack(analytic, axis=1)).T,
        inputs=names,
        outputs=subject.axis.prefixed("gradient "),
        confined=moves.confined,
        primal=False,
        worth=moves.scale,
    )
