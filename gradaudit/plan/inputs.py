"""The inputs of one case: an item's keys with the matrix' axes and the point filled in."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from gradaudit.plan.case import Avoid, Drawn, Given, Input, Route, Scalar, Stored, Structure
from gradaudit.plan.structure import cannot_be_drawn, usual
from gradaudit.plan.symbols import SymbolError, evaluate, length, substitute
from gradaudit.suite.distributions import DISCRETE
from gradaudit.suite.input_keys import CONTAINERS, InputKeys
from gradaudit.suite.problem import Problem
from gradaudit.suite.quantities import FLOATING, INTEGRAL
from gradaudit.suite.suite import Entry

_Path = tuple[str | int, ...]
#: parameters that must be greater than 0
_POSITIVE = {
    "exponential": ("scale",),
    "gamma": ("k", "scale"),
    "beta": ("a", "b"),
    "laplace": ("scale",),
    "student_t": ("df",),
    "loguniform": ("low",),
}
#: the precision of a complex dtype's parts, and of an input that says nothing
_PARTS = {"complex64": "float32", "complex128": "float64", "float64": "float64"}


class InputProblem(Exception):
    """An input cannot be planned; ``problem`` has its place."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def inputs_of(entry: Entry, axes: Mapping[str, Scalar], point: str | None) -> tuple[Input, ...]:
    """The positional inputs in calling order. Raises InputProblem."""
    return tuple(_input(entry, field, axes) for field in _fields(entry, point))


def precision(inputs: tuple[Input, ...]) -> str | None:
    """The narrowest dtype of the differentiated inputs, which ``by_dtype`` goes by; None where there are none."""
    dtypes = {_PARTS.get(source.dtype or "float64", source.dtype) for source in inputs if source.differentiate}
    return next((dtype for dtype in FLOATING if dtype in dtypes), None)


def routes_of(inputs: tuple[Input, ...]) -> tuple[Route, ...]:
    """The route to every input; nothing where none is a leaf of a container."""
    if not any(source.route for source in inputs):
        return ()
    routes: list[Route] = []
    for source in inputs:
        position = int(routes[-1][0]) + 1 if routes else 0
        routes.append(source.route or (position,))
    return tuple(routes)


@dataclass(frozen=True)
class _Field:
    """What the suite says of one input: a point gives its values, ``inputs`` what else is known."""

    name: str
    keys: InputKeys
    source: InputKeys  #: the keys that hold the values
    path: _Path  #: of ``source`` below the function
    route: Route = ()


def _fields(entry: Entry, point: str | None) -> Iterator[_Field]:
    """Every input, and for a container every leaf of it."""
    given = entry.keys.inputs or {}
    at = (entry.keys.at or {}).get(point, {}) if point is not None else {}
    for position, name in enumerate(given or at):
        keys = given.get(name, at.get(name))
        assert keys is not None
        path: _Path = ("at", point, name) if point is not None and name in at else ("inputs", name)
        field = _Field(name, keys, at.get(name, keys), path)
        yield from _parts(field, position) if field.source.source in CONTAINERS else [field]


def _parts(container: _Field, *route: str | int) -> Iterator[_Field]:
    kind = str(container.source.source)
    for key, part in container.source.parts():
        field = _Field(f"{container.name}.{key}", part, part, (*container.path, kind, key), (*route, key))
        yield from _parts(field, *field.route) if part.source in CONTAINERS else [field]


def _input(entry: Entry, field: _Field, axes: Mapping[str, Scalar]) -> Input:
    keys, source, path = field.keys, field.source, field.path
    try:
        dtype = _dtype(keys, source, axes)
        differentiate = _is_differentiated(keys, source, dtype, axes)
        found = _source(entry, source, dtype, axes)
    except SymbolError as error:
        raise InputProblem(entry.problem(str(error), *path, error.part or source.source or "")) from None
    bounds = source.bounds or keys.bounds or (None, None)
    avoid = source.avoid or keys.avoid
    structure = source.structure or keys.structure
    if structure and isinstance(found, Drawn):
        found = _structured(entry, structure, source, found, path)
        if avoid:
            message = "'avoid' draws single elements again, which no structure survives; remove one of the two"
            raise InputProblem(entry.problem(message, *path, "structure"))
    return Input(
        name=field.name,
        source=found,
        dtype=dtype,
        differentiate=differentiate,
        bounds=bounds,
        avoid=Avoid(tuple(avoid.points), avoid.margin) if avoid and isinstance(found, Drawn) else None,
        structure=structure,
        route=field.route,
    )


