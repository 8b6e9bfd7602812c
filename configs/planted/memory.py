"""Claims that keep something between their calls, and answer for another input than the one they are given."""

from functools import cache
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_saved: dict[str, Array] = {}
_calls = count()


def waves(x: Array) -> float:
    """Σ sin x."""
    return float(np.sin(x).sum())


def waves_late(x: Array) -> Array:
    """At the input of the call before: it is saved too late."""
    before = _saved.get("late", np.zeros_like(x))
    _saved["late"] = x.copy()
    return np.cos(before)


def waves_cached(x: Array) -> Array:
    """Cached under a key that is too small: the shape of the input."""
    return _cosine_of_shape(x.shape, _Unhashed(x))


class _Unhashed:
    """A value that takes no part in the key of a cache."""

    def __init__(self, value: Array) -> None:
        self.value = value

    def __eq__(self, other: Any) -> bool:
        return True

    def __hash__(self) -> int:
        return 0


@cache
def _cosine_of_shape(shape: tuple[int, ...], x: _Unhashed) -> Array:
    return np.cos(x.value)


def waves_adrift(x: Array) -> Array:
    """The last digits differ from call to call, as those of sums on several threads do."""
    return np.cos(x) * (1.0 + 1e-13 * next(_calls))


def layer(x: Array) -> float:
    """Σ x⁴; the input is saved for the way back.  # (n,) -> ()"""
    _saved["layer"] = x.copy()
    return float((x**4).sum())


def layer_backward(x: Array) -> Array:
    """Right after a way forward, and only there: x itself is not used."""
    return 4.0 * _saved["layer"] ** 3


def layer_hessian(x: Array) -> Array:
    """The right one."""
    return np.diag(12.0 * x**2)
