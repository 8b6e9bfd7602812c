"""What every check reduces to: a function to take differences of, and the numbers that are claimed for them."""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from gradaudit.perturb.axis import Axis
from gradaudit.perturb.noise import Function
from gradaudit.perturb.pattern import Pattern
from gradaudit.perturb.samples import Array
from gradaudit.perturb.steps import Directions, Moves, Tangents

#: Entries of cotangents and tangents are uniform in ±1 and then this much larger (variance 1.08): beside outputs of
#: weight 1, one of weight 0.01 would drown in their rounding.
LEAST = 0.5
#: They come in steps of 2⁻⁸, so that products with steps are exact.
GRAIN = 2.0**-8
#: Of bfloat16, which has 8 bits in all.
COARSE_GRAIN = 2.0**-4

#: What a claim is said to do that fills other entries of its matrix the second time.
OTHER_ENTRIES = "asked at x twice, the claim has other entries"

#: The claim at another point: (n,) -> (D, R); None where it has no value there.
Elsewhere = Callable[[Array], Array | None]


@dataclass(frozen=True)
class Sparse:
    """The entries of a matrix that are compared, in the order of the directions, and how they were found."""

    pattern: Pattern  #: entries at which the claim or f may differ from zero
    dependence: Pattern | None  #: those at which f may; None: that saves nothing, and columns are taken one by one
    stored: NDArray[np.bool_] | None  #: (E,) those that a sparse claim stores; None: the claim is dense
    evaluations: int  #: of f, that finding them took


@dataclass(frozen=True)
class Comparison:
    """D directions × R readouts, two ways: differences of ``function`` beside ``analytic``."""

    check: str
    function: Function  #: float64[n] -> float64[m]
    base: Array  #: (m,) function(x)
    directions: Directions  #: D of them
    readout: Array | None  #: (R, m) cotangents; None: each output by itself
    analytic: Array  #: (D, R)
    inputs: Axis  #: names of the directions
    outputs: Axis  #: names of the readouts
    confined: Callable[[Array], Array]  #: a point that x can reach within its structure, near any given one
    primal: bool = True  #: ``function`` is the case's own function, not its gradient
    elsewhere: Elsewhere | None = None  #: the claim at other points, where it can be called there
    worth: Array | None = None  #: (R,) the scales of x, where the readouts are the slopes of one function
    sparse: Sparse | None = None  #: the directions are single entries of a matrix, R = 1; all others are zero
    searched: int = 0  #: evaluations of ``function`` that looking for a structure took, in vain

    @property
    def family(self) -> NDArray[np.intp]:
        """(R,) numbers the readouts that are alike: elements of one array, or slopes of one function."""
        if self.readout is not None:
            return np.arange(len(self.readout))
        if self.sparse is not None:
            return np.zeros(1, dtype=np.intp)
        if self.worth is not None:
            return np.zeros(self.worth.size, dtype=np.intp)
        return np.repeat(np.arange(len(self.outputs.parts)), [prod(shape) for _, shape in self.outputs.parts])

    @property
    def searching(self) -> int:
        """Evaluations of ``function`` that looking for a structure took, found or not."""
        return self.searched + (self.sparse.evaluations if self.sparse else 0)

    def has_entries_of(self, other: "Comparison") -> bool:
        """Whether the numbers of both stand for the same entries: a claim may have others when it is asked again."""
        if self.sparse is None or other.sparse is None:
            return self.sparse is other.sparse and self.analytic.shape == other.analytic.shape
        return self.sparse.pattern.same_as(other.sparse.pattern)

    def nearby(self, flat: Array) -> Array | None:
        """``function`` at a point that x can reach: what its noise is measured from."""
        return self.function(self.confined(flat))


def random_directions(rng: np.random.Generator, count: int, size: int, *, epsilon: float = 0.0) -> Array:
    """Dense random vectors (count, size): no entry is near zero, so that no element can hide.

    ``epsilon`` is the spacing at 1 of the numbers that have to hold them.
    """
    grain = COARSE_GRAIN if epsilon > GRAIN else GRAIN
    drawn = rng.uniform(-1.0, 1.0, (count, size))
    return np.round((drawn + np.copysign(LEAST, drawn)) / grain) * grain


def coordinate_value(directions: Directions) -> Array:
    """(D,) the value of x along each direction, of a move that of its first coordinate; NaN for a dense tangent."""
    if isinstance(directions, Tangents):
        return np.full(len(directions), np.nan)
    index = directions.index[:, 0] if isinstance(directions, Moves) else directions.index
    return directions.point.x[index]
