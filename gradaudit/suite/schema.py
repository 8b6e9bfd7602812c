"""The suite file as strict models: what may be written where. Unknown keys are errors; nothing is converted."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, WithJsonSchema, model_validator

from gradaudit.suite.distributions import DISCRETE, NAMES, Distributions, Parameters
from gradaudit.suite.quantities import (
    FLOATING,
    INTEGRAL,
    Bounds,
    Day,
    ElementChoice,
    Elements,
    EnvironmentName,
    EnvironmentText,
    Name,
    Reference,
    Seconds,
    Shape,
    Steps,
    Values,
    as_sentence,
    is_number,
    wrong,
)
from gradaudit.suite.scalars import Scalar

CLAIMS = ("gradient", "value_and_gradient", "vjp", "jvp", "jacobian", "hessian", "hvp")
SOURCES = ("shape", "values", "file", "value")

_STRICT = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)
_NOT_NEGATIVE = Field(ge=0)


class Strict(BaseModel):
    """Every mapping of the suite file."""

    model_config = _STRICT


class ToleranceKeys(Strict):
    """What a claim may be off by: |analytic − numeric| ≤ 3·bar + rtol·scale + atol."""

    rtol: Annotated[float, _NOT_NEGATIVE] | None = None
    """Relative error of the claim that you accept; null: 1e-5, or 1e-4 for float32 and narrower."""
    resolution: Annotated[float, Field(gt=0)] | None = None
    """The largest relative error that a pass may have missed; null: 1e-3, or 1e-2 for float32 and narrower."""
    atol: Annotated[float, _NOT_NEGATIVE] = 0.0
    """Absolute error that you accept; 0 unless asked for."""


class SettingKeys(Strict):
    """How a case is measured and judged; defaults, by_dtype, profiles and functions all take these keys."""

    h: Steps = None
    """Step sizes in units of x: auto, a number, a list, or {from, to, per_decade}. auto: chosen per element."""
    tolerance: ToleranceKeys | None = None
    """What a claim may be off by."""
    elements: ElementChoice = Field(default=Elements("all"), json_schema_extra={"default": "all"})
    """Which elements are checked: all, or a sample of them."""
    method: Literal["auto", "central"] = "auto"
    """central: the plain rule of one h and one tolerance; it needs exactly one h and extend: false."""
    extend: bool = True
    """Go on to steps of the tool's own where the given h cannot decide."""
    kinks: Literal["undecided", "accept"] = "undecided"
    """accept: a claim between both one-sided slopes passes at a kink."""
    timeout: Seconds = None
    """Time limit of a case: 500ms, 30s, 10m, 1h, or seconds; null: none."""


class DefaultKeys(SettingKeys):
    """Settings of every function of this file and of the files that it includes."""

    engine: str | None = None
    """How the functions are called; left out: chosen when the function is loaded."""
    checks: list[str] | None = None
    """What is checked; left out: what the claims say."""
    tags: list[Name] = []
    """Labels for selection; a function carries those of its file beside its own."""
    owner: str | None = None
    """Whom to ask."""


class ProfileKeys(SettingKeys):
    """Settings that hold under ``--profile NAME``."""

    select: str | None = None
    """The cases that this profile runs, such as "tag:fast and not conv"."""


class OverrideKeys(DefaultKeys):
    """What ``--set`` and ``GRADAUDIT_*`` may change."""

    seed: Annotated[int, Field(ge=0, lt=2**63)] | None = None


class AvoidKeys(Strict):
    """Points (kinks, poles) that no drawn value may come close to."""

    points: list[float] = Field(min_length=1)
    """The points."""
    margin: Annotated[float, Field(gt=0)]
    """The least distance."""


