"""Makes every op callable from Numba-compiled code; Numba itself calls ``register`` through its entry point.

An op needs nothing for this: each function defined in a module of this folder is its own overload. Only a few
primitives of ``_axes`` are spelled again here: shapes whose length depends on an argument, messages, two reductions.
This is the only module of the folder that imports Numba, and only Numba or an engine loads it.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numba import types
from numba.core.errors import RequireLiteralValue
from numba.cpython.unsafe.tuple import tuple_setitem
from numba.extending import overload

from gradaudit.ops import _axes, _elementwise

Function = Callable[..., Any]
set_at: Any = tuple_setitem  # Numba declares the signature of its inside, not of the call
_registered: list[Function] = []


def register() -> None:
    """Give Numba an overload of every function in this folder; calling it again does nothing."""
    if _registered:
        return
    for function, spelling in _SPELLINGS.items():
        overload(function, strict=False, prefer_literal=True)(spelling)
        _registered.append(function)
    for function in _plain_functions():
        spelling = _flat_overload_of(function) if function in _elementwise.marked else _overload_of(function)
        overload(function, prefer_literal=_decides_a_shape(function))(spelling)
        _registered.append(function)


def _plain_functions() -> Iterator[Function]:
    package = importlib.import_module("gradaudit.ops")
    for info in pkgutil.iter_modules(package.__path__, "gradaudit.ops."):
        if info.name == __name__:
            continue
        module = importlib.import_module(info.name)
        for function in vars(module).values():
            if inspect.isfunction(function) and function.__module__ == info.name and function not in _SPELLINGS:
                yield function


def _decides_a_shape(function: Function) -> bool:
    """Whether an option must stay a literal through nested calls; the others compile once for all their values."""
    return "keepdims" in inspect.signature(function).parameters


def _overload_of(function: Function) -> Function:
    """A function with the signature of ``function`` that returns it: the form Numba wants an overload in."""

    def spelling(*arguments: Any, **options: Any) -> Function:
        return function

    spelling.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
    return spelling


def _flat_overload_of(function: Function) -> Function:
    """As ``_overload_of``; operands of two axes and more are broadcast, laid flat and folded back."""
    signature = inspect.signature(function)

    def spelling(*arguments: Any, **options: Any) -> Function:
        bound = signature.bind(*arguments, **options).arguments
        operands = [name for name, kind in bound.items() if isinstance(kind, types.Array)]
        if all(bound[name].ndim <= 1 for name in operands):
            return function
        return _flat_call(function, signature, operands)

    spelling.__signature__ = signature  # type: ignore[attr-defined]
    return spelling


def _flat_call(function: Function, signature: inspect.Signature, operands: list[str]) -> Function:
    """A function of the same parameters that calls ``function`` on flat ``operands``."""
    shapes = ", ".join(f"np.shape({name})" for name in operands)
    values = ", ".join(f"flat({name}, shape)" if name in operands else name for name in signature.parameters)
    shape = f"np.broadcast_shapes({shapes})" if len(operands) > 1 else f"np.shape({operands[0]})"
    lines = [f"def call({', '.join(signature.parameters)}):", f"    shape = {shape}"]
    lines.append(f"    return function({values}).reshape(shape)")
    namespace: dict[str, Any] = {"function": function, "flat": _axes.flat, "np": np}
    exec("\n".join(lines), namespace)
    call: Function = namespace["call"]
    call.__signature__ = signature  # type: ignore[attr-defined]
    return call


# Below, ``padded`` and ``[:-1]`` keep indexing legal where a tuple may be empty: Numba types loops that never run.


def _literal(value: Any) -> Any:
    """The Python value of a literal or left-out argument's type, or the type itself where it has none."""
    if isinstance(value, types.Literal):
        return value.literal_value
    if isinstance(value, types.Omitted):
        return value.value
    return value


def _is_all_axes(axis: Any) -> bool:
    return axis is None or isinstance(axis, types.NoneType) or _literal(axis) is None


def _refuse(place: Any, measured: Any, allowed: Any) -> Function:
    message = f"{_literal(place)}: allowed: {_literal(allowed)}"

    def spelling(place, measured, allowed):  # type: ignore[no-untyped-def]
        raise ValueError(message)

    return spelling


def _reduced_shape(shape: Any, axis: Any, keepdims: Any) -> Function:
    keep, axis_of, n = _literal(keepdims), _axes.axis_of, len(shape)
    if not isinstance(keep, bool):
        raise RequireLiteralValue("keepdims must be written as True or False inside compiled code")
    if _is_all_axes(axis):
        whole = (1,) * n if keep else ()
        return lambda shape, axis, keepdims: whole
    if keep:
        return lambda shape, axis, keepdims: set_at((*shape, 1), axis_of(axis, n), 1)[:-1]

    def spelling(shape, axis, keepdims):  # type: ignore[no-untyped-def]
        out, front = (*shape, 1), axis_of(axis, n)
        for k in range(n - 1):
            out = set_at(out, k, shape[k] if k < front else shape[k + 1])
        return out[:-2]

    return spelling


