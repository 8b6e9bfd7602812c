"""Makes every op callable from Numba-compiled code; Numba itself calls ``register`` through its entry point.

An op needs nothing for this: each function defined in a module of this folder is its own overload, but for the few
primitives in ``_spellings``. These two are the only modules here that import Numba, and only Numba or an engine loads
them.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numba import types
from numba.extending import overload

from gradaudit.ops import _axes, _elementwise
from gradaudit.ops._spellings import SPELLINGS

Function = Callable[..., Any]
_registered: list[Function] = []


def register() -> None:
    """Give Numba an overload of every function in this folder; calling it again does nothing."""
    if _registered:
        return
    for function, spelling in SPELLINGS.items():
        overload(function, strict=False, prefer_literal=True)(spelling)
        _registered.append(function)
    for function in _plain_functions():
        spelling = _flat_overload_of(function) if function in _elementwise.marked else _overload_of(function)
        overload(function, prefer_literal=_decides_a_shape(function))(spelling)
        _registered.append(function)


def _plain_functions() -> Iterator[Function]:
    package = importlib.import_module("gradaudit.ops")
    for info in pkgutil.iter_modules(package.__path__, "gradaudit.ops."):
        if info.name in (__name__, "gradaudit.ops._spellings"):
            continue
        module = importlib.import_module(info.name)
        for function in vars(module).values():
            if inspect.isfunction(function) and function.__module__ == info.name and function not in SPELLINGS:
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
