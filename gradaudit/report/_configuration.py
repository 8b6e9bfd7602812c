"""The resolved configuration of a case, as label and text, in the words of the suite file."""

from collections.abc import Iterator
from dataclasses import fields

from gradaudit.plan.case import UNSAID, Case, Settings, Tolerance
from gradaudit.plan.written import as_written, input_as_written


def configuration(case: Case, *, engine: str) -> Iterator[tuple[str, str]]:
    """Every setting that the case had, `engine` as it was chosen in the end."""
    target = case.target
    yield "function", target.function
    yield from target.claims
    yield "engine", engine or target.engine or UNSAID["engine"]
    if target.args:
        yield "args", as_written(target.args)
    yield from ((f"kwargs.{name}", as_written(value)) for name, value in target.kwargs)
    yield from ((f"inputs.{item.name}", input_as_written(item)) for item in case.inputs)
    yield "checks", ", ".join(case.checks)
    yield from _settings(case.settings)
    yield "seed", str(case.seed)
    yield from ((f"matrix.{name}", as_written(value)) for name, value in case.axes)
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
            yield key, UNSAID.get(key, "null") if value is None else as_written(value)


def _elements(settings: Settings) -> str:
    if settings.elements is not None:
        return f"{{sample: {settings.elements}}}"
    if settings.directions is not None:
        return f"{{directions: {settings.directions}}}"
    return "auto" if settings.auto else "all"
