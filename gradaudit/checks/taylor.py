"""Check ``taylor``: |f(x + h·v) − f(x) − h·⟨g, v⟩| decays as h², along a few dense directions v.

The classical slope test. It decays so where, and only where, the slope of f along v is ⟨g, v⟩: so no line is fitted to
a cloud of remainders, but that slope is measured with its error bar, as for any other claim. All elements are met at
once, at a handful of evaluations whatever their number; ``slope`` in the results is the order that was seen, 2 for
the central differences of a smooth function.
"""

from dataclasses import replace

import numpy as np

from gradaudit.checks import gradient, jacobian, vjp
from gradaudit.checks._comparison import Comparison, random_directions
from gradaudit.checks._offered import first_of
from gradaudit.checks._subject import Subject
from gradaudit.perturb.axis import Axis
from gradaudit.perturb.samples import Array
from gradaudit.perturb.steps import Tangents

claims = ("jacobian", "vjp", "gradient", "value_and_gradient")
DIRECTIONS = 3
#: Who asks for each kind of claim: a whole derivative, which then is taken along the directions.
ASKED_BY = {"jacobian": jacobian, "vjp": vjp, "gradient": gradient, "value_and_gradient": gradient}


def compare(subject: Subject, rng: np.random.Generator) -> list[Comparison]:
    """The claim, taken along each direction, beside differences of f along it."""
    whole, *_ = ASKED_BY[first_of(subject, *claims)].compare(subject, rng)
    if isinstance(whole.directions, Tangents):  # a Jacobian that is known by its products has been taken along some
        return [replace(whole, check="taylor")]
    amounts = random_directions(rng, DIRECTIONS, len(subject.moves), epsilon=subject.epsilon)
    return [
        Comparison(
            check="taylor",
            function=subject.evaluate,
            base=subject.value,
            directions=Tangents(subject.point, subject.moves.spread(amounts)),
            readout=whole.readout,
            analytic=_along(amounts, whole),
            inputs=Axis.numbered("tangent", DIRECTIONS),
            outputs=whole.outputs,
            confined=subject.moves.confined,
            searched=whole.searching,
        )
    ]


def _along(amounts: Array, whole: Comparison) -> Array:
    """(K, R) from amounts (K, D) of moves; a slope that is not finite spoils what it is part of."""
    slopes = whole.analytic
    with np.errstate(invalid="ignore"):
        if whole.sparse is None:
            return amounts @ slopes
        pattern = whole.sparse.pattern
        moved = np.zeros((pattern.outputs, len(amounts)))
        np.add.at(moved, pattern.output, slopes * amounts.T[pattern.coordinate])
        return moved.T
