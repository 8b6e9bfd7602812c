"""The resolved configuration of a case, as label and text, in the words of the suite file."""

from collections.abc import Iterator, Mapping
from dataclasses import fields

from gradaudit.plan.case import UNSAID, Case, Drawn, Given, Input, Settings, Stored, Tolerance

_LONGEST = 400


def configuration(case: Case, *, engine: str) -> Iterator[tuple[str, str]]:
    """Every setting that the case had, `engine` as it was chosen in the end."""
    target = case.target
    yield "function", target.function
    yield from target.claims
    yield "engine", engine or target.engine or UNSAID["engine"]
    if target.args:
        yield "args", _text(target.args)
    yield from ((f"kwargs.{name}", _text(value)) for name, value in target.kwargs)
    yield from ((f"inputs.{item.name}", _input(item)) for item in case.inputs)
    yield "checks", ", ".join(case.checks)
    yield from _settings(case.settings)
    yield "seed", str(case.seed)
    yield from ((f"matrix.{name}", _text(value)) for name, value in case.axes)
    optional = {
        "at": case.point,
        "points": str(case.points) if case.points > 1 else "",
        "tags": ", ".join(case.tags),
        "owner": case.owner,
        "suite": case.suite,
    }
    yield from ((name, value) for name, value in optional.items() if value)
    yield from (("path", folder) for folder in case.path)
    yield from ((f"env.{name}", value) for name, value in case.env)


def _settings(settings: Settings | Tolerance, *, prefix: str = "") -> Iterator[tuple[str, str]]:
    for field in fields(settings):
        value = getattr(settings, field.name)
        if isinstance(value, Tolerance):
            yield from _settings(value, prefix="tolerance.")
        elif isinstance(settings, Settings) and field.name == "elements":
            yield "elements", _elements(settings)
        elif field.name not in ("directions", "auto"):  # what the suite says in 'elements'
            key = prefix + field.name
            yield key, UNSAID.get(key, "null") if value is None else _text(value)


def _elements(settings: Settings) -> str:
    if settings.elements is not None:
        return f"{{sample: {settings.elements}}}"
    if settings.directions is not None:
        return f"{{directions: {settings.directions}}}"
    return "auto" if settings.auto else "all"


def _input(item: Input) -> str:
    parts = [_source(item.source)]
    if item.dtype:
        parts.append(f"dtype: {item.dtype}")
    if item.bounds != (None, None):
        parts.append(f"bounds: {_text(item.bounds)}")
    if item.avoid:
        parts.append(f"avoid: {{points: {_text(item.avoid.points)}, margin: {_text(item.avoid.margin)}}}")
    if item.structure:
        parts.append(f"structure: {item.structure}")
    if not item.differentiate:
        parts.append("differentiate: false")
    return ", ".join(parts)


def _source(source: Drawn | Given | Stored) -> str:
    if isinstance(source, Drawn):
        return f"shape: {_text(source.shape)}, {source.distribution}: {_text(dict(source.parameters))}"
    if isinstance(source, Stored):
        return f"file: {source.file}" + (f", key: {source.key}" if source.key else "")
    return f"values: {_text(source.values)}"


def _text(value: object) -> str:
    """Any plain value as YAML writes it on one line; what is very long is cut, and says so."""
    text = _yaml(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} characters)"


def _yaml(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_yaml(item)}" for name, item in value.items()) + "}"
    if isinstance(value, (tuple, list)):
        return "[" + ", ".join(map(_yaml, value)) + "]"
    return str(value)
