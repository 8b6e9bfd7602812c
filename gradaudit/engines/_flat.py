"""A compiled function over flat float64 vectors, generated around a function of arrays for one layout of its inputs."""

import hashlib
import keyword
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numba import float64, int64, njit, types
from numba.core.dispatcher import Dispatcher
from numba.core.errors import NumbaWarning
from numba.extending import overload
from numpy.typing import NDArray

from gradaudit.engines._agreement import agree
from gradaudit.engines._arguments import Arguments

Array = NDArray[np.float64]

SIGNATURE = int64(float64[::1], float64[::1])

TEMPLATE = """
def flat(x, y):
    try:
        end = store(y, 0, function({call}))
    except Exception:
        return 1
    return 0 if end == y.size else 2
"""


class NotCompiled(Exception):
    """No compiled form of a function can stand for its calls; the message says why."""


@dataclass(frozen=True)
class Passing:
    """How the arguments of a call are cut out of the flat vector; one of several ways that may suit a function."""

    scalars: bool  #: inputs without axes go in as numbers, else as arrays of no axes
    copies: bool  #: arrays are copied for each call, for functions that write into them


#: In order of cost; the first that compiles and leaves x alone is taken.
PASSINGS = (Passing(True, False), Passing(True, True), Passing(False, False), Passing(False, True))


@dataclass(frozen=True)
class Constants:
    """Values that the generated source names rather than spells; equal where their bits are."""

    values: Mapping[str, object] = field(compare=False)
    digest: str

    @classmethod
    def of(cls, values: Mapping[str, object]) -> "Constants":
        """Constants with the digest of their names, types and bits."""
        digest = hashlib.sha256()
        for name, value in values.items():
            digest.update(f"{name} {type(value)} ".encode())
            digest.update(_bits(value))
        return cls(values, digest.hexdigest())


def flat_function(
    function: Callable[..., object], arguments: Arguments, *, base: Array, options: Mapping[str, object] | None = None
) -> object:
    """``int64(float64[::1] x, float64[::1] y)``: y = function at x, flat; 0, or another number where it raised.

    ``function`` is a Numba function, or a Python one that Numba can compile (with bounds checked, as Python does).
    ``base`` (m,) is what calling it at ``arguments.x`` gave: the compiled form must give the same, and must not
    write into x. Compiled once per function, way of passing, options and constant inputs; kept in memory only, since a
    function on disk goes stale when one that it calls is edited.

    Raises NotCompiled.
    """
    if any(array.dtype.kind == "c" for array in arguments.arrays):
        raise NotCompiled("an input is complex")
    reason, copying_helps = "", False
    for passing in PASSINGS:
        if passing.copies and not copying_helps:
            continue
        source, constants = _source(arguments, options or {}, passing)
        flat, problem = _compile(function, source, constants)
        if flat is not None and _leaves_alone(flat, arguments.x, base.size):
            _check_agreement(flat, arguments, base)
            return flat
        reason = reason or problem
        # named constants are read-only to Numba, which some signatures refuse
        copying_helps = flat is not None or bool(constants.values)
    raise NotCompiled(reason or "it writes into an input, and copies did not prevent that")


def is_compiled(function: object) -> bool:
    """Whether ``function`` is Numba's own already."""
    return isinstance(function, Dispatcher)


def _source(arguments: Arguments, options: Mapping[str, object], passing: Passing) -> tuple[str, Constants]:
    """The flat function's source, and the values that it names."""
    names: dict[str, object] = {}
    parts = [_constant(f"input_{i}", value, names, passing) for i, value in enumerate(arguments.inputs)]
    for which, position in enumerate(arguments.differentiated):
        parts[position] = _cut(arguments, which, passing)
    for i, (name, value) in enumerate(options.items()):
        if not name.isidentifier() or keyword.iskeyword(name):
            raise NotCompiled(f"kwargs: {name!r}, allowed are names of parameters")
        parts.append(f"{name}=" + _constant(f"option_{i}", value, names, passing))
    return TEMPLATE.format(call=", ".join(parts)), Constants.of(names)


def _cut(arguments: Arguments, which: int, passing: Passing) -> str:
    """The expression for a differentiated input."""
    array, start, stop = arguments.arrays[which], *arguments.offsets[which : which + 2]
    dtype = "" if array.dtype == np.float64 else array.dtype.name
    if passing.scalars and not array.shape:
        return f"{dtype}(x[{start}])"
    part = f"x[{start}:{stop}]" + (f".reshape({array.shape})" if array.ndim != 1 else "")
    if dtype:
        return f"{part}.astype({dtype})"
    return f"{part}.copy()" if passing.copies else part


def _constant(name: str, value: object, names: dict[str, object], passing: Passing) -> str:
    """A value that stays fixed: spelt where it is plain, so that it is a literal to Numba; else named."""
    spelt = _spelt(value)
    if spelt is not None:
        return spelt
    names[name] = value
    return f"{name}.copy()" if passing.copies and isinstance(value, np.ndarray) else name


