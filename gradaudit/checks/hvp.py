"""Check ``hvp``: a claimed Hessian–vector product against differences of the claimed gradient along each tangent.

Where each element of the gradient depends on few of x, every entry of the Hessian is compared too: products with all
coordinates of one colour hold them.

Of several outputs it is the sum that is claimed to have this gradient. In a sum second derivatives may cancel, those of
a softmax or of what is normalised do: an engine that can weight the outputs is asked about a random combination.
"""

from dataclasses import replace
from functools import partial

import numpy as np

from gradaudit.checks._comparison import Comparison, Sparse, random_directions
from gradaudit.checks._offered import need_digits_of_a_gradient, need_gradient_beside
from gradaudit.checks._recovery import recovered
from gradaudit.checks._structure import LOOK, usual
from gradaudit.checks._subject import Subject
from gradaudit.checks._tangents import FEW, tangents_of
from gradaudit.checks.gradient import claimed_gradient, slopes_at
from gradaudit.perturb.axis import Axis
from gradaudit.perturb.dependency import Search
from gradaudit.perturb.pattern import Indices
from gradaudit.perturb.samples import Array
from gradaudit.perturb.steps import Coordinates, Directions, Entries

claims = ("hvp",)


def compare(subject: Subject, rng: np.random.Generator) -> list[Comparison]:
    """The claim along each tangent, and each entry of a Hessian with a structure, beside differences of gradients."""
    need_digits_of_a_gradient(subject)
    subject = _weighted(subject, rng)
    need_gradient_beside("hvp", subject)
    base = subject.moves.along(claimed_gradient(subject))
    found = [
        _beside_gradient(subject, base, directions, _products(subject, tangents), names)
        for directions, tangents, names in tangents_of(subject, rng)
    ]
    if not isinstance(subject.moves, Coordinates) or base.size <= FEW or not np.isfinite(base).all():
        return found
    # of its own: the noise of the gradient is measured along the same line as without a search
    (own,) = rng.spawn(1)
    search = Search(found[0].function, subject.point, base=base, rng=own, budget=LOOK)
    dependence = search.pattern(usual(base.size, base.size))
    if dependence is None:
        return [replace(found[0], searched=search.evaluations), *found[1:]]
    pattern, analytic = recovered(partial(_of_columns, subject), dependence, own)
    entries = Entries(subject.point, pattern.coordinate, pattern.output)
    sparse = Sparse(pattern, dependence, None, search.evaluations)
    each = _beside_gradient(subject, base, entries, analytic[:, None], subject.axis)
    return [*found, replace(each, sparse=sparse)]


def _weighted(subject: Subject, rng: np.random.Generator) -> Subject:
    """The same, claiming the derivatives of ⟨cotangent, f⟩ where the engine has them; else as it is."""
    differentiable = subject.differentiable
    product = differentiable.weighted_hvp
    if product is None or subject.value.size == 1:
        return subject
    cotangent = subject.cotangent(random_directions(rng, 1, subject.value.size, epsilon=subject.epsilon)[0])
    claims = {
        "gradient": lambda *inputs: differentiable.claims["vjp"](*inputs, cotangent),
        "hvp": lambda *inputs_and_vectors: product(*inputs_and_vectors, cotangent),
    }
    return replace(subject, differentiable=replace(differentiable, claims={**differentiable.claims, **claims}))


def _of_columns(subject: Subject, columns: Indices, weights: Array) -> Array:
    """(n,) what the claim has for the weighted sum of some columns of the Hessian."""
    tangent = np.zeros((1, subject.point.x.size))
    tangent[0, columns] = weights
    return _products(subject, tangent)[0]


def _products(subject: Subject, tangents: Array) -> Array:
    """(D, R) the claim along each tangent (D, n), by the slopes along every move."""
    split = subject.arguments.split
    analytic = [subject.per_input("hvp", subject.claimed("hvp", *split(tangent))) for tangent in tangents]
    return subject.moves.along(np.stack(analytic, axis=1)).T


def _beside_gradient(subject: Subject, base: Array, directions: Directions, analytic: Array, names: Axis) -> Comparison:
    return Comparison(
        check="hvp",
        function=lambda flat: slopes_at(subject, flat),
        base=base,
        directions=directions,
        readout=None,
        analytic=analytic,
        inputs=names,
        outputs=subject.axis.prefixed("gradient "),
        confined=subject.moves.confined,
        primal=False,
        worth=subject.moves.scale,
    )
