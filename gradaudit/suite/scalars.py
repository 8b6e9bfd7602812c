"""YAML 1.2 core scalars: ``1e-6`` is a number, ``no`` is text, ``010`` is ten, ``0o10`` is eight.

Source: YAML 1.2.2, section 10.3.2 (tag resolution of the core schema).
"""

import re
import sys
from math import inf, isinf, nan

#: What a value without parts can be, in a suite file and in a case.
Scalar = bool | int | float | str | None

_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(["", "~", "null", "Null", "NULL"], None),
    **dict.fromkeys(["true", "True", "TRUE"], True),
    **dict.fromkeys(["false", "False", "FALSE"], False),
    **dict.fromkeys([".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"], inf),
    **dict.fromkeys(["-.inf", "-.Inf", "-.INF"], -inf),
    **dict.fromkeys([".nan", ".NaN", ".NAN"], nan),
}
_DECIMAL = re.compile(r"[-+]?[0-9]+", re.ASCII)
_OCTAL = re.compile(r"0o[0-7]+")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_FIRST = frozenset("+-.0123456789")
_LONGEST_INTEGER = 400  # digits; more than any float64 holds, far fewer than make int() slow
_LARGEST_INTEGER = int(sys.float_info.max)  # whatever is a number in a suite can be compared with a float


def plain_scalar(text: str) -> Scalar:
    """The value of an unquoted scalar.

    Raises ValueError, with a sentence for the user, where a number is too large to be held.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _FIRST:
        return text
    if _DECIMAL.fullmatch(text):
        return _integer(text, base=10)
    if _FLOAT.fullmatch(text):
        return _float(text)
    if _OCTAL.fullmatch(text):
        return _integer(text[2:], base=8)
    if _HEXADECIMAL.fullmatch(text):
        return _integer(text[2:], base=16)
    return text


def written(value: Scalar) -> str:
    """How YAML writes ``value``, without quotes: ``null``, ``true``, ``1``, ``1.0``."""
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _integer(digits: str, *, base: int) -> int:
    value = int(digits, base) if len(digits) <= _LONGEST_INTEGER else None
    if value is None or abs(value) > _LARGEST_INTEGER:
        raise ValueError(f"an integer of {len(digits)} digits is too large for float64; allowed: at most 1.7e308")
    return value


def _float(text: str) -> float:
    value = float(text)
    if isinf(value):
        raise ValueError(f"number {text[:40]} is too large for float64; write .inf if infinity is meant")
    return value
