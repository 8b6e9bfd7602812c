"""Check ``jvp``: a claimed Jacobian–vector product against differences of f along each tangent."""

import numpy as np

from gradaudit.checks._comparison import Comparison
from gradaudit.checks._subject import Subject
from gradaudit.checks._tangents import tangents_of
from gradaudit.perturb.axis import Axis
from gradaudit.perturb.samples import Array
from gradaudit.perturb.steps import Directions

claims = ("jvp",)


def compare(subject: Subject, rng: np.random.Generator) -> list[Comparison]:
    """The claim along each tangent beside differences of f along it."""
    return [_along(subject, *tangents) for tangents in tangents_of(subject, rng)]


def _along(subject: Subject, directions: Directions, tangents: Array, names: Axis) -> Comparison:
    split = subject.arguments.split
    analytic = [subject.per_output("jvp", subject.claimed("jvp", *split(tangent))) for tangent in tangents]
    return Comparison(
        check="jvp",
        function=subject.value_at,
        base=subject.value,
        directions=directions,
        readout=None,
        analytic=np.stack(analytic),
        inputs=names,
        outputs=subject.outputs,
        confined=subject.moves.confined,
    )
