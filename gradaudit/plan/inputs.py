"""The inputs of one case: an item's keys with the matrix' axes and the point filled in."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from gradaudit.plan.case import Avoid, Drawn, Given, Input, Route, Stored, Structure
from gradaudit.plan.precision import lacking
from gradaudit.plan.structure import cannot_be_drawn, usual
from gradaudit.plan.symbols import SymbolError, evaluate, length, substitute
from gradaudit.suite.distributions import DISCRETE
from gradaudit.suite.input_keys import CONTAINERS, InputKeys
from gradaudit.suite.problem import Problem
from gradaudit.suite.quantities import FLOATING, INTEGRAL, as_sentence, is_number
from gradaudit.suite.scalars import Scalar
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


def is_empty(given: Input) -> bool:
    """Whether it is known before anything is drawn or read that it has no element."""
    values = given.source.values if isinstance(given.source, Given) else None
    while isinstance(values, tuple) and values:
        values = values[0]
    return values == () or (isinstance(given.source, Drawn) and 0 in given.source.shape)


def routes_of(inputs: tuple[Input, ...]) -> tuple[Route, ...]:
    """The route to every input; nothing where none is a leaf of a container."""
    if not any(source.route for source in inputs):
        return ()
    routes: list[Route] = []
    for source in inputs:
        position = int(routes[-1][0]) + 1 if routes else 0
        routes.append(source.route or (position,))
    return tuple(routes)


def idle_dtype(entry: Entry, axes: Mapping[str, Scalar], point: str | None) -> Problem | None:
    """The axis ``dtype`` where nothing takes it: its cases would differ in nothing but their ids."""
    fields = list(_fields(entry, point))
    if "dtype" not in axes or any(_takes_axis(field.keys, axes) for field in fields):
        return None
    if any(map(_names_axis, (entry.keys.kwargs, entry.keys.args, *(field.keys.value for field in fields)))):
        return None
    own = [field.name for field in fields if field.keys.dtype and field.keys.dtype not in INTEGRAL]
    have = f": {as_sentence(own)} {'has a dtype of its own' if len(own) == 1 else 'have dtypes of their own'}"
    fix = "leave one out, or remove the axis" if own else "remove it, or give an input floating values"
    return entry.problem(f"no input takes the axis 'dtype'{have if own else ''}; {fix}", "matrix", "dtype")


def _names_axis(value: object) -> bool:
    """Whether ``"$dtype"`` stands anywhere in it."""
    if isinstance(value, dict | list):
        return any(map(_names_axis, value.values() if isinstance(value, dict) else value))
    return value == "$dtype"


@dataclass(frozen=True)
class _Field:
    """What the suite says of one input at one point."""

    name: str
    keys: InputKeys
    path: _Path  #: of its values, below the function
    route: Route = ()


def _fields(entry: Entry, point: str | None) -> Iterator[_Field]:
    """Every input, and for a container every leaf of it."""
    at = (entry.keys.at or {}).get(point, {}) if point is not None else {}
    for position, name in enumerate(entry.keys.input_names):
        path: _Path = ("at", point, name) if point is not None and name in at else ("inputs", name)
        field = _Field(name, entry.keys.input_at(name, point), path)
        yield from _parts(field, position) if field.keys.source in CONTAINERS else [field]


def _parts(container: _Field, *route: str | int) -> Iterator[_Field]:
    kind = str(container.keys.source)
    for key, part in container.keys.parts():
        field = _Field(f"{container.name}.{key}", part, (*container.path, kind, key), (*route, key))
        yield from _parts(field, *field.route) if part.source in CONTAINERS else [field]


def _input(entry: Entry, field: _Field, axes: Mapping[str, Scalar]) -> Input:
    keys, path = field.keys, field.path
    try:
        dtype = _dtype(keys, axes)
        if dtype and (problem := lacking(dtype)):
            where = (*path, "dtype") if keys.dtype else ("matrix", "dtype")
            raise InputProblem(entry.problem(problem, *where))
        differentiate = _is_differentiated(keys, dtype, axes)
        found = _source(entry, keys, dtype, axes)
    except SymbolError as error:
        raise InputProblem(entry.problem(str(error), *path, error.part or keys.source or "")) from None
    if isinstance(found, Given) and (differentiate or dtype or isinstance(found.values, tuple)):
        _require_within(entry, keys, found.values, dtype, *path, str(keys.source))
    avoid, structure = keys.avoid, keys.structure
    if structure and isinstance(found, Drawn):
        found = _structured(entry, structure, keys, found, path)
        if avoid:
            message = "'avoid' draws single elements again, which no structure survives; remove one of the two"
            raise InputProblem(entry.problem(message, *path, "structure"))
    return Input(
        name=field.name,
        source=found,
        dtype=dtype,
        differentiate=differentiate,
        bounds=keys.bounds or (None, None),
        avoid=Avoid(tuple(avoid.points), avoid.margin) if avoid and isinstance(found, Drawn) else None,
        structure=structure,
        route=field.route,
    )


def _require_within(entry: Entry, keys: InputKeys, values: object, dtype: str | None, *path: str | int) -> None:
    """Raises InputProblem at the first of ``values`` that lies outside the bounds of its input."""
    if isinstance(values, tuple):
        for i, value in enumerate(values):
            _require_within(entry, keys, value, dtype, *path, i)
        return
    # what a narrower dtype rounds a value to is known where it is drawn, and so is how a bound rounds
    if keys.bounds is None or dtype not in (None, "float64", *INTEGRAL) or not is_number(values):
        return
    low, high = keys.bounds
    if (low is not None and not values >= low) or (high is not None and not values <= high):
        interval = f"[{'null' if low is None else f'{low:g}'}, {'null' if high is None else f'{high:g}'}]"
        raise InputProblem(
            entry.problem(f"{values!r} is outside bounds {interval}; mend the value or the bounds", *path)
        )


def _structured(entry: Entry, structure: Structure, keys: InputKeys, drawn: Drawn, path: _Path) -> Drawn:
    """``drawn`` with the usual distribution of its structure where the suite names none. Raises InputProblem."""
    if keys.distribution is None:
        drawn = usual(structure, drawn)
    problem = cannot_be_drawn(structure, drawn)
    if problem:
        raise InputProblem(entry.problem(problem, *path, "structure"))
    return drawn


def _dtype(keys: InputKeys, axes: Mapping[str, Scalar]) -> str | None:
    """What is written; else what the distribution gives; else the axis ``dtype`` where the input is floating."""
    if keys.dtype:
        return keys.dtype
    if keys.distribution and keys.distribution[0] in DISCRETE:
        return DISCRETE[keys.distribution[0]]
    return str(axes["dtype"]) if _takes_axis(keys, axes) else None


def _takes_axis(keys: InputKeys, axes: Mapping[str, Scalar]) -> bool:
    """Whether the axis ``dtype`` says what this input is."""
    discrete = keys.distribution is not None and keys.distribution[0] in DISCRETE
    return "dtype" in axes and not keys.dtype and not discrete and _wants_floats(keys, axes)


def _wants_floats(keys: InputKeys, axes: Mapping[str, Scalar]) -> bool:
    return _is_differentiated(keys, None, axes) if keys.source == "value" else keys.differentiate is not False


def _is_differentiated(keys: InputKeys, dtype: str | None, axes: Mapping[str, Scalar]) -> bool:
    if keys.differentiate is not None:
        return keys.differentiate
    if dtype in INTEGRAL:
        return False
    if keys.source == "value":
        return is_number(substitute(keys.value, axes))
    return not _is_boolean(keys.choice.of if keys.choice else keys.values)


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
