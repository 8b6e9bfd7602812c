"""Whether another way of evaluating a function (compiled, batched) may stand for its calls."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: How far apart two orders of the same operations may round, relative to the largest value.
ROUNDING, NARROW_ROUNDING = 1e-6, 1e-3


def agree(found: Array, called: Array, *, narrow: bool) -> bool:
    """Whether both are the same numbers but for rounding; ``narrow``: float32 or narrower take part."""
    if found.shape != called.shape:
        return False
    finite = np.isfinite(called)
    if not np.array_equal(np.isfinite(found), finite):
        return False
    scale = np.abs(called[finite]).max(initial=0.0)
    rtol = NARROW_ROUNDING if narrow else ROUNDING
    return bool((np.abs(found[finite] - called[finite]) <= rtol * scale).all())
