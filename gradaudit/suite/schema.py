"""The suite file as strict models: what may be written where. Unknown keys are errors; nothing is converted."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, model_validator
from pydantic_core import PydanticCustomError

from gradaudit.suite.described import descriptions
from gradaudit.suite.input_keys import SOURCES, InputField, InputKeys
from gradaudit.suite.json_form import JsonForm
from gradaudit.suite.quantities import (
    FLOATING,
    Day,
    EnvironmentName,
    EnvironmentText,
    Name,
    Reference,
    as_sentence,
    wrong,
)
from gradaudit.suite.scalars import Scalar, written
from gradaudit.suite.setting_keys import DefaultKeys, ProfileKeys, SettingKeys, Strict

CLAIMS = ("gradient", "value_and_gradient", "vjp", "jvp", "jacobian", "hessian", "hvp")
COMBINED = ("matrix", "at")  #: what the cases of a function follow from
NAMING = ("function", "name", *COMBINED)  #: what their ids do
_SHORT_OR_LONG = {"anyOf": [{"type": ["number", "array"]}, {"$ref": "#/$defs/InputKeys"}]}


class ExpectKeys(Strict):
    """The status that the suite expects instead of a pass."""

    status: Literal["fail", "inconclusive", "error", "timeout", "crash"]
    """How the case is known to end."""
    reason: str = ""
    """Why that is known and accepted."""
    until: Day | None = None
    """From the day after this date the expectation fails."""


class MatrixKeys(BaseModel):
    """Axes: every combination of their values is a case. ``dtype`` is the dtype of the drawn and written inputs."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)

    exclude: list[dict[str, Any]] = []
    """Combinations to leave out; each names some axes with their values."""

    @property
    def axes(self) -> dict[str, list[Scalar]]:
        """Axis name to its values, in the order written."""
        return dict(self.__pydantic_extra__ or {})

    @model_validator(mode="after")
    def _is_consistent(self) -> "MatrixKeys":
        for name, values in self.axes.items():
            _require_axis(name, values)
        known = {name: set(map(written, values)) for name, values in self.axes.items()}
        for i, excluded in enumerate(self.exclude):
            for name, value in excluded.items():
                if name not in known:
                    raise wrong(
                        f"matrix has no axis {name!r}; allowed: {', '.join(known)}", "exclude", i, name, key=True
                    )
                if isinstance(value, list | dict) or written(value) not in known[name]:
                    raise wrong(f"axis {name!r} has no value {value!r}", "exclude", i, name)
        return self


def _require_axis(name: str, values: object) -> None:
    if not name.isidentifier():
        raise wrong(f"axis {name!r}: allowed: a name of letters, digits and _", name)
    if not isinstance(values, list) or not values:
        raise wrong(f"axis {name!r} must be a list of values, such as [1, 8, 33]", name)
    seen: set[str] = set()
    for i, value in enumerate(values):
        if isinstance(value, list | dict):
            raise wrong(f"a value of axis {name!r} must be a number, text, true, false or null", name, i)
        if isinstance(value, str) and not value.isprintable():
            raise wrong(f"axis {name!r}: value {value!r}; allowed: printable characters", name, i)
        if written(value) in seen:  # ids hold values as they are written
            raise wrong(f"axis {name!r} has the value {value!r} twice", name, i)
        seen.add(written(value))
        if name == "dtype" and value not in FLOATING:
            raise wrong(f"dtype {value!r} of matrix; allowed: {', '.join(FLOATING)}", name, i)


def _former_names(value: object) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise wrong("'was' is a former name or a list of them")
    return tuple(names)


