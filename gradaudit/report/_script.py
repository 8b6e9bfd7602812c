"""A Python script that audits one case alone, without its suite file: to open in an editor and to step through."""

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from math import isfinite
from typing import Any

from gradaudit.plan.case import Case
from gradaudit.report import _codec, _printable

_PLAIN_NUMBERS = {"NaN": "nan", "Infinity": "inf", "-Infinity": "-inf"}
#: Facts about the suite that change no number.
_LEFT_OUT = frozenset({"place", "suite", "origins", "path", "env", "expect", "owner", "tags", "was"})


def script(case: Case) -> str:
    """Source that prints the verdict on `case` and its worst elements; it needs gradaudit and the user's modules."""
    code = f"case = {_literal(case)}"
    names = ", ".join(sorted(set(_classes(case))))
    numbers = [name for name in ("inf", "nan") if name in code]
    return "\n".join(
        [
            f"# {_printable.one_line(case.id)}",
            *_surroundings(case),
            *([f"from math import {', '.join(numbers)}"] if numbers else []),
            "from gradaudit.auditor import audit_case",
            f"from gradaudit.plan.case import {names}",
            "from gradaudit.plan.draw import draw_inputs",
            "from gradaudit.running.record import Result",
            "from gradaudit.report import one_line",
            "",
            code,
            "",
            "inputs = draw_inputs(case)  # the numbers of the audit: call your function with them to look closer",
            "verdict = audit_case(case)",
            "print(one_line(Result(case, verdict)))",
            "for worst in verdict.elements:",
            "    place = worst.check, worst.output, worst.input",
            "    print(*place, worst.analytic, worst.numeric, '+/-', worst.uncertainty)",
            "",
        ]
    )


def _surroundings(case: Case) -> Iterator[str]:
    """What a worker prepares before it imports user modules."""
    if case.env:
        yield f"import os\n\nos.environ.update({dict(case.env)!r})\n"
    if case.path:
        yield f"import sys\n\nsys.path[:0] = {list(case.path)!r}\n"


def _literal(value: Any) -> str:
    if isinstance(value, float) and not isfinite(value):
        return _PLAIN_NUMBERS[_codec.nonfinite(value)]
    if is_dataclass(value) and not isinstance(value, type):
        return _call(value)
    if isinstance(value, tuple):
        items = [_literal(item) for item in value]
        return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"
    if isinstance(value, list):
        return f"[{', '.join(_literal(item) for item in value)}]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key!r}: {_literal(item)}" for key, item in value.items()) + "}"
    return repr(value)


def _call(value: Any) -> str:
    """A dataclass as the call that makes it, defaults left out; a case has a line for each field."""
    given = [(name, item) for name, item in _given(value) if name not in _LEFT_OUT]
    if isinstance(value, Case):
        lines = (f"    {name}={_literal(item)},\n" for name, item in given)
        return f"Case(\n{''.join(lines)})"
    arguments = (f"{name}={_literal(item)}" for name, item in given)
    return f"{type(value).__name__}({', '.join(arguments)})"


def _given(value: Any) -> Iterator[tuple[str, Any]]:
    for field in fields(value):
        default = field.default_factory() if field.default_factory is not MISSING else field.default
        item = getattr(value, field.name)
        if default is MISSING or item != default:
            yield field.name, item


def _classes(value: Any) -> Iterator[str]:
    if is_dataclass(value) and not isinstance(value, type):
        yield type(value).__name__
        for name, item in _given(value):
            if name not in _LEFT_OUT:
                yield from _classes(item)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _classes(item)
