"""Inputs and values in the words of the suite file, each on one line."""

from collections.abc import Mapping

from gradaudit.plan.case import Drawn, Given, Input, Stored

_LONGEST = 400  #: characters of a value


def input_as_written(item: Input) -> str:
    """``shape: [8], normal: {std: 3}, bounds: [0, null]``."""
    parts = [_source(item.source)]
    if item.dtype:
        parts.append(f"dtype: {item.dtype}")
    if item.bounds != (None, None):
        parts.append(f"bounds: {as_written(item.bounds)}")
    if item.avoid:
        parts.append(f"avoid: {{points: {as_written(item.avoid.points)}, margin: {as_written(item.avoid.margin)}}}")
    if item.structure:
        parts.append(f"structure: {item.structure}")
    if not item.differentiate:
        parts.append("differentiate: false")
    return ", ".join(parts)


def _source(source: Drawn | Given | Stored) -> str:
    if isinstance(source, Drawn):
        return f"shape: {as_written(source.shape)}, {source.distribution}: {as_written(dict(source.parameters))}"
    if isinstance(source, Stored):
        return f"file: {source.file}" + (f", key: {source.key}" if source.key else "")
    return f"values: {as_written(source.values)}"


def as_written(value: object) -> str:
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
