"""Check ``adjoint``: forward and reverse mode are one derivative, ⟨Jᵀv, u⟩ = ⟨v, Ju⟩ for all v and u.

It takes no differences, so no noise of f and no step can stand between the two: where it fails, a derivative is wrong;
where it holds and differences disagree, either both modes are wrong alike or the differences are.
"""

import numpy as np

from gradaudit.checks._comparison import random_directions
from gradaudit.checks._identity import Identity
from gradaudit.checks._offered import need
from gradaudit.checks._subject import Subject
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.perturb.axis import Axis

claims = (("vjp", "jvp"),)
unasked = True
#: As many dense cotangents and tangents: each is paired with every other, so that nothing is left out for good.
DENSE = 2


def compare(subject: Subject, rng: np.random.Generator) -> list[Identity]:
    """Analytic: ⟨Jᵀv, u⟩ by the vjp. Numeric: ⟨v, Ju⟩ by the jvp. Rows are tangents u, columns cotangents v."""
    need(subject, "vjp", "jvp")
    cotangents = random_directions(rng, DENSE, subject.value.size, epsilon=subject.epsilon)
    tangents = subject.moves.spread(random_directions(rng, DENSE, len(subject.moves), epsilon=subject.epsilon))
    split = subject.arguments.split
    pulled = np.stack([subject.per_input("vjp", subject.claimed("vjp", subject.cotangent(v))) for v in cotangents])
    pushed = np.stack([subject.per_output("jvp", subject.claimed("jvp", *split(u))) for u in tangents])
    return [
        Identity(
            check="adjoint",
            analytic=tangents @ pulled.T,
            numeric=pushed @ cotangents.T,
            magnitude=np.fmax(np.abs(tangents) @ np.abs(pulled).T, np.abs(pushed) @ np.abs(cotangents).T),
            inputs=Axis.numbered("tangent", DENSE),
            outputs=Axis.numbered("out·cotangent", DENSE),
            broken=Diagnosis.NOT_ADJOINT,
        )
    ]
