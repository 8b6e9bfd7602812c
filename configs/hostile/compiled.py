"""A compiled function that never comes back."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]


@njit
def loops_compiled(x: Array) -> float:
    """Counts in compiled code, without letting any other Python code run."""
    count = 0
    while x[0] < np.inf:
        count += 1
    return float(count)