class InputKeys(Strict, Distributions):
    """One positional argument: drawn (shape), written here (values), in a file, or any plain value."""

    shape: Shape | None = None
    """Lengths of the axes of a drawn array; symbols are axes of matrix."""
    values: Values = None
    """A number or nested lists of numbers."""
    file: str | None = None
    """An array file (.npy, .npz, .csv, .txt), relative to this file."""
    key: str | None = None
    """Which array of an .npz file."""
    value: Any = None
    """Any plain value; not differentiated unless it is a number."""
    dtype: str | None = None
    """NumPy dtype; left out: float64 where differentiated, else as the values are."""
    differentiate: bool | None = None
    """false: the derivative with respect to this input is not checked."""
    bounds: Bounds | None = None
    """[low, high]: no drawn value and no step leaves this interval; null for none."""
    avoid: AvoidKeys | None = None
    """Points that no drawn value may come close to."""
    structure: Literal["symmetric", "positive_definite", "simplex"] | None = None
    """Where perturbing single elements leaves the domain."""

    @property
    def source(self) -> str | None:
        """The one key of SOURCES that is given."""
        return next(iter(self._given(SOURCES)), None)

    @property
    def distribution(self) -> tuple[str, Parameters] | None:
        """Name and parameters of the distribution that is given."""
        return next(((name, getattr(self, name)) for name in self._given(NAMES)), None)

    def _given(self, names: tuple[str, ...]) -> tuple[str, ...]:
        given = self.model_fields_set
        return tuple(name for name in names if name in given)

    @model_validator(mode="after")
    def _is_consistent(self) -> "InputKeys":
        self._has_at_most_one(SOURCES, "sources")
        self._has_at_most_one(NAMES, "distributions")
        for name in self._given((*NAMES, "avoid")):
            if self.source not in ("shape", None):
                raise wrong(f"{name!r} is for drawn values: it needs 'shape', not {self.source!r}", name)
        if self.distribution and self.source is None:
            raise wrong(f"{self.distribution[0]!r} needs a 'shape', such as shape: [8]", self.distribution[0])
        if self.key is not None and self.file is None:
            raise wrong("'key' names an array of a file; 'file' is missing", "key")
        if self.dtype is not None and self.dtype not in (*FLOATING, *INTEGRAL):
            raise wrong(_unknown_dtype(self.dtype), "dtype")
        self._is_differentiable()
        return self

    def _has_at_most_one(self, names: tuple[str, ...], what: str) -> None:
        given = self._given(names)
        if len(given) > 1:
            both = as_sentence([repr(name) for name in given])
            raise wrong(f"{both} are given; allowed: one of the {what} {', '.join(names)}", given[1])

    def _is_differentiable(self) -> None:
        if not self.differentiate:
            return
        if self.dtype in INTEGRAL:
            raise wrong(f"dtype {self.dtype} cannot be differentiated; remove 'differentiate: true'", "differentiate")
        if self.dtype is None and self.distribution and self.distribution[0] in DISCRETE:
            raise wrong(
                f"{self.distribution[0]} gives {DISCRETE[self.distribution[0]]}, which cannot be differentiated; "
                "add 'dtype: float64', or remove 'differentiate: true'",
                "differentiate",
            )
        if self.source == "value" and not is_number(self.value):
            raise wrong(f"{self.value!r} cannot be differentiated; remove 'differentiate: true'", "differentiate")


def _unknown_dtype(name: str) -> str:
    if name.startswith("complex"):
        return f"dtype {name!r} is not implemented yet in 0.1; use two real inputs"
    return f"unknown dtype {name!r}; allowed: {', '.join((*FLOATING, *INTEGRAL))}"


def _long_form(value: object) -> object:
    """``x: [1, 2]`` says the same as ``x: {values: [1, 2]}``."""
    return {"values": value} if isinstance(value, list | int | float) else value


_SHORT_OR_LONG = {"anyOf": [{"type": ["number", "array"]}, {"$ref": "#/$defs/InputKeys"}]}
InputField = Annotated[InputKeys, BeforeValidator(_long_form)]


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

    model_config = ConfigDict(extra="allow", strict=True, frozen=True, use_attribute_docstrings=True)

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
        for i, excluded in enumerate(self.exclude):
            for name, value in excluded.items():
                if name not in self.axes:
                    raise wrong(
                        f"matrix has no axis {name!r}; allowed: {', '.join(self.axes)}", "exclude", i, name, key=True
                    )
                if value not in self.axes[name]:
                    raise wrong(f"axis {name!r} has no value {value!r}", "exclude", i, name)
        return self


