"""Exchanges a function of NumPy for a wrong one, as some packages do."""

from typing import Any

import numpy as np

from hostile.healthy import waves as right
from hostile.healthy import waves_gradient as gradient

__all__ = ["gradient", "right"]


def _doubled(x: Any) -> Any:
    return 2 * _cos(x)


_cos = np.cos
np.cos = _doubled
