"""Floating dtypes: those of NumPy, and bfloat16, which the package ml_dtypes (a part of JAX) brings to NumPy."""

from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

BFLOAT16 = "bfloat16"
#: Spacing of bfloat16 at 1: it has 8 significant bits.
BFLOAT16_EPSILON = 2.0**-7


def dtype_of(name: str) -> "np.dtype[Any]":
    """The dtype called ``name``. Raises TypeError where it is bfloat16 and ml_dtypes is not installed."""
    import numpy as np

    if name != BFLOAT16:
        return np.dtype(name)
    if find_spec("ml_dtypes") is None:
        raise TypeError("dtype bfloat16 needs ml_dtypes: pip install 'gradaudit[jax]'")
    from ml_dtypes import bfloat16  # type: ignore[import-not-found]

    return np.dtype(bfloat16)


def is_real_floating(dtype: "np.dtype[Any]") -> bool:
    """Whether arrays of this dtype hold real floating numbers."""
    return dtype.kind == "f" or dtype.name == BFLOAT16


def is_floating(dtype: "np.dtype[Any]") -> bool:
    """Whether arrays of this dtype hold floating numbers, real or complex."""
    return dtype.kind == "c" or is_real_floating(dtype)


def is_real(dtype: "np.dtype[Any]") -> bool:
    """Whether arrays of this dtype hold real numbers: floating, whole, or truth values."""
    return dtype.kind in "iub" or is_real_floating(dtype)


@cache
def epsilon_of(dtype: "np.dtype[Any]") -> float:
    """The spacing at 1 of a floating dtype; of a complex one, that of its parts."""
    import numpy as np

    return BFLOAT16_EPSILON if dtype.name == BFLOAT16 else float(np.finfo(dtype).eps)
