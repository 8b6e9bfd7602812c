"""Values that may be written in several ways, each parsed by one function that gives one clear sentence when it cannot.

pydantic would report one error for each branch of a union; these report what the user should have written.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import isfinite, log10
from typing import Annotated, Any, Literal, TypeGuard

from pydantic import PlainValidator
from pydantic_core import PydanticCustomError

from gradaudit.suite.json_form import JsonForm

#: Narrowest first.
FLOATING = ("bfloat16", "float16", "float32", "float64")
COMPLEX = ("complex64", "complex128")
INTEGRAL = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool")
_UNITS = {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*(ms|s|m|h)"
_DAY = r"\d{4}-\d{2}-\d{2}"
_MOST_STEPS = 100

_Path = tuple[str | int, ...]


def wrong(message: str, *path: str | int, key: bool = False) -> PydanticCustomError:
    """The error for a value; ``path`` leads from the value to the part (or its ``key``) that is wrong."""
    return PydanticCustomError("suite", "{message}", {"message": message, "path": path, "key": key})


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether the YAML value is a number (true and false are not)."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def seconds(value: object) -> float | None:
    """``500ms``, ``30s``, ``10m``, ``1h`` or a number of seconds; null (None): what runs allow."""
    if value is None:
        return None
    written = re.fullmatch(_DURATION, value.strip()) if isinstance(value, str) else None
    amount = float(written[1]) * _UNITS[written[2]] if written else value
    if not is_number(amount):
        raise wrong(f"{value!r} is not a time; allowed: 500ms, 30s, 10m, 1h, or a number of seconds")
    if not (amount > 0 and isfinite(amount)):
        raise wrong(f"a time must be longer than 0 and finite, got {value!r}")
    return float(amount)


def steps(value: object) -> tuple[float, ...] | None:
    """``auto`` (None) | a number | a list of numbers | ``{from, to, per_decade}``."""
    if value == "auto":
        return None
    if isinstance(value, dict):
        return _geometric(value)
    if not isinstance(value, list):
        return (_step(value),)
    if not value:
        raise wrong("h is an empty list; allowed: auto, a number, a list of numbers, or {from, to, per_decade}")
    found = _not_too_many(tuple(_step(step, i) for i, step in enumerate(value)))
    for i, step in enumerate(found):
        if step in found[:i]:
            raise wrong(f"step {step:g} stands in h twice", i)
    return found


def _step(value: object, *path: str | int) -> float:
    if not is_number(value):
        allowed = "auto, a number, a list of numbers, or {from, to, per_decade}"
        raise wrong(f"{_short(value)} is not a step; allowed: {allowed}", *path)
    if not (value > 0 and isfinite(value)):
        raise wrong(f"a step must be greater than 0 and finite, got {value!r}", *path)
    return float(value)


def _geometric(value: dict[str, object]) -> tuple[float, ...]:
    known = ("from", "to", "per_decade")
    for key in value:
        if key not in known:
            raise wrong(f"unknown key {key!r} in h; allowed: from, to, per_decade", key, key=True)
    for key in known[:2]:
        if key not in value:
            raise wrong(f"missing key {key!r} in h; allowed: {{from: 1e-1, to: 1e-9, per_decade: 1}}")
    first, last = _step(value["from"], "from"), _step(value["to"], "to")
    per_decade = value.get("per_decade", 1)
    if not is_number(per_decade) or not isinstance(per_decade, int) or not 1 <= per_decade <= 20:
        raise wrong(f"per_decade must be a whole number from 1 to 20, got {per_decade!r}", "per_decade")
    count = abs(log10(last) - log10(first)) * per_decade
    sign = -1 if last < first else 1
    # 15 digits: 1e-3 and not 1.0000000000000002e-3
    return _not_too_many(
        tuple(float(f"{first * 10 ** (sign * i / per_decade):.15g}") for i in range(int(count + 1e-9) + 1))
    )


def _not_too_many(found: tuple[float, ...]) -> tuple[float, ...]:
    if len(found) > _MOST_STEPS:
        raise wrong(f"h has {len(found)} steps; allowed: at most {_MOST_STEPS}")
    return found


@dataclass(frozen=True)
class Elements:
    """Which elements are measured."""

    kind: Literal["all", "sample", "directions", "auto"]
    count: int | None = None


def elements(value: object) -> Elements:
    """``all`` | ``auto`` | ``{sample: k}`` | ``{directions: k}``."""
    if value == "all":
        return Elements("all")
    if value == "auto":
        return Elements("auto")
    if not isinstance(value, dict) or len(value) != 1 or not set(value) <= {"sample", "directions"}:
        allowed = "all, {sample: 256}, {directions: 32}, auto"
        raise wrong(f"{_short(value)} is not a choice of elements; allowed: {allowed}")
    ((kind, count),) = value.items()
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise wrong(f"{kind} must be a whole number greater than 0, got {count!r}", kind)
    return Elements(kind, count)


def reference(value: object) -> str:
    """``module:attribute``, both possibly dotted."""
    if not isinstance(value, str):
        raise wrong(f"{_short(value)} is not a reference; allowed: module:attribute, such as mypkg.losses:huber")
    module, colon, attribute = value.partition(":")
    if colon and _is_dotted(module) and _is_dotted(attribute):
        return value
    left, dot, right = value.rpartition(".")
    fix = f"; write {left}:{right}" if not colon and dot and _is_dotted(value) else ""
    raise wrong(f"{value!r} is not a reference module:attribute{fix or ', such as mypkg.losses:huber'}")


def is_module(text: str) -> bool:
    """Whether this names a user's own module, ``mypkg.engine`` or ``mypkg:engine``, and not a part on a shelf."""
    return ("." in text or ":" in text) and _is_dotted(text.replace(":", ".", 1))


