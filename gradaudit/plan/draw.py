"""The numbers of a case: the same for the same (suite seed, case id, input name), whatever else the suite holds."""

import hashlib
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradaudit.plan.case import Case, Drawn, Given, Input, Stored, Target
from gradaudit.plan.precision import dtype_of, is_floating
from gradaudit.plan.structure import arranged, breach
from gradaudit.suite.files import FileError, read_array

Array = NDArray[Any]
Sampler = Callable[[np.random.Generator, tuple[int, ...], Mapping[str, Any]], Array]

#: how often elements outside ``bounds`` or too near to ``avoid`` are drawn again, and how many at least each time
_REDRAWS = 300
_BATCH = 64


class DrawError(ValueError):
    """The inputs of a case cannot be made: which input, why, and the fix."""


def draws(case: Case) -> Iterator[Case]:
    """The case at each of its points."""
    return (replace(case, draw=index) for index in range(case.points))


def draw_inputs(case: Case) -> tuple[object, ...]:
    """The positional inputs of ``case``.

    A differentiated input is an array of its floating dtype, float64 unless the suite says otherwise; a number becomes
    an array of shape (). An input that is not differentiated is an array where it is drawn, listed or stored, and else
    the plain value of the suite. Raises DrawError.
    """
    return tuple(_draw_input(case, source) for source in case.inputs)


def generator(case: Case, name: str) -> np.random.Generator:
    """The random numbers of one input of a case: independent of list positions, file order and other cases.

    The first of several points has those of a case with one point.
    """
    which = [str(case.draw)] if case.draw else []
    return np.random.Generator(np.random.PCG64(_digest(case, name, *which, size=16)))


def seeded(case: Case) -> Target:
    """What is audited, and a seed for what its function draws itself: the same at all points of the case."""
    return replace(case.target, seed=_digest(case, "function", "drawn by itself", size=4))


def _digest(case: Case, *names: str, size: int) -> int:
    key = "\0".join([str(case.seed), case.id, *names]).encode("utf-8", errors="surrogatepass")
    return int.from_bytes(hashlib.blake2b(key, digest_size=size).digest(), "big")


@contextmanager
def rewound(rng: np.random.Generator) -> Iterator[None]:
    """What is drawn inside is drawn again after it."""
    state = rng.bit_generator.state
    try:
        yield
    finally:
        rng.bit_generator.state = state


def _draw_input(case: Case, given: Input) -> object:
    if isinstance(given.source, Drawn):
        return _drawn(given, given.source, generator(case, given.name))
    if isinstance(given.source, Stored):
        return _checked(given, _stored(given, given.source))
    if _is_plain(given, given.source):
        return given.source.values
    return _checked(given, _as_array(given, given.source.values))


def _is_plain(given: Input, source: Given) -> bool:
    # 'values' are nested tuples; 'value' is whatever YAML says, and stays so unless it has a derivative or a dtype
    return not (given.differentiate or given.dtype or isinstance(source.values, tuple))


def _as_array(given: Input, values: object) -> Array:
    try:
        with warnings.catch_warnings(), np.errstate(over="ignore"):
            warnings.simplefilter("error", DeprecationWarning)  # NumPy 1 wraps a number that the dtype cannot hold
            array = np.array(values, dtype=_dtype(given) or (np.float64 if given.differentiate else None))
    except (TypeError, ValueError, OverflowError, DeprecationWarning) as error:
        raise DrawError(f"input {given.name!r}: {error}") from None
    _require_held(given, np.asarray(values), array)
    return array


def _require_held(given: Input, written: Array, array: Array) -> None:
    """``array`` holds what is ``written``, but for rounding. Raises DrawError, for NumPy cuts 1.5 to an int of 1."""
    if array.dtype == written.dtype:
        return
    if is_floating(array.dtype):
        lost = np.isinf(array) & np.isfinite(written.astype(np.float64))
    else:
        lost = array != written
    if lost.any():
        place, index = _first(given, lost)
        raise DrawError(
            f"input {given.name!r}: {place} = {written[index]} is beyond {array.dtype}; mend the values or the dtype"
        )


def _first(given: Input, wrong: NDArray[np.bool_]) -> tuple[str, tuple[int, ...]]:
    """The first element that is ``wrong``, as it is called and by its index."""
    index = tuple(int(i) for i in np.argwhere(wrong)[0])
    return given.name + (f"[{', '.join(map(str, index))}]" if index else ""), index


def _stored(given: Input, source: Stored) -> Array:
    try:
        return _as_array(given, read_array(source.file, source.key))
    except FileError as error:
        raise DrawError(f"input {given.name!r}: {error}") from None


def _checked(given: Input, array: Array) -> Array:
    """``array``, where every element lies within the bounds that the suite gives, and all have their structure."""
    outside = _outside(given, array)
    if outside.any():
        place, index = _first(given, outside)
        raise DrawError(
            f"input {given.name!r}: {place} = {array[index]} is outside bounds {_interval(given)}; "
            "mend the values or the bounds"
        )
    found = breach(given.structure, array) if given.structure else None
    if found:
        raise DrawError(f"input {given.name!r}: {found}; mend the values, or remove 'structure: {given.structure}'")
    return array


