"""Our frozen dataclasses as JSON text, in the words of ``_codec``: a function for each type, made when it is first met.

A verdict has three hundred scalars and a run may write thousands of verdicts, each before the next case is looked at:
text is made directly, without a tree of plain values in between.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum
from json.encoder import encode_basestring_ascii as _in_quotes
from math import isfinite, isnan
from operator import attrgetter
from types import NoneType
from typing import Any

#: A text that reads like a number that JSON has not, or like one with a backslash in front.
LOOKS_LIKE_A_NUMBER = re.compile(r"\\*(NaN|-?Infinity)")

Writer = Callable[[Any], str]


def encoded(value: object) -> str:
    """``value`` as one line of JSON: pure ASCII, without spaces."""
    return _WRITERS[type(value)](value)


def nonfinite(value: float) -> str:
    """The word that stands for a NaN or an infinity in every text format."""
    return "NaN" if isnan(value) else "Infinity" if value > 0 else "-Infinity"


def plain_number(value: object) -> object:
    """``value`` for a JSON document: a NaN or an infinity, which JSON has not, as the word that stands for it."""
    return nonfinite(value) if isinstance(value, float) and not isfinite(value) else value


def may_be_a_number(text: str) -> bool:
    """Whether the words for NaN and the infinities are worth looking for: their last letters are."""
    return text.endswith(("N", "y"))


class _Writers(dict[type, Writer]):
    """How each type is written."""

    def __missing__(self, kind: type) -> Writer:
        self[kind] = _writer(kind)
        return self[kind]


def _writer(kind: type) -> Writer:
    if is_dataclass(kind):
        return _dataclass_writer(kind)
    if kind is NoneType or issubclass(kind, bool):
        return {None: "null", True: "true", False: "false"}.__getitem__
    if issubclass(kind, Enum) and issubclass(kind, str):
        return {member: _text(str(member.value)) for member in kind}.__getitem__
    for general, writer in _GENERAL.items():
        if issubclass(kind, general):
            return writer
    return _foreign


def _dataclass_writer(kind: type) -> Writer:
    names = [field.name for field in fields(kind)]
    if len(names) < 2:  # attrgetter gives no tuple
        return lambda value: _object({name: getattr(value, name) for name in names})
    template, values = "{" + ",".join(f'"{name}":%s' for name in names) + "}", attrgetter(*names)

    def write(value: object) -> str:
        return template % tuple([_WRITERS[type(item)](item) for item in values(value)])

    return write


def _text(value: str) -> str:
    if may_be_a_number(value) and LOOKS_LIKE_A_NUMBER.fullmatch(value):
        return _in_quotes("\\" + value)
    return _in_quotes(value)


def _float(value: float) -> str:
    return float.__repr__(value) if isfinite(value) else f'"{nonfinite(value)}"'


def _tuple(value: tuple[object, ...]) -> str:
    return f"[{','.join([_WRITERS[type(item)](item) for item in value])}]"


def _list(value: list[object]) -> str:
    return f'{{"$list":{_tuple(tuple(value))}}}'


def _mapping(value: Mapping[Any, Any]) -> str:
    if all(isinstance(key, str) for key in value):
        return _object({"$" + key if key.startswith("$") else key: item for key, item in value.items()})
    return f'{{"$map":{_tuple(tuple(value.items()))}}}'


def _object(members: Mapping[str, object]) -> str:
    return "{" + ",".join([f"{_in_quotes(key)}:{encoded(item)}" for key, item in members.items()]) + "}"


def _foreign(value: object) -> str:
    """What user code may leave in a verdict: NumPy scalars and arrays by value, dates by ISO 8601, the rest by repr."""
    if isinstance(value, date):
        return _in_quotes(value.isoformat())
    return encoded(value.tolist()) if hasattr(value, "tolist") else _text(repr(value))


#: Of a subclass the first that fits: a NumPy float64 is a float.
_GENERAL: dict[type, Writer] = {
    str: _text,
    float: _float,
    int: int.__repr__,
    Mapping: _mapping,
    tuple: _tuple,
    list: _list,
}
_WRITERS = _Writers()