def _resized_shape(shape: Any, axis: Any, length: Any) -> Function:
    n, axis_of = len(shape), _axes.axis_of
    return lambda shape, axis, length: set_at((*shape, 1), axis_of(axis, n), length)[:-1]


def _expanded_shape(shape: Any, axis: Any) -> Function:
    n, axis_of = len(shape), _axes.axis_of
    longer = (1,) * (n + 1)

    def spelling(shape, axis):  # type: ignore[no-untyped-def]
        out, front, padded = longer, axis_of(axis, n + 1), (*shape, 1)
        for k in range(n):
            out = set_at(out, k if k < front else k + 1, padded[k])
        return out

    return spelling


def _taken_shape(shape: Any, axis: Any, inserted: Any) -> Function:
    n, m, axis_of = len(shape), len(inserted), _axes.axis_of
    joined = (0,) * (n + m)

    def spelling(shape, axis, inserted):  # type: ignore[no-untyped-def]
        out, front, padded = joined, axis_of(axis, n), (*inserted, 1)
        for k in range(n):
            if k != front:
                out = set_at(out, k if k < front else k + m - 1, shape[k])
        for k in range(m):
            out = set_at(out, front + k, padded[k])
        return out[:-1]

    return spelling


def _aligned_shape(shape: Any, longer: Any) -> Function:
    n, missing = len(longer), len(longer) - len(shape)
    ones, refuse = (1,) * (n + 1), _axes.refuse

    def spelling(shape, longer):  # type: ignore[no-untyped-def]
        if missing < 0:
            refuse("broadcast", 0, "a first shape with at most as many axes as the second")
        out, padded = ones, (*shape, 1)
        for k in range(max(missing, 0), n):
            out = set_at(out, k, padded[k - missing])
        return out[:-1]

    return spelling


def _permutation(axes: Any, shape: Any) -> Function:
    n, zeros, refuse = len(shape), (0,) * (len(shape) + 1), _axes.refuse
    complete = len(axes) == n

    def spelling(axes, shape):  # type: ignore[no-untyped-def]
        out, seen, padded = zeros, np.zeros(n, np.int64), (*axes, 0)
        if not complete:
            refuse("transpose", 0, "axes that name each axis of the shape once")
        for k in range(n):
            front = padded[k] + n if padded[k] < 0 else padded[k]
            if front < 0 or front >= n or seen[front]:
                refuse("transpose", 0, "axes that name each axis of the shape once")
            seen[front] = 1
            out = set_at(out, k, front)
        return out[:-1]

    return spelling


def _inverse_permutation(axes: Any, shape: Any) -> Function:
    n, zeros, permutation = len(shape), (0,) * (len(shape) + 1), _axes.permutation

    def spelling(axes, shape):  # type: ignore[no-untyped-def]
        out, front = zeros, (*permutation(axes, shape), 0)
        for k in range(n):
            out = set_at(out, front[k], k)
        return out[:-1]

    return spelling


# The two below are loops because NumPy's own reductions over an axis take Numba seconds to compile.


def _middle_sum(block: Any) -> Function:
    def spelling(block):  # type: ignore[no-untyped-def]
        outer, length, inner = block.shape
        total = np.zeros((outer, inner), block.dtype)
        for i in range(outer):
            for k in range(length):
                for j in range(inner):
                    total[i, j] += block[i, k, j]
        return total

    return spelling


def _first_largest(block: Any) -> Function:
    refuse = _axes.refuse

    def spelling(block):  # type: ignore[no-untyped-def]
        outer, length, inner = block.shape
        if length == 0:
            refuse("max or min", 0, "a reduced axis (the middle one) with at least one element")
        positions = np.empty(outer * inner, np.int64)
        for i in range(outer):
            for j in range(inner):
                best = 0
                for k in range(1, length):
                    value, largest = block[i, k, j], block[i, best, j]
                    if value > largest or (np.isnan(value) and not np.isnan(largest)):
                        best = k
                positions[i * inner + j] = (i * length + best) * inner + j
        return positions

    return spelling


_SPELLINGS: dict[Function, Function] = {
    _axes.refuse: _refuse,
    _axes.reduced_shape: _reduced_shape,
    _axes.resized_shape: _resized_shape,
    _axes.expanded_shape: _expanded_shape,
    _axes.taken_shape: _taken_shape,
    _axes.aligned_shape: _aligned_shape,
    _axes.permutation: _permutation,
    _axes.inverse_permutation: _inverse_permutation,
    _axes.middle_sum: _middle_sum,
    _axes.first_largest: _first_largest,
}
