"""The keys of one input: where its values come from, and what may be done with them."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from gradaudit.suite.distributions import DISCRETE, NAMES, Distributions, Parameters
from gradaudit.suite.quantities import (
    COMPLEX,
    FLOATING,
    INTEGRAL,
    Bounds,
    Name,
    Shape,
    Values,
    as_sentence,
    is_number,
    wrong,
)
from gradaudit.suite.setting_keys import Strict

DTYPES = (*FLOATING, *COMPLEX, *INTEGRAL)
SOURCES = ("shape", "values", "file", "value")
CONTAINERS = ("tree", "items")
_OPTIONS = ("dtype", "differentiate", "bounds", "avoid", "structure")


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
    tree: Annotated[dict[Name, "InputField"], Field(min_length=1)] | None = None
    """The argument is a dict of these inputs."""
    items: Annotated[list["InputField"], Field(min_length=1)] | None = None
    """The argument is a list of these inputs."""
    dtype: str | None = None
    """NumPy dtype; left out: float64 where differentiated, else as the values are."""
    differentiate: bool | None = None
    """false: the derivative with respect to this input is not checked."""
    bounds: Bounds | None = None
    """[low, high]: no drawn value and no step leaves this interval; null for none."""
    avoid: AvoidKeys | None = None
    """Points that no drawn value may come close to."""
    structure: Literal["symmetric", "positive_definite", "simplex"] | None = None
    """What draws and steps keep: symmetric or positive_definite matrices on the last two axes (for A as drawn,
    (A + Aᵀ)/2 or AAᵀ/n + mean of its diagonal · I), simplex: the last axis is positive and sums to 1 (Dirichlet)."""

    @property
    def source(self) -> str | None:
        """The one key of SOURCES or CONTAINERS that is given."""
        return next(iter(self._given((*SOURCES, *CONTAINERS))), None)

    def parts(self) -> Iterator[tuple[str | int, "InputKeys"]]:
        """The parts of a container, by key or index; nothing where this is no container."""
        yield from (self.tree or {}).items()
        yield from enumerate(self.items or ())

    def leaves(self, *path: str | int) -> Iterator[tuple[tuple[str | int, ...], "InputKeys"]]:
        """Every input below this one, or it alone, with its path in the file, of which ``path`` is the beginning."""
        if self.source not in CONTAINERS:
            yield path, self
        for key, part in self.parts():
            yield from part.leaves(*path, str(self.source), key)

    @property
    def distribution(self) -> tuple[str, Parameters] | None:
        """Name and parameters of the distribution that is given."""
        return next(((name, getattr(self, name)) for name in self._given(NAMES)), None)

    def beside(self, given: "InputKeys") -> "InputKeys":
        """The values of a point, with what ``given`` under ``inputs`` says of them where the point does not.

        Raises PydanticCustomError where the two do not go together.
        """
        left_out = [name for name in given._given(_OPTIONS) if getattr(self, name) is None]
        both = self.model_copy(update={name: getattr(given, name) for name in left_out})
        both._goes_together()
        return both

    def _given(self, names: tuple[str, ...]) -> tuple[str, ...]:
        given = self.model_fields_set
        return () if given.isdisjoint(names) else tuple([name for name in names if name in given])

    @model_validator(mode="after")
    def _is_consistent(self) -> "InputKeys":
        for name in self._given((*SOURCES, *CONTAINERS, *NAMES)):
            if name != "value" and getattr(self, name) is None:
                raise wrong(f"{name!r} is null; give it a value, or remove it", name)
        self._has_at_most_one((*SOURCES, *CONTAINERS), "sources")
        self._has_at_most_one(NAMES, "distributions")
        for name in self._given((*NAMES, "avoid")):
            if self.source not in ("shape", None):
                raise wrong(f"{name!r} is for drawn values: it needs 'shape', not {self.source!r}", name)
        if self.distribution and self.source is None:
            raise wrong(f"{self.distribution[0]!r} needs a 'shape', such as shape: [8]", self.distribution[0])
        if self.key is not None and self.file is None:
            raise wrong("'key' names an array of a file; 'file' is missing", "key")
        if self.dtype is not None and self.dtype not in DTYPES:
            raise wrong(f"unknown dtype {self.dtype!r}; allowed: {', '.join(DTYPES)}", "dtype")
        self._goes_together()
        return self

    def _goes_together(self) -> None:
        self._is_container_alone()
        self._can_be_complex()
        self._is_differentiable()
        self._can_have_structure()

    def _is_container_alone(self) -> None:
        if self.source not in CONTAINERS:
            return
        for given in self.model_fields_set - {self.source}:
            raise wrong(f"{given!r} is for arrays; say it of the inputs below {self.source!r}", given)
        for key, part in self.parts():
            if part.source is None:
                raise wrong(f"part {key!r} has no values; add one of {', '.join(SOURCES)}", self.source, key)

    def _can_be_complex(self) -> None:
        if self.dtype not in COMPLEX:
            return
        for name in self._given(("bounds", "avoid", "structure")):
            raise wrong(f"{name!r} is for real numbers, not {self.dtype}; remove it, or use two real inputs", name)

    def _can_have_structure(self) -> None:
        if self.structure is None:
            return
        if self.source == "value":
            raise wrong("'structure' is for arrays: it needs 'shape', 'values' or 'file', not 'value'", "structure")
        dtype = self.dtype or DISCRETE.get(self.distribution[0] if self.distribution else "")
        if dtype in INTEGRAL:
            message = f"structure {self.structure!r} needs real numbers, not {dtype}; add 'dtype: float64'"
            raise wrong(message, "structure")

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


def _long_form(value: object) -> object:
    """``x: [1, 2]`` says the same as ``x: {values: [1, 2]}``."""
    return {"values": value} if isinstance(value, list | int | float) else value


InputField = Annotated[InputKeys, BeforeValidator(_long_form)]
InputKeys.model_rebuild()
