"""Between our frozen dataclasses and JSON, without loss: what is written comes back equal, to the last bit.

JSON has no NaN and no infinity: they are the strings ``"NaN"``, ``"Infinity"`` and ``"-Infinity"``, everywhere.
A *text* that reads like one of them carries a backslash in front (``"\\NaN"``), so that neither is ever taken
for the other. An array is a tuple, as frozen data holds them; a list, which only an option that the suite passes
on can be, is ``{"$list": […]}``, and a mapping whose keys are not all texts is ``{"$map": [[key, value], …]}``. A
text key that starts with ``$`` has it doubled.
"""

import json
import re
import reprlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum
from functools import cache
from math import isfinite, isnan
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

_LOOKS_LIKE_A_NUMBER = re.compile(r"\\*(NaN|-?Infinity)")
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
    separators = (",", ":") if indent is None else (",", ": ")
    return json.dumps(to_plain(value), allow_nan=False, indent=indent, separators=separators)


def loads(text: str) -> Any:
    """The plain value in a JSON text, with NaN and the infinities as floats and arrays as tuples."""
    return _revive(json.loads(text))


def to_plain(value: object) -> Any:
    """`value` as JSON has it: dicts with text keys, lists, text, finite numbers, booleans and None."""
    kind: Any = type(value)
    if (names := _field_names(kind)) is not None:
        return {name: to_plain(getattr(value, name)) for name in names}
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _quote(str(value.value) if isinstance(value, Enum) else value)
    if isinstance(value, float):
        return float(value) if isfinite(value) else nonfinite(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, Mapping):
        return _mapping(value)
    if isinstance(value, tuple):
        return [to_plain(item) for item in value]
    if isinstance(value, list):
        return {"$list": [to_plain(item) for item in value]}
    return _foreign(value)


def from_plain(kind: Any, data: Any) -> Any:
    """`data`, as `loads` gives it, as an instance of the annotation `kind`.

    Fields that are missing take their default, and fields that are unknown are passed over, so that a reader outlives
    a small addition to a format. Every type is checked. Raises ValueError or TypeError where `data` is no `kind`.
    """
    return _builder(kind)(data)


def nonfinite(value: float) -> str:
    """The word that stands for a NaN or an infinity in every text format."""
    return "NaN" if isnan(value) else "Infinity" if value > 0 else "-Infinity"


@cache
def _field_names(kind: type) -> tuple[str, ...] | None:
    """The fields of a dataclass, looked up once a type; None for every other type."""
    return tuple(field.name for field in fields(kind)) if is_dataclass(kind) else None


def _foreign(value: object) -> Any:
    """What user code may leave in a verdict: NumPy scalars and arrays by value, dates by ISO 8601, the rest by repr."""
    if isinstance(value, date):
        return value.isoformat()
    if hasattr(value, "tolist"):
        return to_plain(value.tolist())
    return repr(value)


def _mapping(value: Mapping[Any, Any]) -> dict[str, Any]:
    if not all(isinstance(key, str) for key in value):
        return {"$map": [[to_plain(key), to_plain(item)] for key, item in value.items()]}
    return {"$" + key if key.startswith("$") else key: to_plain(item) for key, item in value.items()}


def _quote(text: str) -> str:
    return "\\" + text if _may_be_a_number(text) and _LOOKS_LIKE_A_NUMBER.fullmatch(text) else text


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
    if _may_be_a_number(text) and _LOOKS_LIKE_A_NUMBER.fullmatch(text):
        return text[1:] if text[0] == "\\" else _NUMBERS[text]
    return text


def _may_be_a_number(text: str) -> bool:
    """Whether the words for NaN and the infinities are worth looking for: their last letters are."""
    return text.endswith(("N", "y"))


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
    return _as_it_is


def _as_it_is(data: Any) -> Any:
    return data


def _scalar_builder(allowed: frozenset[type]) -> Any:
    # what a file holds is not to be trusted: a number in the place of a text would break a report much later
    def build(data: Any) -> Any:
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
        if not isinstance(data, tuple):
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
        if type(data) in scalars:
            return data
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
        return {key_of(key): value_of(item) for key, item in data.items()}

    return build


def _said(data: Any) -> str:
    return f"{reprlib.repr(data)} ({type(data).__name__})"
