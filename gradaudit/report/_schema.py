"""JSON Schemas of what a run leaves, made from the dataclasses that are written: a schema cannot fall behind its file.

``run`` is ``run.json``, ``audit`` is what ``-o out.json`` writes, ``results`` is one line of ``results.jsonl``.
"""

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import date
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from gradaudit.plan.fingerprint import Planned
from gradaudit.report import json as audit_json
from gradaudit.report import jsonl, run_json
from gradaudit.running.record import History, Result, Run

DRAFT = "https://json-schema.org/draft/2020-12/schema"
_NUMBER = {"anyOf": [{"type": "number"}, {"enum": ["NaN", "Infinity", "-Infinity"]}]}
_SCALARS: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: _NUMBER,
    NoneType: {"type": "null"},
    date: {"type": "string", "format": "date"},
}


def schemas() -> dict[str, dict[str, Any]]:
    """The schema of each file, by the word that asks for it."""
    return {"run": _run(), "audit": _audit(), "results": _results()}


def _run() -> dict[str, Any]:
    definitions = _Definitions()
    members = {**_head(run_json.FORMAT, run_json.KIND), "run": definitions.of(Run)}
    return definitions.document("run.json of gradaudit", _object(members, optional={"power": {"type": "object"}}))


def _audit() -> dict[str, Any]:
    definitions = _Definitions()
    members = {
        **_head(audit_json.FORMAT, audit_json.KIND),
        "run": definitions.of(Run),
        "results": definitions.of(tuple[Result, ...]),
    }
    optional = {"power": {"type": "object"}, "history": definitions.of(History)}
    return definitions.document("An audit of gradaudit", _object(members, optional=optional))


def _results() -> dict[str, Any]:
    definitions = _Definitions()
    crc = {"crc": {"type": "string", "pattern": "^[0-9a-f]{8}$"}}
    kind = {"format": {"const": jsonl.FORMAT}, "kind": {"const": jsonl.KIND}}
    definitions.of(Result)
    result = definitions.known.pop("Result")["properties"]  # whose members stand in the line itself
    ended = _object({"duration_s": _NUMBER, "complete": {"type": "boolean"}})
    lines = [
        _object({**kind, "run": definitions.of(Run), "plan": definitions.of(tuple[Planned, ...]), **crc}),
        _object({"fingerprint": {"type": "string"}, **result, **crc}, optional={"elapsed_s": _NUMBER}),
        _object({"ended": ended, **crc}),
    ]
    return definitions.document("A line of results.jsonl of gradaudit", {"oneOf": lines})


def _head(format_: int, kind: str) -> dict[str, Any]:
    counts = {"type": "object", "additionalProperties": {"type": "integer"}}
    return {"format": {"const": format_}, "kind": {"const": kind}, "summary": {"type": "string"}, "counts": counts}


def _object(members: Mapping[str, Any], *, optional: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """An object with these members; a reader must allow others, which a later version may add."""
    return {"type": "object", "properties": {**members, **(optional or {})}, "required": list(members)}


class _Definitions:
    """The dataclasses met so far, each under its name."""

    def __init__(self) -> None:
        self.known: dict[str, Any] = {}

    def document(self, title: str, schema: dict[str, Any]) -> dict[str, Any]:
        return {"$schema": DRAFT, "title": title, **schema, "$defs": self.known}

    def of(self, kind: Any) -> dict[str, Any]:
        """The schema of an annotation."""
        if kind in _SCALARS:
            return _SCALARS[kind]
        if isinstance(kind, type) and is_dataclass(kind):
            return self._dataclass(kind)
        if isinstance(kind, type) and issubclass(kind, Enum):
            return {"enum": [member.value for member in kind]}
        origin, arguments = get_origin(kind), get_args(kind)
        if origin in (Union, UnionType):
            return {"anyOf": [self.of(argument) for argument in arguments]}
        if origin is Literal:
            return {"enum": list(arguments)}
        if origin is tuple:
            return self._tuple(arguments)
        if origin is Mapping:
            return {"type": "object", "additionalProperties": self.of(arguments[1])}
        return {}  # object: any plain value

    def _tuple(self, arguments: tuple[Any, ...]) -> dict[str, Any]:
        if arguments[-1] is Ellipsis:
            return {"type": "array", "items": self.of(arguments[0])}
        items = [self.of(argument) for argument in arguments]
        return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}

    def _dataclass(self, kind: type) -> dict[str, Any]:
        name = kind.__name__
        if name not in self.known:
            self.known[name] = {}  # known before its fields are read: a noun may hold itself
            hints = get_type_hints(kind)
            properties = {field.name: self.of(hints[field.name]) for field in fields(kind)}
            needed = [f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING]
            about = (kind.__doc__ or "").split("\n")[0]
            self.known[name] = {**_object(properties), "required": needed, "description": about}
        return {"$ref": f"#/$defs/{name}"}