def _dtype(given: Input) -> np.dtype[Any] | None:
    """What the suite asks for. Raises DrawError where it cannot be had here."""
    try:
        return dtype_of(given.dtype) if given.dtype else None
    except TypeError as problem:
        raise DrawError(f"input {given.name!r}: {problem}") from None


def _drawn(given: Input, source: Drawn, rng: np.random.Generator) -> Array:
    parameters = dict(source.parameters)
    sample = SAMPLERS[source.distribution]
    if given.structure:
        values = arranged(given.structure, np.asarray(sample(rng, source.shape, parameters), dtype=np.float64))
        return _checked(given, values.astype(_dtype(given) or np.float64))

    dtype = _dtype(given)

    def draw(shape: tuple[int, ...]) -> Array:
        values = np.asarray(sample(rng, shape, parameters))
        if dtype is not None and dtype.kind == "c":
            values = values + 1j * np.asarray(sample(rng, shape, parameters))
        return values if dtype is None else values.astype(dtype)

    array = draw(source.shape)
    if given.differentiate and not is_floating(array.dtype):
        array = array.astype(np.float64)
    if source.distribution == "permutation":
        return _checked(given, array)
    return _moved(given, array, source, draw)


def _moved(given: Input, array: Array, source: Drawn, draw: Callable[[tuple[int, ...]], Array]) -> Array:
    """Draw the offending elements again, and only those: the others keep their numbers."""
    for _ in range(_REDRAWS):
        offending = np.flatnonzero(_offends(given, array))
        if not offending.size:
            return array
        again = draw((max(offending.size, _BATCH),)).astype(array.dtype)
        accepted = again[~_offends(given, again)][: offending.size]
        array.flat[offending[: accepted.size]] = accepted
    count = np.count_nonzero(_offends(given, array))
    raise DrawError(
        f"input {given.name!r}: {count} of {array.size} values drawn from {source.distribution} still lie outside "
        f"{_allowed(given)} after {_REDRAWS} draws; choose a distribution that falls inside"
    )


def _offends(given: Input, array: Array) -> NDArray[np.bool_]:
    return _outside(given, array) | _too_near(given, array)


def _outside(given: Input, array: Array) -> NDArray[np.bool_]:
    low, high = given.bounds
    outside = np.zeros(array.shape, dtype=bool)
    if low is not None:
        outside |= ~(array >= low)
    if high is not None:
        outside |= ~(array <= high)
    return outside


def _too_near(given: Input, array: Array) -> NDArray[np.bool_]:
    near = np.zeros(array.shape, dtype=bool)
    for point in given.avoid.points if given.avoid else ():
        assert given.avoid is not None
        near |= np.abs(array - point) < given.avoid.margin
    return near


def _interval(given: Input) -> str:
    low, high = given.bounds
    return f"[{'-inf' if low is None else f'{low:g}'}, {'inf' if high is None else f'{high:g}'}]"


def _allowed(given: Input) -> str:
    if given.avoid is None:
        return f"bounds {_interval(given)}"
    points = ", ".join(f"{point:g}" for point in given.avoid.points)
    return f"bounds {_interval(given)} without {given.avoid.margin:g} around {points}"


def _permutation(rng: np.random.Generator, shape: tuple[int, ...], _: Mapping[str, Any]) -> Array:
    return rng.permutation(int(np.prod(shape, dtype=np.int64))).reshape(shape)


def _loguniform(rng: np.random.Generator, shape: tuple[int, ...], p: Mapping[str, Any]) -> Array:
    return np.asarray(np.exp(rng.uniform(np.log(p["low"]), np.log(p["high"]), shape)))


#: every distribution of ``suite/distributions.py`` and how it is sampled
SAMPLERS: dict[str, Sampler] = {
    "normal": lambda rng, shape, p: rng.normal(p.get("mean", 0.0), p.get("std", 1.0), shape),
    "uniform": lambda rng, shape, p: rng.uniform(p.get("low", 0.0), p.get("high", 1.0), shape),
    "lognormal": lambda rng, shape, p: rng.lognormal(p.get("mean", 0.0), p.get("sigma", 1.0), shape),
    "loguniform": _loguniform,
    "exponential": lambda rng, shape, p: rng.exponential(p.get("scale", 1.0), shape),
    "gamma": lambda rng, shape, p: rng.gamma(p["k"], p.get("scale", 1.0), shape),
    "beta": lambda rng, shape, p: rng.beta(p["a"], p["b"], shape),
    "laplace": lambda rng, shape, p: rng.laplace(p.get("mean", 0.0), p.get("scale", 1.0), shape),
    "student_t": lambda rng, shape, p: rng.standard_t(p["df"], shape),
    "integers": lambda rng, shape, p: rng.integers(int(p.get("low", 0)), int(p["high"]), shape),
    "choice": lambda rng, shape, p: rng.choice(np.asarray(p["of"]), shape),
    "bernoulli": lambda rng, shape, p: rng.random(shape) < p.get("p", 0.5),
    "permutation": _permutation,
}
