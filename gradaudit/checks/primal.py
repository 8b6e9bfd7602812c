"""Check ``primal``: the route that differentiates computes the same value as the function by itself.

A ``value_and_gradient`` may have its own copy of the forward code, an engine another mode of it: their derivative is
that of what they compute.
"""

import numpy as np

from gradaudit.checks._identity import Identity
from gradaudit.checks._offered import need
from gradaudit.checks._subject import Subject
from gradaudit.checks.gradient import pair_of
from gradaudit.engines._boundary import guarded
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.perturb.axis import Axis
from gradaudit.perturb.samples import Array

claims = ("value_and_gradient",)
unasked = True


def compare(subject: Subject, rng: np.random.Generator) -> list[Identity]:
    """Analytic: the value beside the derivative. Numeric: f(x). There is one row, and a column for every output."""
    value, sensitivity = _value(subject)
    return [
        Identity(
            check="primal",
            analytic=value[None],
            numeric=subject.value[None],
            # what is added up on the way to a small output may be as large as the largest
            magnitude=np.full((1, value.size), np.abs(subject.value[np.isfinite(subject.value)]).max()),
            inputs=Axis((("", ()),)),
            outputs=subject.outputs,
            broken=Diagnosis.OTHER_VALUE,
            sensitivity=np.full((1, value.size), sensitivity),
        )
    ]


def _value(subject: Subject) -> tuple[Array, float]:
    """(m,) and how far f moves over the scale of x: rtol of that is an error that the derivative may have, too.

    An engine computes f itself: it may be off by rounding alone. Raises Absent where nothing computes a value on its
    way to a derivative.
    """
    primal, arguments = subject.differentiable.primal, subject.arguments
    if primal is not None:
        return subject.per_output("primal", guarded("primal", primal, *arguments.at(arguments.x))), 0.0
    need(subject, "value_and_gradient")
    value, gradient = pair_of(subject.claimed("value_and_gradient"))
    change = np.abs(subject.per_input("value_and_gradient", gradient)) * subject.point.natural
    sensitivity = float(np.max(change, initial=0.0, where=np.isfinite(change)))
    return subject.per_output("the value of value_and_gradient", value), sensitivity
