"""Faster ways to the values of f than a call a point: compiled, or many points a call where that gives the same."""

from functools import partial

import numpy as np

from gradaudit.checks._subject import Subject
from gradaudit.engines._agreement import agree
from gradaudit.engines._boundary import UserError, guarded
from gradaudit.perturb.batching import SMALL, Batched, sizes
from gradaudit.perturb.samples import Array
from gradaudit.perturb.sampling import Kernel
from gradaudit.perturb.steps import Moves

#: A batched form is tried at x and this many natural scales beside it, in a call of as few rows as there are.
NEARBY = 2.0**-7
#: Elements of an input from which on it has enough points for a batch.
FEWEST = 4


def compiled_kernel(subject: Subject, *, evaluations: int) -> Kernel | None:
    """The compiled way to differences of f, where its engine has one and ``evaluations`` of them pay for compiling."""
    if subject.differentiable.compile is None or isinstance(subject.moves, Moves):
        return None
    compiled = subject.differentiable.compile(subject.arguments, evaluations, subject.seconds)
    if compiled is None:
        return None
    from gradaudit.perturb.kernels import sample_coordinates

    return partial(sample_coordinates, compiled.function)


def batched(subject: Subject) -> Batched | None:
    """f at many points in one call, where its engine has such a form and it gives what calls give, here and nearby."""
    differentiable = subject.differentiable
    if differentiable.batch is None or subject.arguments.size < FEWEST:
        return None
    try:
        batch = guarded("batched function", differentiable.batch, subject.arguments)
        if batch is None:
            return None
        problem = _disagreement(subject, batch)
    except UserError as refusal:
        problem = f"raised {refusal.summary}"
    if problem:
        differentiable.notes.append(f"evaluated point by point: the batched function {problem}")
        return None
    return Batched(partial(_values, batch), subject.point.x)


def _disagreement(subject: Subject, batch: object) -> str:
    """What is wrong with a batched form at x and at a point nearby, or nothing."""
    point = subject.point
    nearby = subject.moves.confined(np.clip(point.x + NEARBY * point.natural, point.lower, point.upper))
    rows = sizes(point.x.size, subject.value.size)[-1:] or (SMALL,)
    points = np.stack([point.x, nearby] * (rows[0] // 2))
    values = _called_at_all(batch, points.copy())
    if values is None or values.shape != (len(points), subject.value.size):
        shape = None if values is None else values.shape
        return f"gives an array of shape {shape}, allowed: {(len(points), subject.value.size)}"
    for x, value in zip(points[:2], values, strict=False):
        called = subject.evaluate(x)
        if called is not None and not agree(value, called, narrow=subject.narrow):
            j = int(np.argmax(np.nan_to_num(np.abs(value - called), nan=np.inf)))
            return f"gives {value[j]:.17g} where a call gives {called[j]:.17g}"
    return ""


def _values(batch: object, points: Array) -> Array | None:
    """The values at all points; what user code raises about one of them is no answer about the others."""
    try:
        return _called_at_all(batch, points)
    except (UserError, TypeError, ValueError):
        return None


def _called_at_all(batch: object, points: Array) -> Array | None:
    assert callable(batch)
    with np.errstate(all="ignore"):
        values = guarded("batched function", batch, points)
    return None if values is None else np.asarray(values, dtype=np.float64)