def _require_axis(name: str, values: object) -> None:
    if not name.isidentifier():
        raise wrong(f"axis {name!r}: allowed: a name of letters, digits and _", name)
    if not isinstance(values, list) or not values:
        raise wrong(f"axis {name!r} must be a list of values, such as [1, 8, 33]", name)
    for i, value in enumerate(values):
        if isinstance(value, list | dict):
            raise wrong(f"a value of axis {name!r} must be a number, text, true, false or null", name, i)
        if isinstance(value, str) and not value.isprintable():
            raise wrong(f"axis {name!r}: value {value!r}; allowed: printable characters", name, i)
        if str(value) in map(str, values[:i]):
            raise wrong(f"axis {name!r} has the value {value!r} twice", name, i)
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
    """How many points are drawn."""
    kwargs: dict[str, Any] = {}
    """Keyword options of the function and its claims; "$n" is the value of axis n."""
    matrix: MatrixKeys | None = None
    """Lists of values; every combination is a case."""
    was: Annotated[
        tuple[str, ...],
        PlainValidator(_former_names),
        WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
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

    def fields(self) -> Iterator[tuple[tuple[str, ...], InputKeys]]:
        """Every input of ``inputs`` and ``at`` with its path below the function."""
        for name, field in (self.inputs or {}).items():
            yield ("inputs", name), field
        for point, values in (self.at or {}).items():
            for name, field in values.items():
                yield ("at", point, name), field

    @model_validator(mode="after")
    def _has_sources(self) -> "FunctionKeys":
        if not self.inputs and not self.at:
            path = ["inputs"] if self.inputs == {} else []
            raise wrong("no inputs; add for example inputs: {x: {shape: [8]}}", *path)
        given = self.inputs or {}
        every_point = set.intersection(*(set(point) for point in self.at.values())) if self.at else set()
        for name, field in given.items():
            if field.source is None and name not in every_point:
                raise wrong(f"input {name!r} has no values; add one of {', '.join(SOURCES)}", "inputs", name, key=True)
        for point, values in (self.at or {}).items():
            self._require_same_inputs(point, values)
        return self

    def _require_same_inputs(self, point: str, values: dict[str, InputKeys]) -> None:
        assert self.at is not None
        allowed = tuple(self.inputs or next(iter(self.at.values())))
        for name, field in values.items():
            if name not in allowed:
                raise wrong(
                    f"point {point!r}: no input {name!r}; allowed: {', '.join(allowed)}", "at", point, name, key=True
                )
            if field.source is None:
                raise wrong(f"point {point!r}: input {name!r} has no values", "at", point, name, key=True)
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
    path: list[str] = []
    """Folders, relative to this file, that the functions can be imported from."""
    env: dict[EnvironmentName, EnvironmentText] = {}
    """Environment variables, set before the functions are imported."""
    include: list[str] = []
    """More suite files: names or patterns (*, ?, **), relative to this file."""
    defaults: DefaultKeys | None = None
    """Settings of every function of this file and of the files that it includes."""
    by_dtype: dict[Literal["float16", "float32", "float64"], SettingKeys] = {}
    """Settings of the cases whose narrowest differentiated input has this dtype."""
    profiles: dict[Name, ProfileKeys] = {}
    """Settings that hold under --profile NAME."""
    functions: list[FunctionKeys] = []
    """What is audited."""


def json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the suite file, for editors."""
    schema = SuiteKeys.model_json_schema()
    for field in (*_fields(schema, "inputs"), *_fields(schema, "at")):
        field["additionalProperties"] = _SHORT_OR_LONG
    schema["$defs"]["InputKeys"]["properties"]["choice"]["anyOf"].append({"type": "array", "minItems": 1})
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "gradaudit suite"}


def _fields(schema: dict[str, Any], name: str) -> Iterator[dict[str, Any]]:
    """The mappings from input names to inputs below the key ``name`` of a function."""
    for option in schema["$defs"]["FunctionKeys"]["properties"][name]["anyOf"]:
        if name == "inputs" and option.get("type") == "object":
            yield option
        elif option.get("type") == "object":
            yield option["additionalProperties"]
