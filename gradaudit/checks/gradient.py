"""Check ``gradient``: a claimed gradient of a scalar function, element by element.

For a function with an array output the claim is read as the gradient of its sum, which for an elementwise function is
its elementwise derivative.
"""

from functools import partial

import numpy as np

from gradaudit.checks._comparison import Comparison
from gradaudit.checks._subject import Subject, Unfit
from gradaudit.engines._boundary import UserError
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.perturb.axis import Axis
from gradaudit.perturb.samples import Array

claims = ("gradient", "value_and_gradient")


def compare(subject: Subject, rng: np.random.Generator) -> list[Comparison]:
    """The claim beside differences of f along each coordinate, or each move that keeps the structure of x."""
    analytic = subject.moves.along(claimed_gradient(subject))
    scalar = subject.value.size == 1
    return [
        Comparison(
            check="gradient",
            function=subject.value_at,
            base=subject.value,
            directions=subject.moves,
            readout=None if scalar else np.ones((1, subject.value.size)),
            analytic=analytic[:, None],
            inputs=subject.axis,
            outputs=Axis((("out" if scalar else "sum(out)", ()),)),
            confined=subject.moves.confined,
            elsewhere=partial(_claim_at, subject),
        )
    ]


def claimed_gradient(subject: Subject) -> Array:
    """The claimed gradient at x, flat (n,). Raises Unfit where it has the wrong form."""
    if "gradient" in subject.differentiable.claims:
        return subject.per_input("gradient", subject.claimed("gradient"))
    _, gradient = pair_of(subject.claimed("value_and_gradient"))
    return subject.per_input("value_and_gradient", gradient)


def slopes_at(subject: Subject, flat: Array) -> Array | None:
    """The claimed derivative along each move elsewhere, (D,): all that is defined where x has a structure.

    None where it raises: a step may leave the domain.
    """
    try:
        with np.errstate(all="ignore"):
            gradient = gradient_at(subject, flat)
    except UserError:
        return None
    return None if gradient is None else subject.moves.along(gradient)


def _claim_at(subject: Subject, flat: Array) -> Array | None:
    """(D, 1) what ``slopes_at`` gives; None too where it has another form than at x."""
    try:
        slopes = slopes_at(subject, flat)
    except Unfit:
        return None
    return None if slopes is None else slopes[:, None]


def gradient_at(subject: Subject, flat: Array) -> Array | None:
    """The claimed gradient elsewhere, for second order; what is wrong with its form was said at x."""
    kind = "gradient" if "gradient" in subject.differentiable.claims else "value_and_gradient"
    returned = subject.claimed_at(kind, flat)
    if kind == "value_and_gradient":
        returned = returned[1] if isinstance(returned, tuple | list) and len(returned) == 2 else None
    return subject.per_input(kind, returned)


def pair_of(returned: object) -> tuple[object, object]:
    """The value and the gradient that ``value_and_gradient`` returned. Raises Unfit for anything else."""
    if not isinstance(returned, tuple | list) or len(returned) != 2:
        raise Unfit(Diagnosis.SHAPE, "value_and_gradient did not return a pair; allowed: (value, gradient)")
    return returned[0], returned[1]
