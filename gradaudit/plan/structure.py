"""Inputs whose elements hang together: how such values are drawn, and what is wrong with values that are given.

NumPy is imported where values are at hand: a plan is made without it.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gradaudit.plan.case import Drawn, Structure
from gradaudit.plan.precision import epsilon_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.floating[Any]]

#: Numbers of a given array are equal where they differ by less than this many epsilons of its largest.
SLACK = 64
#: Distributions whose values are not negative: divided by their sum, they make a point of a simplex.
POSITIVE = ("gamma", "exponential", "lognormal", "loguniform", "beta", "uniform")


def usual(structure: Structure, drawn: Drawn) -> Drawn:
    """What is drawn where no distribution is named: for a simplex the gamma that makes a Dirichlet(2, …, 2)."""
    if structure != "simplex":
        return drawn
    return replace(drawn, distribution="gamma", parameters=(("k", 2.0), ("scale", 1.0)))


def cannot_be_drawn(structure: Structure, drawn: Drawn) -> str | None:
    """Why values drawn like this can never have the structure, and what would; None where they can."""
    misfit = misfit_of(structure, drawn.shape)
    if misfit:
        return misfit
    if structure == "simplex" and drawn.distribution not in POSITIVE:
        negative = f"structure 'simplex' needs draws of 0 or more, and {drawn.distribution} gives negative ones too"
        return f"{negative}; use {', '.join(POSITIVE)}"
    return None


def misfit_of(structure: Structure, shape: tuple[int, ...]) -> str | None:
    """Why an array of this shape cannot have the structure; None where it can."""
    if structure == "simplex":
        if shape and shape[-1] > 1:
            return None
        return f"structure 'simplex' needs a last axis of at least 2 elements, got shape {list(shape)}"
    if len(shape) > 1 and shape[-1] == shape[-2]:
        return None
    return f"structure {structure!r} needs two last axes of the same length, such as [n, n], got shape {list(shape)}"


def arranged(structure: Structure, drawn: "Array") -> "Array":
    """Drawn values A with the structure, matrices on the last two axes.

    symmetric: (A + Aᵀ)/2. positive_definite: AAᵀ/n + m·I where m is the mean of the diagonal of AAᵀ/n, so that the
    condition number is at most n + 1 whatever the distribution's scale. simplex: A over its sum along the last axis,
    for gamma values of shape k a Dirichlet(k, …, k).
    """
    import numpy as np

    if structure == "symmetric":
        return 0.5 * (drawn + drawn.swapaxes(-1, -2))
    if structure == "simplex":
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(drawn / drawn.sum(axis=-1, keepdims=True))
    n = drawn.shape[-1]
    square = drawn @ drawn.swapaxes(-1, -2) / max(n, 1)
    square = 0.5 * (square + square.swapaxes(-1, -2))
    mean = np.trace(square, axis1=-2, axis2=-1) / max(n, 1)
    return np.asarray(square + mean[..., None, None] * np.eye(n))


def breach(structure: Structure, values: "Array") -> str | None:
    """Where ``values`` break the structure, and by how much; None where they have it."""
    misfit = misfit_of(structure, values.shape)
    if misfit:
        return misfit
    if structure == "simplex":
        return _negative(values) or _sum_apart_from_one(values)
    asymmetry = _asymmetry(values, structure)
    return asymmetry or (_not_positive(values) if structure == "positive_definite" else None)


def _asymmetry(values: "Array", structure: Structure) -> str | None:
    import numpy as np

    mirrored = values.swapaxes(-1, -2)
    allowed = SLACK * epsilon_of(values.dtype) * np.abs(values).max(axis=(-1, -2), keepdims=True, initial=0.0)
    apart = np.argwhere(~(np.abs(values - mirrored) <= allowed))
    if not len(apart):
        return None
    place = tuple(int(i) for i in apart[0])
    mirror = (*place[:-2], place[-1], place[-2])
    return (
        f"element {list(place)} = {float(values[place]):.6g} and element {list(mirror)} = {float(values[mirror]):.6g}"
        f" must be equal for structure {structure!r}"
    )


def _not_positive(values: "Array") -> str | None:
    import numpy as np

    smallest = float(np.min(np.linalg.eigvalsh(values.astype(np.float64)), initial=np.inf))
    if smallest > 0:
        return None
    return f"the smallest eigenvalue is {smallest:.6g}; structure 'positive_definite' needs it greater than 0"


def _negative(values: "Array") -> str | None:
    import numpy as np

    wrong = np.argwhere(~(values >= 0))
    if not len(wrong):
        return None
    place = tuple(int(i) for i in wrong[0])
    return f"element {list(place)} = {float(values[place]):.6g}; structure 'simplex' needs 0 or more"


def _sum_apart_from_one(values: "Array") -> str | None:
    import numpy as np

    total = values.astype(np.float64).sum(axis=-1)
    wrong = np.argwhere(np.abs(total - 1) > SLACK * epsilon_of(values.dtype) * values.shape[-1])
    if not len(wrong):
        return None
    place = tuple(int(i) for i in wrong[0])
    row = f"row {list(place)}" if place else "the elements"
    return f"{row} sum to {float(total[place]):.10g}; structure 'simplex' needs a sum of 1 along the last axis"
