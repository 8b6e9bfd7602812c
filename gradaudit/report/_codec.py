"""Between our frozen dataclasses and JSON, without loss: what is written comes back equal, to the last bit.

JSON has no NaN and no infinity: they are the strings ``"NaN"``, ``"Infinity"`` and ``"-Infinity"``, everywhere.
A *text* that reads like one of them carries a backslash in front (``"\\NaN"``), so that neither is ever taken
for the other. An array is a tuple, as frozen data holds them; a list, which only an option that the suite passes
on can be, is ``{"$list": […]}``, and a mapping whose keys are not all texts is ``{"$map": [[key, value], …]}``. A
text key that starts with ``$`` has it doubled.
"""

import json
import reprlib
from collections.abc import Mapping
from dataclasses import is_dataclass
from datetime import date
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from gradaudit.report._encoding import LOOKS_LIKE_A_NUMBER, encoded, may_be_a_number, nonfinite

__all__ = ["dumps", "from_plain", "nonfinite"]

#: What a scalar may be in JSON, by its annotation: an exact match, as no number of ours is a boolean.
_ALLOWED: dict[Any, frozenset[type]] = {
    str: frozenset({str}),
    bool: frozenset({bool}),
    int: frozenset({int}),
    float: frozenset({float, int}),
    NoneType: frozenset({NoneType}),
}
_NUMBERS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


def dumps(value: object, *, indent: int | None = None) -> str:
    """JSON text of a dataclass, a mapping, a sequence or a scalar: pure ASCII, one line unless indented."""
    text = encoded(value)
    return text if indent is None else json.dumps(json.loads(text), indent=indent)


def from_plain(kind: Any, data: Any) -> Any:
    """`data`, as ``json.loads`` gives it, as an instance of the annotation `kind`.

    Fields that are missing take their default, and fields that are unknown are passed over, so that a reader outlives
    a small addition to a format, and may ask for a part. Every type is checked. Raises ValueError or TypeError where
    `data` is no `kind`.
    """
    return _builder(kind)(data)


def _revive(data: Any) -> Any:
    if isinstance(data, str):
        return _unquote(data)
    if isinstance(data, list):
        return tuple(_revive(item) for item in data)
    if isinstance(data, dict):
        return _revive_mapping(data)
    return data


def _revive_mapping(data: dict[str, Any]) -> Any:
    if "$list" in data:
        return [_revive(item) for item in data["$list"]]
    if "$map" in data:
        return {_revive(key): _revive(item) for key, item in data["$map"]}
    return {key.removeprefix("$"): _revive(item) for key, item in data.items()}


def _unquote(text: str) -> str | float:
    if may_be_a_number(text) and LOOKS_LIKE_A_NUMBER.fullmatch(text):
        return text[1:] if text[0] == "\\" else _NUMBERS[text]
    return text


@cache
def _builder(kind: Any) -> Any:
    """A function from plain data to `kind`, built once a type: a report of 5,000 cases has a million scalars."""
    if isinstance(kind, type) and is_dataclass(kind):
        return _dataclass_builder(kind)
    if isinstance(kind, type) and issubclass(kind, (Enum, date)):
        return date.fromisoformat if issubclass(kind, date) else kind
    if kind in _ALLOWED:
        return _scalar_builder(_ALLOWED[kind])
    if get_origin(kind) is tuple:
        return _tuple_builder(get_args(kind))
    if get_origin(kind) in (Union, UnionType):
        return _union_builder(get_args(kind))
    if get_origin(kind) is Literal:
        return _literal_builder(get_args(kind))
    if get_origin(kind) is Mapping:
        return _mapping_builder(get_args(kind))
    return _revive


def _scalar_builder(allowed: frozenset[type]) -> Any:
    # what a file holds is not to be trusted: a number in the place of a text would break a report much later
    def build(data: Any) -> Any:
        if type(data) is str:
            data = _unquote(data)
        if type(data) not in allowed:
            raise ValueError(f"{_said(data)} where {' or '.join(sorted(kind.__name__ for kind in allowed))} should be")
        return data

    return build


def _dataclass_builder(kind: type) -> Any:
    builders = {name: _builder(hint) for name, hint in get_type_hints(kind).items()}

    def build(data: Any) -> Any:
        if not isinstance(data, dict):
            raise ValueError(f"{_said(data)} where {kind.__name__} should be")
        return kind(**{name: builders[name](item) for name, item in data.items() if name in builders})

    return build


def _tuple_builder(kinds: tuple[Any, ...]) -> Any:
    builders = tuple(map(_builder, kinds[:1] if kinds[-1] is Ellipsis else kinds))

    def build(data: Any) -> Any:
        if not isinstance(data, list):
            raise ValueError(f"{_said(data)} where an array should be")
        if kinds[-1] is Ellipsis:
            return tuple(map(builders[0], data))
        return tuple(make(item) for make, item in zip(builders, data, strict=True))

    return build


def _union_builder(kinds: tuple[Any, ...]) -> Any:
    """A scalar stays what it is where that is allowed; else the first of the other kinds that the data can be."""
    scalars = frozenset[type]().union(*(_ALLOWED.get(kind, frozenset()) for kind in kinds))
    builders = tuple(_builder(kind) for kind in kinds if kind not in _ALLOWED) or (_scalar_builder(scalars),)

    def build(data: Any) -> Any:
        plain = _unquote(data) if type(data) is str else data
        if type(plain) in scalars:
            return plain
        for builder in builders[:-1]:
            try:
                return builder(data)
            except (TypeError, ValueError):
                continue
        return builders[-1](data)

    return build


def _literal_builder(allowed: tuple[Any, ...]) -> Any:
    def build(data: Any) -> Any:
        if not isinstance(data, str) or data not in allowed:
            raise ValueError(f"{_said(data)} where one of {', '.join(map(repr, allowed))} should be")
        return data

    return build


def _mapping_builder(kinds: tuple[Any, ...]) -> Any:
    key_of, value_of = map(_builder, kinds)

    def build(data: Any) -> Any:
        if not isinstance(data, dict):
            raise ValueError(f"{_said(data)} where an object should be")
        pairs = data["$map"] if "$map" in data else ((key.removeprefix("$"), item) for key, item in data.items())
        return {key_of(key): value_of(item) for key, item in pairs}

    return build


def _said(data: Any) -> str:
    return f"{reprlib.repr(data)} ({type(data).__name__})"