class FunctionKeys(DefaultKeys):
    """One function with its claimed derivatives; with ``matrix`` and ``at`` it makes several cases."""

    function: Reference
    """The function, module:attribute; it takes the inputs positionally and returns a number, an array or several."""
    name: Name | None = None
    """How it is called in reports; left out: the last part of the reference."""
    gradient: Reference | None = None
    """gradient(*inputs): an array, or a tuple with one array per differentiated input."""
    value_and_gradient: Reference | None = None
    """value_and_gradient(*inputs): the value beside the gradient."""
    vjp: Reference | None = None
    """vjp(*inputs, cotangent): as gradient."""
    jvp: Reference | None = None
    """jvp(*inputs, *tangents): the output's tangent."""
    jacobian: Reference | None = None
    """jacobian(*inputs): output shape + input shape; dense or SciPy sparse."""
    hessian: Reference | None = None
    """hessian(*inputs): input shape + input shape."""
    hvp: Reference | None = None
    """hvp(*inputs, *vectors): as gradient."""
    inputs: dict[Name, InputField] | None = None
    """The positional arguments, in the order written; the names are labels."""
    at: dict[Name, dict[Name, InputField]] | None = Field(default=None, min_length=1)
    """Named points: for each point the values of inputs."""
    points: Annotated[int, Field(ge=1)] | None = None
    """How many points are drawn; the case passes where it passes at all of them. Not beside 'at'."""
    args: list[Any] = Field(default_factory=list)
    """Further positional arguments of the function and its claims, after all others, as SciPy passes them."""
    kwargs: dict[str, Any] = Field(default_factory=dict)
    """Keyword options of the function and its claims; "$n" is the value of axis n."""
    matrix: MatrixKeys | None = None
    """Lists of values; every combination is a case."""
    was: Annotated[
        tuple[str, ...],
        PlainValidator(_former_names),
        JsonForm({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
    ] = ()
    """Former names: history is kept over a rename."""
    expect: ExpectKeys | None = None
    """The status that is known and accepted; an unexpected pass, or a date gone by, fails."""

    @property
    def claims(self) -> tuple[tuple[str, str], ...]:
        """(kind, reference) of every claimed derivative, in the order of CLAIMS."""
        return tuple((kind, getattr(self, kind)) for kind in CLAIMS if getattr(self, kind) is not None)

    @property
    def label(self) -> str:
        """The name, or the last part of the function's reference."""
        return self.name or self.function.rpartition(":")[2].rpartition(".")[2]

    @property
    def input_names(self) -> tuple[str, ...]:
        """In calling order: that of ``inputs``, or of the first point where all are given under ``at``."""
        return tuple(self.inputs or next(iter((self.at or {}).values()), ()))

    def input_at(self, name: str, point: str | None) -> InputKeys:
        """What the suite says of one input at a point, or where there are none (None)."""
        given, at = (self.inputs or {}).get(name), (self.at or {}).get(point or "", {}).get(name)
        found = at.beside(given) if at and given else at or given
        assert found is not None, f"{name} has no values at {point}"
        return found

    def fields(self) -> Iterator[tuple[tuple[str | int, ...], InputKeys]]:
        """Every input of ``inputs`` and ``at``, leaf by leaf, with its path below the function."""
        for name, field in (self.inputs or {}).items():
            yield from field.leaves("inputs", name)
        for point, values in (self.at or {}).items():
            for name, field in values.items():
                yield from field.leaves("at", point, name)

    @model_validator(mode="after")
    def _has_sources(self) -> "FunctionKeys":
        if self.inputs is None and not self.at:
            raise wrong("no inputs; add for example inputs: {x: {shape: [8]}}, or {} where a module holds them all")
        given = self.inputs or {}
        every_point = set.intersection(*(set(point) for point in self.at.values())) if self.at else set()
        for name, field in given.items():
            if field.source is None and name not in every_point:
                raise wrong(f"input {name!r} has no values; add one of {', '.join(SOURCES)}", "inputs", name, key=True)
        for point, values in (self.at or {}).items():
            self._require_same_inputs(point, values)
        return self

    @model_validator(mode="after")
    def _can_draw_points(self) -> "FunctionKeys":
        if self.points is None:
            return self
        if self.at:
            raise wrong("'points' draws points and 'at' names them; keep one of the two", "points", key=True)
        if self.points > 1 and not any(field.source == "shape" for field in (self.inputs or {}).values()):
            same = f"all {self.points} points would be the same, for no input is drawn"
            raise wrong(f"{same}; give one a 'shape', or name points under 'at'", "points")
        return self

    def _require_same_inputs(self, point: str, values: dict[str, InputKeys]) -> None:
        allowed = self.input_names
        for name, field in values.items():
            if name not in allowed:
                raise wrong(
                    f"point {point!r}: no input {name!r}; allowed: {', '.join(allowed)}", "at", point, name, key=True
                )
            if field.source is None:
                raise wrong(f"point {point!r}: input {name!r} has no values", "at", point, name, key=True)
            try:
                self.input_at(name, point)
            except PydanticCustomError as error:
                said = error.context or {}
                message = f"point {point!r} and 'inputs': {said['message']}"
                raise wrong(message, "at", point, name, *said["path"]) from None
        if not self.inputs and len(values) < len(allowed):
            missing = [name for name in allowed if name not in values]
            raise wrong(f"point {point!r} has no values for {as_sentence(missing)}", "at", point)


class SuiteKeys(Strict):
    """A gradaudit suite: functions, their claimed derivatives, and how they are audited."""

    version: Literal[1]
    """Version of this format."""
    name: Name | None = None
    """How the suite is called in reports; left out: the file's name."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    """Every random number follows from this, the case's id and the input's name."""
    path: list[str] = Field(default_factory=list)
    """Folders, relative to this file, that the functions can be imported from."""
    env: dict[EnvironmentName, EnvironmentText] = Field(default_factory=dict)
    """Environment variables, set before the functions are imported."""
    include: list[str] = Field(default_factory=list)
    """More suite files: names or patterns (*, ?, **), relative to this file."""
    defaults: DefaultKeys | None = None
    """Settings of every function of this file and of the files that it includes."""
    by_dtype: dict[Literal["bfloat16", "float16", "float32", "float64"], SettingKeys] = Field(default_factory=dict)
    """Settings of the cases whose narrowest differentiated input has this dtype."""
    profiles: dict[Name, ProfileKeys] = Field(default_factory=dict)
    """Settings that hold under --profile NAME."""
    functions: list[FunctionKeys] = Field(default_factory=list)
    """What is audited."""


def json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the suite file, for editors."""
    schema = SuiteKeys.model_json_schema()
    for kind in _models(BaseModel):
        keys = schema if kind is SuiteKeys else schema["$defs"].get(kind.__name__, {})
        for name, text in descriptions(kind).items():
            if name in keys.get("properties", {}):
                keys["properties"][name]["description"] = text
    for field in (*_fields(schema, "inputs"), *_fields(schema, "at")):
        field["additionalProperties"] = _SHORT_OR_LONG
    properties = schema["$defs"]["InputKeys"]["properties"]
    properties["tree"]["anyOf"][0]["additionalProperties"] = _SHORT_OR_LONG
    properties["items"]["anyOf"][0]["items"] = _SHORT_OR_LONG
    properties["choice"]["anyOf"].append({"type": "array", "minItems": 1})
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "gradaudit suite"}


def _models(kind: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """The models of this package that are built on ``kind``."""
    for model in kind.__subclasses__():
        if model.__module__.startswith(f"{__package__}."):
            yield model
        yield from _models(model)


def _fields(schema: dict[str, Any], name: str) -> Iterator[dict[str, Any]]:
    """The mappings from input names to inputs below the key ``name`` of a function."""
    for option in schema["$defs"]["FunctionKeys"]["properties"][name]["anyOf"]:
        if name == "inputs" and option.get("type") == "object":
            yield option
        elif option.get("type") == "object":
            yield option["additionalProperties"]
