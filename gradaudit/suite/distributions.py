"""The distributions that an input may be drawn from: their names in the suite file and their parameters.

A field of ``Distributions`` is the word that the user types; ``plan/draw.py`` samples it under the same name.
Parameters are numbers, or expressions over axes of ``matrix`` (``high: n``).
"""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainValidator

from gradaudit.suite.json_form import JsonForm
from gradaudit.suite.quantities import is_number, wrong

#: they give whole numbers or truth values, which are not differentiated unless a floating dtype is asked for
DISCRETE = {"integers": "int64", "permutation": "int64", "bernoulli": "bool"}


def _amount(value: object) -> float | int | str:
    if isinstance(value, str) or is_number(value):
        return value
    raise wrong(f"{value!r} is not a number or a symbol of matrix")


def _options(value: object) -> object:
    return {"of": value} if isinstance(value, list) else value


def _choices(value: object) -> tuple[float | int | bool, ...]:
    if not isinstance(value, list) or not value:
        raise wrong("choice needs a list of numbers: {of: [-1, 1]}")
    for i, option in enumerate(value):
        if not isinstance(option, int | float):
            raise wrong(f"{option!r} is not a number", i)
    return tuple(value)


Amount = Annotated[float | int | str, PlainValidator(_amount), JsonForm({"type": ["number", "string"]})]


class Parameters(BaseModel):
    """Parameters of one distribution."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    def items(self) -> tuple[tuple[str, Any], ...]:
        """Every parameter with its value, defaults included, sorted as declared."""
        return tuple((name, getattr(self, name)) for name in type(self).model_fields)


class Normal(Parameters):
    """Normal distribution."""

    mean: Amount = 0.0
    std: Amount = 1.0


class Uniform(Parameters):
    """Uniform on [low, high)."""

    low: Amount = 0.0
    high: Amount = 1.0


class LogNormal(Parameters):
    """exp of a normal distribution."""

    mean: Amount = 0.0
    sigma: Amount = 1.0


class LogUniform(Parameters):
    """exp of a uniform distribution: every decade of [low, high) is as likely."""

    low: Amount
    high: Amount


class Exponential(Parameters):
    """Exponential distribution; scale is its mean."""

    scale: Amount = 1.0


class Gamma(Parameters):
    """Gamma distribution with shape k and scale θ."""

    k: Amount
    scale: Amount = 1.0


class Beta(Parameters):
    """Beta distribution on (0, 1)."""

    a: Amount
    b: Amount


class Laplace(Parameters):
    """Double exponential distribution."""

    mean: Amount = 0.0
    scale: Amount = 1.0


class StudentT(Parameters):
    """Student's t with df degrees of freedom: heavy tails."""

    df: Amount


class Integers(Parameters):
    """Whole numbers low, …, high − 1, as ``numpy.random.Generator.integers``."""

    low: Amount = 0
    high: Amount


class Choice(Parameters):
    """Each value is one of ``of``, all equally likely."""

    of: Annotated[
        tuple[float | int | bool, ...],
        PlainValidator(_choices),
        JsonForm({"type": "array", "items": {"type": ["number", "boolean"]}, "minItems": 1}),
    ]


class Bernoulli(Parameters):
    """True with probability p."""

    p: Amount = 0.5


class Permutation(Parameters):
    """0, …, size − 1 in random order."""


class Distributions(BaseModel):
    """At most one of these stands beside ``shape``."""

    normal: Normal | None = None
    uniform: Uniform | None = None
    lognormal: LogNormal | None = None
    loguniform: LogUniform | None = None
    exponential: Exponential | None = None
    gamma: Gamma | None = None
    beta: Beta | None = None
    laplace: Laplace | None = None
    student_t: StudentT | None = None
    integers: Integers | None = None
    choice: Annotated[Choice | None, BeforeValidator(_options)] = None
    bernoulli: Bernoulli | None = None
    permutation: Permutation | None = None


NAMES = tuple(Distributions.model_fields)
