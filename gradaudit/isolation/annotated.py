"""Whether plain data is what the annotations of its class say: what ran user code may have sent anything."""

import reprlib
from collections.abc import Callable
from dataclasses import is_dataclass
from enum import Enum
from functools import cache
from numbers import Integral, Real
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

Fits = Callable[[Any], bool]


def amiss(value: Any, kind: Any) -> str:
    """What a field of ``value`` holds that the dataclass ``kind`` does not allow there; empty where none does."""
    fields = _fields(kind)
    if type(value) is not kind:
        return f"{_shown(value)} where {kind.__name__} should be"
    for name, fits in fields:
        if not fits(found := getattr(value, name, None)):
            return f"{_shown(found)} where {kind.__name__}.{name} should be"
    return ""


@cache
def fit(kind: Any) -> Fits:
    """Whether a value is of the annotation ``kind``, all the way down. Raises TypeError for an annotation not known.

    Built once a type. NumPy's numbers count as numbers, of whatever width; a boolean is no number.
    """
    if kind in _SCALARS:
        return _SCALARS[kind]
    if get_origin(kind) is tuple:
        return _tuple(get_args(kind))
    if get_origin(kind) is UnionType:
        options = tuple(map(fit, get_args(kind)))
        return lambda value: any(fits(value) for fits in options)
    if isinstance(kind, type) and is_dataclass(kind):
        return _dataclass(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return lambda value: type(value) is kind
    raise TypeError(f"no verdict may hold {kind}: it is not known how to look at it")


_SCALARS: dict[Any, Fits] = {
    str: lambda value: isinstance(value, str),
    bytes: lambda value: isinstance(value, bytes),
    bool: lambda value: type(value).__name__ in ("bool", "bool_"),  # of NumPy too, which is not imported here
    int: lambda value: isinstance(value, Integral) and not isinstance(value, bool),
    float: lambda value: type(value) is float or (isinstance(value, Real) and not isinstance(value, bool)),
    NoneType: lambda value: value is None,
}


@cache
def _fields(kind: Any) -> tuple[tuple[str, Fits], ...]:
    return tuple((name, fit(hint)) for name, hint in get_type_hints(kind).items())


def _dataclass(kind: Any) -> Fits:
    fields = _fields(kind)
    return lambda value: type(value) is kind and all(fits(getattr(value, name, None)) for name, fits in fields)


def _tuple(kinds: tuple[Any, ...]) -> Fits:
    if kinds[-1] is Ellipsis:
        one = fit(kinds[0])
        return lambda value: type(value) is tuple and all(map(one, value))
    each = tuple(map(fit, kinds))
    return lambda value: (
        type(value) is tuple
        and len(value) == len(each)
        and all(fits(item) for fits, item in zip(each, value, strict=True))
    )


def _shown(value: Any) -> str:
    return f"{reprlib.repr(value)} ({type(value).__name__})"