def _is_dotted(text: str) -> bool:
    return all(part.isidentifier() for part in text.split("."))


def shape(value: object) -> tuple[int | str, ...]:
    """Lengths of the axes: whole numbers, and expressions over axes of ``matrix`` such as ``n`` or ``2*n``."""
    if not isinstance(value, list):
        raise wrong(f"a shape is a list such as [8] or [m, n]; [] is a single number; got {_short(value)}")
    for i, length in enumerate(value):
        if isinstance(length, str) or (isinstance(length, int) and not isinstance(length, bool) and length >= 0):
            continue
        raise wrong(f"length {length!r} of a shape must be a whole number, 0 or more, or a symbol of matrix", i)
    return tuple(value)


def values(value: object) -> object:
    """A number, or nested lists of numbers of equal lengths, as nested tuples."""
    if not _is_value(value) and not isinstance(value, list):
        raise wrong(f"{_short(value)} is not a number or a list of numbers")
    nested = _nested(value)
    _require_rectangle(nested, ())
    return nested


def _is_value(value: object) -> bool:
    return isinstance(value, bool) or is_number(value)


def _nested(value: object, *path: str | int) -> object:
    if isinstance(value, list):
        return tuple(_nested(part, *path, i) for i, part in enumerate(value))
    if not _is_value(value):
        raise wrong(f"{_short(value)} is not a number", *path)
    return value


def _require_rectangle(value: object, path: _Path) -> tuple[int, ...]:
    """The shape of ``value``; all rows must agree."""
    if not isinstance(value, tuple):
        return ()
    shapes = [_require_rectangle(part, (*path, i)) for i, part in enumerate(value)]
    for i, found in enumerate(shapes):
        if found != shapes[0]:
            raise wrong(f"ragged values: entry {i} has shape {list(found)}, entry 0 has {list(shapes[0])}", *path, i)
    return (len(value), *(shapes[0] if shapes else ()))


def bounds(value: object) -> tuple[float | None, float | None]:
    """``[low, high]``, null for none."""
    if not isinstance(value, list) or len(value) != 2 or not all(v is None or is_number(v) for v in value):
        raise wrong(f"bounds are two numbers [low, high], null for none; got {_short(value)}")
    low, high = (None if v is None else float(v) for v in value)
    if low is not None and high is not None and not low < high:
        raise wrong(f"bounds [{low:g}, {high:g}]: low must be less than high")
    return low, high


