"""Check ``vjp``: a claimed vector–Jacobian product, against differences of f combined by dense random cotangents.

A cotangent of ones would hide a claim that ignores what comes in; these are never one, and there are several.
"""

import numpy as np

from gradaudit.checks._comparison import Comparison, random_directions
from gradaudit.checks._subject import Subject, Unfit
from gradaudit.engines._boundary import UserError
from gradaudit.perturb.axis import Axis
from gradaudit.perturb.samples import Array

claims = ("vjp",)
COTANGENTS = 2


def compare(subject: Subject, rng: np.random.Generator) -> list[Comparison]:
    """The claim for each cotangent beside differences of that combination of outputs."""
    cotangents = random_directions(rng, COTANGENTS, subject.value.size, epsilon=subject.epsilon)
    # a float32 output takes a float32 cotangent: its grains survive that exactly
    analytic = [subject.per_input("vjp", subject.claimed("vjp", subject.cotangent(u))) for u in cotangents]

    def elsewhere(flat: Array) -> Array | None:
        try:
            with np.errstate(all="ignore"):
                returned = [subject.claimed_at("vjp", flat, subject.cotangent(u)) for u in cotangents]
            gradients = [subject.per_input("vjp", one) for one in returned]
        except (UserError, Unfit):
            return None
        return subject.moves.along(np.stack(gradients, axis=1))

    return [
        Comparison(
            check="vjp",
            function=subject.value_at,
            base=subject.value,
            directions=subject.moves,
            readout=cotangents,
            analytic=subject.moves.along(np.stack(analytic, axis=1)),
            inputs=subject.axis,
            outputs=Axis.numbered("out·cotangent", len(cotangents)),
            confined=subject.moves.confined,
            elsewhere=elsewhere,
        )
    ]
