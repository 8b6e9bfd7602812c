"""Functions that return what nobody asked for."""

from collections.abc import Iterator
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from hostile.healthy import waves

Array = NDArray[np.float64]


class Hostile(np.ndarray):  # type: ignore[type-arg]
    """An array whose comparisons, conversions and functions raise, once it is armed."""

    def __eq__(self, other: object) -> NoReturn:
        raise SystemExit("compared")

    def __array_ufunc__(self, *_: Any, **__: Any) -> NoReturn:
        raise SystemExit("calculated with")

    def __array_function__(self, *_: Any, **__: Any) -> NoReturn:
        raise SystemExit("passed to a function")


class Unconvertible:
    """Claims to be an array, and raises when it is made one."""

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        raise RuntimeError("not an array after all")


class Lying:
    """Becomes another array each time it is asked."""

    count = 0

    def __array__(self, *_: Any, **__: Any) -> Array:
        Lying.count += 1
        return np.full(Lying.count, 1.0)


def generator(x: Array) -> Iterator[float]:
    """A generator, not a number."""
    yield from np.sin(x)


def nothing(x: Array) -> None:
    """None."""


def text(x: Array) -> str:
    """The number, in words."""
    return str(waves(x))


def plain_object(x: Array) -> object:
    """An object."""
    return object()


def array_of_objects(x: Array) -> NDArray[np.object_]:
    """An array of functions."""
    return np.array([waves, waves])


def complex_number(x: Array) -> complex:
    """A complex number."""
    return complex(waves(x), 1.0)


def ragged(x: Array) -> list[Any]:
    """Lists of different lengths."""
    return [[1.0], [1.0, 2.0]]


def endless(x: Array) -> list[Any]:
    """A list that contains itself."""
    found: list[Any] = [1.0]
    found.append(found)
    return found


def huge(x: Array) -> Array:
    """An array of 8 petabytes that takes no memory, until it is looked at."""
    return np.broadcast_to(np.float64(1), (10**15,))


def class_itself(x: Array) -> type:
    """A class."""
    return Hostile


def unconvertible(x: Array) -> Unconvertible:
    """An object that raises when it is made an array."""
    return Unconvertible()


def lying(x: Array) -> Lying:
    """An object that is never the same array twice."""
    return Lying()


def own_input(x: Array) -> Array:
    """Its own input, not a copy."""
    return x


def own_input_vjp(x: Array, cotangent: Array) -> Array:
    """The cotangent itself, not a copy."""
    return cotangent


def spoilt_input(x: Array) -> float:
    """Writes into its input, after it has used it."""
    result = waves(x)
    x[:] = 0
    return result


def kept_input(x: Array) -> float:
    """Keeps its input, and spoils it in the next call."""
    for kept in _KEPT:
        kept[:] = np.nan
    _KEPT[:] = [x]
    return waves(x)


def masked(x: Array) -> Any:
    """A masked array with everything masked."""
    return np.ma.masked_array(np.sin(x), mask=True)


def plain_list(x: Array) -> list[float]:
    """A list of numbers."""
    return [float(value) for value in np.sin(x)]


def plain_list_vjp(x: Array, cotangent: Any) -> Array:
    """Its product with a list of cotangents."""
    return np.cos(x) * np.array(cotangent)


def gradient_of_text(x: Array) -> str:
    """A gradient in words."""
    return "cos x"


def gradient_generator(x: Array) -> Iterator[float]:
    """A gradient, element by element."""
    yield from np.cos(x)


def gradient_hostile(x: Array) -> Hostile:
    """The right numbers, in an array that raises when it is used."""
    return np.cos(x).view(Hostile)


def gradient_huge(x: Array) -> Array:
    """Far too many elements."""
    return np.broadcast_to(np.float64(1), (10**15,))


def gradient_read_only(x: Array) -> Array:
    """An array that cannot be written, backwards and not contiguous."""
    found = np.repeat(np.cos(x)[::-1], 2)[::-2]
    found.flags.writeable = False
    return found


_KEPT: list[Array] = []