def day(value: object) -> date:
    """``2027-01-31``."""
    try:
        if isinstance(value, str) and re.fullmatch(_DAY, value, re.ASCII):  # Python reads days of weeks, too
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise wrong(f"{_short(value)} is not a date; allowed: year-month-day, such as 2027-01-31")


def name(value: object) -> str:
    """Any text of printable characters without a space at its ends."""
    if not isinstance(value, str):
        raise wrong(f"{_short(value)} is not a name; put quotes around it")
    if not value or not value.isprintable() or value != value.strip():
        raise wrong(f"name {value!r}: allowed: printable characters, at least one, no space at the ends")
    return value


def environment_name(value: object) -> str:
    """A name that the operating system takes."""
    if not isinstance(value, str) or not value or "=" in value or not value.isprintable():
        raise wrong(f"{value!r} is not the name of an environment variable")
    return value


def environment_text(value: object) -> str:
    """Text without NUL; numbers need quotes, so that nobody has to guess how they are written."""
    if not isinstance(value, str):
        written = str(value).lower() if isinstance(value, bool) else value
        raise wrong(f'an environment variable is text, got {_short(value)}; write "{written}"')
    if "\0" in value:
        raise wrong("an environment variable cannot hold NUL")
    return value


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def as_sentence(parts: Sequence[str]) -> str:
    """``a, b and c``."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)


_POSITIVE: dict[str, Any] = {"type": "number", "exclusiveMinimum": 0}
_COUNT: dict[str, Any] = {"type": "integer", "minimum": 1}


def one_key(key: str, schema: dict[str, Any]) -> dict[str, Any]:
    """JSON Schema of ``{key: …}``."""
    return {"type": "object", "properties": {key: schema}, "required": [key], "additionalProperties": False}


SECONDS = {
    "anyOf": [
        _POSITIVE,
        {"type": "string", "pattern": rf"^\s*{_DURATION}\s*$"},
        {"type": "null"},
    ]
}
STEPS = {
    "anyOf": [
        {"const": "auto"},
        _POSITIVE,
        {"type": "array", "items": _POSITIVE, "minItems": 1},
        {
            "type": "object",
            "properties": {"from": _POSITIVE, "to": _POSITIVE, "per_decade": {**_COUNT, "maximum": 20}},
            "required": ["from", "to"],
            "additionalProperties": False,
        },
    ]
}
ELEMENTS = {"anyOf": [{"enum": ["all", "auto"]}, one_key("sample", _COUNT), one_key("directions", _COUNT)]}
REFERENCE = {"type": "string", "pattern": r"^[^\s:]+:[^\s:]+$"}
SHAPE = {"type": "array", "items": {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string"}]}}
VALUES = {"type": ["number", "boolean", "array"]}
BOUNDS = {"type": "array", "items": {"type": ["number", "null"]}, "minItems": 2, "maxItems": 2}

Seconds = Annotated[float | None, PlainValidator(seconds), JsonForm(SECONDS)]
Steps = Annotated[tuple[float, ...] | None, PlainValidator(steps), JsonForm(STEPS)]
ElementChoice = Annotated[Elements, PlainValidator(elements), JsonForm(ELEMENTS)]
Reference = Annotated[str, PlainValidator(reference), JsonForm(REFERENCE)]
Shape = Annotated[tuple[int | str, ...], PlainValidator(shape), JsonForm(SHAPE)]
Values = Annotated[object, PlainValidator(values), JsonForm(VALUES)]
Bounds = Annotated[tuple[float | None, float | None], PlainValidator(bounds), JsonForm(BOUNDS)]
Day = Annotated[date, PlainValidator(day), JsonForm({"type": "string", "format": "date", "pattern": f"^{_DAY}$"})]
Name = Annotated[str, PlainValidator(name), JsonForm({"type": "string", "minLength": 1})]
EnvironmentName = Annotated[str, PlainValidator(environment_name), JsonForm({"type": "string", "minLength": 1})]
EnvironmentText = Annotated[str, PlainValidator(environment_text), JsonForm({"type": "string"})]