def _structured(entry: Entry, structure: Structure, keys: InputKeys, drawn: Drawn, path: _Path) -> Drawn:
    """``drawn`` with the usual distribution of its structure where the suite names none. Raises InputProblem."""
    if keys.distribution is None:
        drawn = usual(structure, drawn)
    problem = cannot_be_drawn(structure, drawn)
    if problem:
        raise InputProblem(entry.problem(problem, *path, "structure"))
    return drawn


def _dtype(keys: InputKeys, source: InputKeys, axes: Mapping[str, Scalar]) -> str | None:
    """What is written; else what the distribution gives; else the axis ``dtype`` where the input is floating."""
    written = source.dtype or keys.dtype
    if written:
        return written
    if source.distribution and source.distribution[0] in DISCRETE:
        return DISCRETE[source.distribution[0]]
    axis = axes.get("dtype")
    return str(axis) if axis is not None and _wants_floats(keys, source, axes) else None


def _wants_floats(keys: InputKeys, source: InputKeys, axes: Mapping[str, Scalar]) -> bool:
    if source.source == "value":
        return _is_differentiated(keys, source, None, axes)
    return keys.differentiate is not False and source.differentiate is not False


def _is_differentiated(keys: InputKeys, source: InputKeys, dtype: str | None, axes: Mapping[str, Scalar]) -> bool:
    for asked in (source.differentiate, keys.differentiate):
        if asked is not None:
            return asked
    if dtype in INTEGRAL:
        return False
    if source.source == "value":
        value = substitute(source.value, axes)
        return isinstance(value, int | float) and not isinstance(value, bool)
    options = source.choice.of if source.choice else source.values
    return not _is_boolean(options)


def _is_boolean(values: object) -> bool:
    while isinstance(values, tuple) and values:
        values = values[0]
    return isinstance(values, bool)


def _source(entry: Entry, keys: InputKeys, dtype: str | None, axes: Mapping[str, Scalar]) -> Drawn | Given | Stored:
    if keys.source == "values":
        return Given(keys.values)
    if keys.source == "value":
        return Given(substitute(keys.value, axes))
    if keys.file is not None:
        return Stored(str((entry.file.folder / keys.file).resolve()), keys.key)
    assert keys.shape is not None
    return _drawn(keys, dtype, tuple(length(part, axes) for part in keys.shape), axes)


def _drawn(keys: InputKeys, dtype: str | None, shape: tuple[int, ...], axes: Mapping[str, Scalar]) -> Drawn:
    if keys.distribution is None:
        if dtype in INTEGRAL and dtype != "bool":
            raise SymbolError(
                f"dtype {dtype} needs a distribution, such as integers: {{low: 0, high: 10}}", part="dtype"
            )
        return Drawn(shape, "bernoulli" if dtype == "bool" else "normal")
    name, parameters = keys.distribution
    try:
        given = {key: _parameter(value, axes) for key, value in parameters.items()}
    except SymbolError as error:
        raise SymbolError(str(error), part=name) from None
    problem = impossible(name, given)
    if problem:
        raise SymbolError(problem, part=name)
    return Drawn(shape, name, tuple(given.items()))


def _parameter(value: Any, axes: Mapping[str, Scalar]) -> Any:
    return value if isinstance(value, tuple) else evaluate(value, axes)


def impossible(name: str, p: Mapping[str, object]) -> str | None:
    """Why these parameters describe no distribution, or None."""
    number = {key: float(value) for key, value in p.items() if isinstance(value, int | float)}
    for key, value in number.items():
        if not isfinite(value):
            return f"{name}: {key} must be finite, got {p[key]!r}"
    for key in _POSITIVE.get(name, ()):
        if not number[key] > 0:
            return f"{name}: {key} must be greater than 0, got {p[key]!r}"
    for key in ("std", "sigma"):
        if key in number and not number[key] >= 0:
            return f"{name}: {key} must be 0 or more, got {p[key]!r}"
    if "high" in number and not number["low"] < number["high"]:
        return f"{name}: low must be less than high, got {p['low']!r} and {p['high']!r}"
    if name == "integers" and any(value != int(value) for value in number.values()):
        return f"integers: low and high must be whole numbers, got {p['low']!r} and {p['high']!r}"
    if name == "bernoulli" and not 0 <= number["p"] <= 1:
        return f"bernoulli: p must be between 0 and 1, got {p['p']!r}"
    return None