def _spelt(value: object) -> str | None:
    """A plain value as source; a list as a tuple, since Numba's lists make no shapes or axes. None: not plain."""
    if value is None or type(value) in (bool, int, str) or (type(value) is float and np.isfinite(value)):
        return repr(value)
    if isinstance(value, tuple | list):
        parts = [_spelt(part) for part in value]
        return None if None in parts else "(" + "".join(f"{part}, " for part in parts) + ")"
    return None


def _bits(value: object) -> bytes:
    """What tells two constants apart; an object without bits of its own is known by its place, kept alive here."""
    if isinstance(value, np.ndarray | np.generic) and value.dtype != object:
        return f"{value.dtype} {value.shape} ".encode() + value.tobytes()
    return repr(value).encode() if isinstance(value, float) else str(id(value)).encode()


@lru_cache(maxsize=128)
def _compile(function: Callable[..., object], source: str, constants: Constants) -> tuple[Any, str]:
    """The flat function and no problem, or none and why; failures are remembered too, since they cost as much."""
    namespace: dict[str, Any] = {"store": store, "float32": np.float32, "float16": np.float16, **constants.values}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NumbaWarning)
            namespace["function"] = _callee(function)
            exec(source, namespace)
            flat = njit(SIGNATURE)(namespace["flat"])
    except Exception as error:  # Numba raises nearly anything where it meets code that it does not know
        return None, f"{type(error).__name__}: {_reason(error)}"
    if _is_parallel(flat):
        return None, "it starts threads of its own, which cannot be nested"
    return flat, ""


def _callee(function: Callable[..., object]) -> object:
    """What generated code may call; Python's IndexError stays one, instead of a read beside the array."""
    if is_compiled(function) or isinstance(function, np.ufunc):
        return function
    return njit(boundscheck=True)(function)


def _is_parallel(flat: Any) -> bool:
    """Whether anything linked in opens a parallel region; Numba's default threading layer aborts when that nests."""
    (compiled,) = flat.overloads.values()
    return "numba_parallel_for" in compiled.library.get_llvm_str()


def _reason(error: Exception) -> str:
    """The one line of a compiler's message that says what it stumbled over."""
    lines = [line.strip(" -*") for line in str(error).splitlines() if line.strip(" -*")]
    telling = [line for line in lines if not line.startswith(("Failed in", "During:", "File ", "Unknown"))]
    return (telling or lines or ["no reason given"])[0]


def _leaves_alone(flat: Any, x: Array, outputs: int) -> bool:
    work = x.copy()
    flat(work, np.empty(outputs))
    return np.array_equal(work.view(np.int64), x.view(np.int64))


def _check_agreement(flat: Any, arguments: Arguments, base: Array) -> None:
    """Compiled code that means something else (an integer division, a generator's state) must not stand for f."""
    y = np.empty(base.size)
    status = flat(arguments.x.copy(), y)
    if status == 1:
        raise NotCompiled("compiled, it raises where a call returns")
    if status == 2:
        raise NotCompiled(f"compiled, it does not return {base.size} numbers as a call does")
    narrow = any(array.dtype != np.float64 for array in arguments.arrays)
    if not agree(y, base, narrow=narrow):
        j = int(np.argmax(np.nan_to_num(np.abs(y - base), nan=np.inf)))
        raise NotCompiled(f"compiled, it returns {y[j]:.17g} where a call returns {base[j]:.17g}")


def store(y, start, value):  # type: ignore[no-untyped-def]
    """Write an output into y from position ``start`` as far as it fits; the position after all of it. Compiled only."""
    raise NotImplementedError("store: called from Python, allowed inside compiled code only; compile its caller")


@overload(store)
def _store(y, start, value):  # type: ignore[no-untyped-def]
    if isinstance(value, types.Number | types.Boolean) and not isinstance(value, types.Complex):
        return _store_number
    if isinstance(value, types.Array):
        return _store_array
    if isinstance(value, types.BaseTuple):
        return _store_tuple if len(value) else _store_nothing
    if isinstance(value, types.List | types.ListType):
        return _store_list
    return None


def _store_number(y, start, value):  # type: ignore[no-untyped-def]
    if start < y.size:
        y[start] = value
    return start + 1


def _store_array(y, start, value):  # type: ignore[no-untyped-def]
    end = start + value.size
    if end <= y.size:
        for number in value.flat:
            y[start] = number
            start += 1
    return end


def _store_tuple(y, start, value):  # type: ignore[no-untyped-def]
    return store(y, store(y, start, value[0]), value[1:])  # type: ignore[no-untyped-call]


def _store_nothing(y, start, value):  # type: ignore[no-untyped-def]
    return start


def _store_list(y, start, value):  # type: ignore[no-untyped-def]
    for part in value:
        start = store(y, start, part)  # type: ignore[no-untyped-call]
    return start
