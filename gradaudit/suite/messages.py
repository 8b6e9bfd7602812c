"""pydantic's errors as problems at a place of the file, in our words and with a suggestion."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from gradaudit.suite.nodes import Document
from gradaudit.suite.problem import Problem, closest, did_you_mean, one_of

Model = TypeVar("Model", bound=BaseModel)
_Path = tuple[str | int, ...]

_KINDS = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping (key: value)",
    "model_type": "a mapping (key: value)",
    "model_attributes_type": "a mapping (key: value)",
}
#: the key that a plain value in place of these mappings is likely to be meant for
_SHORT_FOR = {"tolerance": "rtol", "expect": "status"}
#: whose keys are looked for where they are unknown, and how that place is called
_HOMES: Mapping[str, _Path] = {
    "in an item of 'functions'": ("functions", 0),
    "at the top of the file": (),
    "in one of 'inputs'": ("functions", 0, "inputs", "x"),
}
_LIMITS = {
    "greater_than": ("greater than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
}


def validate(document: Document, model: type[Model]) -> tuple[Model | None, list[Problem]]:
    """The document as ``model``, or None with everything that is wrong with it."""
    keys, _, problems = parsed(document, document.root.plain(), model)
    return keys, problems


def parsed(document: Document, plain: object, model: type[Model]) -> tuple[Model | None, list[_Path], list[Problem]]:
    """What the document holds, or some of it (``plain``), as ``model``.

    Or None, with the problem of everything that is wrong with it, and before it the paths that these are about.
    """
    try:
        return model.model_validate(plain), [], []
    except ValidationError as error:
        found = error.errors(include_url=False)
    misspelt = {_meant(model, _path(details)) for details in found if details["type"] == "extra_forbidden"}
    found = [details for details in found if details["type"] != "missing" or _path(details) not in misspelt]
    problems = {_problem(document, model, details): _path(details) for details in found}
    return None, list(problems.values()), list(problems)


def title(path: Sequence[str | int]) -> str:
    """``functions[1].inputs.x``; nothing for the root."""
    text = ""
    for step in path:
        # a key may hold anything: what could move a terminal's cursor is shown quoted
        word = step if isinstance(step, int) or step.isprintable() else repr(step)
        text += f"[{word}]" if isinstance(step, int) else f"{'.' if text else ''}{word}"
    return text


def _problem(document: Document, model: type[BaseModel], details: Mapping[str, Any]) -> Problem:
    kind, context = details["type"], details.get("ctx", {})
    path = _path(details)
    about_key = "[key]" in details["loc"]
    if kind == "suite":
        return document.problem(context["message"], path, key=about_key or context["key"])
    if kind == "extra_forbidden":
        return document.problem(_unknown_key(document, model, path), path, key=True)
    if kind == "missing":
        return document.problem(f"missing key {path[-1]!r}{_inside(path)}", path[:-1])
    message = _wrong_value(kind, path, details["input"], context, details["msg"])
    return document.problem(message, path, key=about_key)


def _path(details: Mapping[str, Any]) -> _Path:
    """Where it is; a message of ours may lead deeper than what pydantic was looking at."""
    deeper = details["ctx"]["path"] if details["type"] == "suite" else ()
    return (*(step for step in details["loc"] if step != "[key]"), *deeper)


def _inside(path: _Path) -> str:
    return f" in {title(path[:-1])}" if len(path) > 1 else ""


def _unknown_key(document: Document, model: type[BaseModel], path: _Path) -> str:
    allowed = tuple(sorted(_keys_at(model, path[:-1])))
    key = str(path[-1])
    within = [f"; write {outer}: {{{key}: …}}" for outer in allowed if key in _keys_at(model, (*path[:-1], outer))]
    hint = "".join(within) or _elsewhere(model, key) or did_you_mean(key, allowed)
    return f"unknown key {key!r}{_inside(path)}{hint or _too_far_left(document, path, allowed) or one_of(allowed)}"


def _too_far_left(document: Document, path: _Path, allowed: Sequence[str]) -> str:
    """A key after an empty one was likely meant to be below it."""
    above, node = next(((name, node) for name, node in document.before(path) if name in allowed), ("", None))
    empty = node is not None and node.value is None
    return f"; if it belongs to {above!r}, which is empty, indent it further" if empty else ""


def _elsewhere(model: type[BaseModel], key: str) -> str:
    """Where in a file a key of this name belongs."""
    home = next((words for words, above in _HOMES.items() if key in _keys_at(model, above)), None)
    return f"; it belongs {home}" if home else ""


def _meant(model: type[BaseModel], path: _Path) -> _Path:
    """The path of the key that the unknown one at ``path`` is likely to stand for."""
    return (*path[:-1], closest(str(path[-1]), _keys_at(model, path[:-1])) or path[-1])


def _wrong_value(kind: str, path: _Path, value: object, context: Mapping[str, Any], message: str) -> str:
    name = title(path) or "the suite"
    got = _shown(value)
    if kind in _KINDS:
        return f"{name} must be {_KINDS[kind]}, got {got}{_quote_hint(kind, value) or _mapping_hint(path, value)}"
    if kind in _LIMITS:
        words, key = _LIMITS[kind]
        return f"{name} must be {words} {context[key]:g}, got {got}"
    if kind == "literal_error":
        return f"{name} must be {context['expected']}, got {got}{_literal_hint(value, context['expected'])}"
    if kind == "finite_number":
        return f"{name} must be finite, got {got}"
    if kind == "too_short":
        return f"{name} is empty; allowed: at least {context['min_length']}"
    return f"{name}: {message[:1].lower()}{message[1:]}, got {got}"


def _shown(value: object) -> str:
    if value is None:
        return "nothing (null)"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "a mapping"
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _quote_hint(kind: str, value: object) -> str:
    if kind == "string_type" and isinstance(value, int | float):
        return f'; write "{_shown(value)}"'
    if kind == "list_type" and isinstance(value, str | int | float):
        return f"; write [{value}]"
    return ""


def _mapping_hint(path: _Path, value: object) -> str:
    key = _SHORT_FOR.get(str(path[-1])) if path and isinstance(value, str | int | float) else None
    return f"; write {{{key}: {value}}}" if key else ""


def _literal_hint(value: object, expected: str) -> str:
    options = expected.replace("'", "").replace(" or ", ", ").split(", ")
    if value in options:  # the text of a number
        return f"; write {value} without quotes"
    return did_you_mean(value, options) if isinstance(value, str) else ""


@lru_cache(maxsize=1024)  # asked again and again where a file is full of unknown keys
def _keys_at(model: type[BaseModel], path: _Path) -> tuple[str, ...]:
    """The keys that the mapping at ``path`` may have."""
    found: Any = model
    for step in path:
        fields = getattr(found, "model_fields", {})
        if step not in fields and not get_args(found):
            return ()
        found = _required(fields[step].annotation) if step in fields else _required(get_args(found)[-1])
    return tuple(getattr(found, "model_fields", ()))


def _required(annotation: Any) -> Any:
    """The type without ``| None`` and without annotations."""
    if get_origin(annotation) in (Union, UnionType):
        return _required(next(option for option in get_args(annotation) if option is not NoneType))
    return _required(get_args(annotation)[0]) if get_origin(annotation) is Annotated else annotation
