"""Check ``batch``: the derivative of a whole batch at once equals the derivatives one after the other."""

import numpy as np

from gradaudit.checks._comparison import random_directions
from gradaudit.checks._identity import Identity
from gradaudit.checks._subject import Subject, require_array, require_one_each
from gradaudit.engines._boundary import guarded
from gradaudit.engines._differentiable import Absent
from gradaudit.engines._trees import leaves_of
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.perturb.axis import Axis
from gradaudit.perturb.samples import Array

claims = ("vjp", "gradient")
#: x itself, and points near it.
POINTS = 3
#: Those are this fraction of the natural scale of x away.
AWAY = 2.0**-6


def compare(subject: Subject, rng: np.random.Generator) -> list[Identity]:
    """Analytic: what the batched claim gives for each point. Numeric: the claim itself, point by point."""
    kind = next((kind for kind in claims if kind in subject.differentiable.batched), None)
    if kind is None or kind not in subject.differentiable.claims:
        raise Absent(f"engine {subject.differentiable.engine!r} offers no batched derivative of this function")
    points = _points(subject, rng)
    cotangents = random_directions(rng, POINTS, subject.value.size, epsilon=subject.epsilon) if kind == "vjp" else None
    together = subject.moves.along(_together(subject, kind, points, cotangents).T)
    apart = subject.moves.along(_apart(subject, kind, points, cotangents).T)
    finite = np.where(np.isfinite(apart), np.abs(apart), 0.0)
    return [
        Identity(
            check="batch",
            analytic=together,
            numeric=apart,
            magnitude=np.broadcast_to(finite.max(axis=0), apart.shape),
            inputs=subject.axis,
            outputs=Axis.numbered("out at point", POINTS),
            broken=Diagnosis.BATCHED,
        )
    ]


def _points(subject: Subject, rng: np.random.Generator) -> Array:
    """(POINTS, n) x, and points near it that keep its structure and bounds."""
    point = subject.point
    near = point.x + AWAY * point.natural * rng.uniform(-1.0, 1.0, (POINTS - 1, point.x.size))
    confined = [subject.moves.confined(np.clip(flat, point.lower, point.upper)) for flat in near]
    return subject.arguments.round(np.stack([point.x, *confined]))


def _together(subject: Subject, kind: str, points: Array, cotangents: Array | None) -> Array:
    """(POINTS, n) one call, with a leading axis of points in every differentiated input and cotangent."""
    values = list(subject.arguments.inputs)
    for position, stacked in zip(subject.arguments.differentiated, subject.arguments.stacked(points), strict=True):
        values[position] = stacked
    extra = () if cotangents is None else (_stacked(subject, cotangents),)
    returned = guarded(f"batched {kind}", subject.differentiable.batched[kind], *values, *extra)
    arrays = subject.arguments.arrays
    parts = tuple(returned) if isinstance(returned, tuple | list) else (returned,)
    require_one_each(f"batched {kind}", parts, arrays)
    for part, array in zip(parts, arrays, strict=True):
        require_array(f"batched {kind}", part, (POINTS, *array.shape))
    return np.stack([subject.arguments.flatten([np.asarray(part)[k] for part in parts]) for k in range(POINTS)])


def _apart(subject: Subject, kind: str, points: Array, cotangents: Array | None) -> Array:
    claim = subject.differentiable.claims[kind]
    extras = [()] * POINTS if cotangents is None else [(subject.cotangent(u),) for u in cotangents]
    return np.stack(
        [
            subject.per_input(kind, guarded(kind, claim, *subject.arguments.at(flat), *extra))
            for flat, extra in zip(points, extras, strict=True)
        ]
    )


def _stacked(subject: Subject, cotangents: Array) -> object:
    """Cotangents (POINTS, m) as one in the form of the output, with a leading axis in every part of it."""
    each = (leaves_of(subject.cotangent(u)) for u in cotangents)
    parts = [np.stack(same) for same in zip(*each, strict=True)]
    return parts[0] if subject.structure is None else subject.structure.build(iter(parts))
