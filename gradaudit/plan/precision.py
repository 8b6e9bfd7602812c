"""Floating dtypes: those of NumPy, and bfloat16, which the package ml_dtypes (a part of JAX) brings to NumPy."""

from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

BFLOAT16 = "bfloat16"
#: Spacing at 1 of floating dtypes by name, for whoever goes without NumPy: bfloat16 has 8 significant bits.
EPSILONS = {BFLOAT16: 2.0**-7, "float16": 2.0**-10, "float32": 2.0**-23, "float64": 2.0**-52}


def lacking(name: str) -> str | None:
    """What to install before arrays of the dtype called ``name`` can be had; None where nothing is missing."""
    if name != BFLOAT16 or find_spec("ml_dtypes") is not None:
        return None
    return "dtype bfloat16 needs ml_dtypes: pip install 'gradaudit[jax]'"


def dtype_of(name: str) -> "np.dtype[Any]":
    """The dtype called ``name``. Raises TypeError where it is bfloat16 and ml_dtypes is not installed."""
    import numpy as np

    if name != BFLOAT16:
        return np.dtype(name)
    if problem := lacking(name):
        raise TypeError(problem)
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

    return EPSILONS[BFLOAT16] if dtype.name == BFLOAT16 else float(np.finfo(dtype).eps)
