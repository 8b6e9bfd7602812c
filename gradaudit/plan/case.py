"""A case: one function at one point with one claim, as plain data. It is what goes into a worker."""

from dataclasses import dataclass, field, replace
from datetime import date
from math import isfinite
from numbers import Integral, Real
from typing import Literal, TypeGuard, get_args

from gradaudit.plan.precision import EPSILONS
from gradaudit.suite.scalars import Scalar

#: The way to a leaf: the position of an argument, then keys of dicts (text) and indices of lists (numbers).
Route = tuple[str | int, ...]
#: How the elements of an input hang together: such an input is drawn, checked and perturbed as a whole.
Structure = Literal["symmetric", "positive_definite", "simplex"]
Method = Literal["auto", "central"]
Kinks = Literal["undecided", "accept"]
METHODS, KINKS = get_args(Method), get_args(Kinks)
TIMEOUT = 300.0  #: s, for a case of which the suite says nothing: an unattended run must end
#: What holds where a suite says nothing, as far as that is known before functions are loaded and inputs drawn.
UNSAID = {
    "h": "auto",
    "timeout": f"{TIMEOUT / 60:g}m",
    "engine": "chosen when the function is loaded",
    "owner": "nobody",
    "tolerance.rtol": "by precision",
    "tolerance.resolution": "by precision",
}
#: rtol and resolution where the suite says nothing, the finest dtype first.
_BY_PRECISION = {"float64": (1e-5, 1e-3), "float32": (1e-4, 1e-2), "float16": (1e-2, 1e-1), "bfloat16": (5e-2, 2.5e-1)}


@dataclass(frozen=True)
class Tolerance:
    """What a claim may be off by. The acceptance formula of the whole tool is this one:

        error   = |analytic − numeric|
        scale   = max(|analytic|, |numeric|), not below 1 % of the local slope of f
        allowed = 3·bar + rtol·scale + atol
        pass          error ≤ allowed  and  allowed ≤ resolution·scale, or atol + max(resolution·scale, atol)
        fail          error > allowed  and the differences can tell
        inconclusive  otherwise

    where ``bar`` is the error bar of the numeric derivative (truncation + noise). ``None`` means "by precision":
    rtol 1e-5 and resolution 1e-3; where inputs or outputs are float32, 1e-4 and 1e-2; float16, 1e-2 and 0.1; bfloat16,
    0.05 and 0.25; but resolution no less than twice an rtol that is given, and rtol no more than half a resolution.
    Raises ValueError where a number is negative or not finite, and where both are given and rtol is not below
    resolution: then nothing could pass.
    """

    rtol: float | None = None  #: relative error of the claim that the user accepts
    resolution: float | None = None  #: the largest relative error that a pass may have missed
    atol: float = 0.0  #: absolute error that the user accepts; 0 unless asked for

    def __post_init__(self) -> None:
        for name, value in (("rtol", self.rtol), ("resolution", self.resolution), ("atol", self.atol)):
            if value is not None or name == "atol":
                _require(_is_number(value) and float(value) >= 0, name, value, "a finite number, 0 or more")
        _require(self.resolution != 0, "resolution", self.resolution, "a finite number greater than 0")
        if self.is_contradictory(self.rtol, self.resolution):
            raise ValueError(f"rtol {self.rtol:g} is not below resolution {self.resolution:g}: nothing could pass")

    @staticmethod
    def is_contradictory(rtol: float | None, resolution: float | None) -> bool:
        """Whether what is accepted is more than what a pass may have missed."""
        return rtol is not None and resolution is not None and rtol >= resolution

    def at_precision(self, epsilon: float) -> tuple[float, float]:
        """rtol and resolution where ``epsilon`` is the widest spacing at 1 of the floating inputs and outputs."""
        rtol, resolution = next(limits for dtype, limits in _BY_PRECISION.items() if epsilon <= EPSILONS[dtype])
        if self.rtol is not None:
            return self.rtol, max(resolution, 2 * self.rtol) if self.resolution is None else self.resolution
        if self.resolution is not None:
            return min(rtol, self.resolution / 2), self.resolution
        return rtol, resolution


@dataclass(frozen=True)
class Settings:
    """How a case is measured and judged; every field stands under the same name in the suite file.

    Raises ValueError for what no suite could say.
    """

    h: tuple[float, ...] | None = None  #: step sizes in units of x; None: chosen per element
    tolerance: Tolerance = field(default_factory=Tolerance)
    elements: int | None = None  #: how many elements to sample; None: all
    directions: int | None = None  #: certify all elements along this many random directions; None: one by one
    auto: bool = False  #: one by one where that is cheap, else certified, by measured cost
    method: Method = "auto"
    extend: bool = True  #: go on to steps of our own where the given ones cannot decide
    kinks: Kinks = "undecided"
    timeout: float | None = None  #: seconds; None: TIMEOUT in a run

    def __post_init__(self) -> None:
        steps = "a tuple of steps greater than 0 and finite, such as (1e-3,)"
        _require(self.h is None or _are_steps(self.h), "h", self.h, steps)
        _require(isinstance(self.tolerance, Tolerance), "tolerance", self.tolerance, "a Tolerance")
        for name, count in (("elements", self.elements), ("directions", self.directions)):
            _require(count is None or _is_count(count), name, count, "a whole number, 1 or more")
        for name, word, allowed in (("method", self.method, METHODS), ("kinks", self.kinks, KINKS)):
            _require(word in allowed, name, word, allowed)
        for name, flag in (("auto", self.auto), ("extend", self.extend)):
            _require(isinstance(flag, bool), name, flag, "True, False")
        limited = self.timeout is None or (_is_number(self.timeout) and self.timeout > 0)
        _require(limited, "timeout", self.timeout, "seconds, greater than 0")

    def choosing(self, kind: str, count: int | None = None) -> "Settings":
        """The same for other elements: ``all``, ``auto``, ``sample`` or ``directions`` with a count."""
        return replace(
            self,
            elements=count if kind == "sample" else None,
            directions=count if kind == "directions" else None,
            auto=kind == "auto",
        )


def _require(holds: bool, name: str, given: object, allowed: str | tuple[str, ...]) -> None:
    if not holds:
        said = allowed if isinstance(allowed, str) else ", ".join(map(repr, allowed))
        raise ValueError(f"{name}={given!r}; allowed: {said}")


def _is_number(value: object) -> TypeGuard[float]:
    return not isinstance(value, bool) and isinstance(value, Real) and isfinite(value)


def _is_count(value: object) -> bool:
    return not isinstance(value, bool) and isinstance(value, Integral) and int(value) > 0


def _are_steps(value: object) -> bool:
    return isinstance(value, tuple | list) and bool(value) and all(_is_number(h) and h > 0 for h in value)


@dataclass(frozen=True)
class Drawn:
    """Values drawn from a distribution; the generator is seeded by (suite seed, case id, input name)."""

    shape: tuple[int, ...]
    distribution: str = "normal"
    parameters: tuple[tuple[str, Scalar | tuple[Scalar, ...]], ...] = ()


@dataclass(frozen=True)
class Given:
    """Values written in the suite: nested tuples of numbers, or any plain YAML value for an option."""

    values: object


@dataclass(frozen=True)
class Stored:
    """Values in a file (.npy, .npz with ``key``, .csv), read without pickle in the worker."""

    file: str  #: absolute path
    key: str | None = None


@dataclass(frozen=True)
class Avoid:
    """Points (kinks, poles) that no drawn value may come closer to than ``margin``."""

    points: tuple[float, ...]
    margin: float


@dataclass(frozen=True)
class Input:
    """One positional argument of the function, or a leaf of one that is a container."""

    name: str
    source: Drawn | Given | Stored
    dtype: str | None = None  #: None: float64 where differentiated, else as the values are
    differentiate: bool = True
    bounds: tuple[float | None, float | None] = (None, None)  #: no step leaves this interval
    avoid: Avoid | None = None
    structure: Structure | None = None  #: no step leaves it
    route: Route = ()  #: where it stands, if it is a leaf of a container


@dataclass(frozen=True)
class Target:
    """What is audited: references ``module:attribute``, resolved by an engine in the worker."""

    function: str
    claims: tuple[tuple[str, str], ...] = ()  #: (kind, reference), e.g. ("gradient", "mypkg:grad")
    engine: str | None = None  #: None: chosen when the function is loaded
    kwargs: tuple[tuple[str, object], ...] = ()
    constants: tuple[int, ...] = ()  #: positions of inputs with ``differentiate: false``
    args: tuple[object, ...] = ()  #: further positional arguments, after all others
    routes: tuple[Route, ...] = ()  #: of every input, where some are leaves of containers
    seed: int = 0  #: of the random numbers that the function itself draws, where its engine pins them


@dataclass(frozen=True)
class Source:
    """Where a function of the case is written, and what its text was."""

    role: str  #: ``function``, or the kind of the claim
    reference: str  #: ``module:attribute``; empty where it was handed over from Python
    file: str = ""  #: relative to the current folder where it lies within; empty: it has no Python text
    line: int = 0  #: of its definition, from 1
    digest: str = ""  #: of its text alone, not of what it calls


@dataclass(frozen=True)
class Expectation:
    """The suite expects this status; an unexpected pass, or a date gone by, fails."""

    status: str
    reason: str = ""
    until: date | None = None

    def holds_on(self, day: date) -> bool:
        """Whether it has not lapsed: ``until`` is its last day."""
        return self.until is None or day <= self.until


@dataclass(frozen=True)
class Case:
    """One audit to make."""

    id: str  #: ``name[k=v,…]@point``: the key of history
    name: str
    target: Target
    inputs: tuple[Input, ...]
    checks: tuple[str, ...]  #: names on the ``checks`` shelf
    settings: Settings = field(default_factory=Settings)
    seed: int = 0  #: of the suite
    axes: tuple[tuple[str, Scalar], ...] = ()  #: this case's values of ``matrix``
    point: str | None = None
    points: int = 1  #: how many points are drawn, all of them audited as this one case
    draw: int = 0  #: which of them this is; its numbers follow from it
    tags: tuple[str, ...] = ()
    owner: str | None = None
    expect: Expectation | None = None
    place: str = ""  #: ``configs/suite.yaml:12:5``
    #: (setting, where its value stands), but for what is built in; a value that is moved makes no other case
    origins: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    suite: str = ""  #: the suite file, as the user named it: for the line that reproduces the case
    path: tuple[str, ...] = ()  #: folders made importable in the worker
    env: tuple[tuple[str, str], ...] = ()  #: set in the worker before user modules are imported
    was: tuple[str, ...] = ()  #: former ids: history is kept over a rename

    @property
    def imported(self) -> tuple[Target, tuple[str, ...], tuple[tuple[str, str], ...]]:
        """What is imported for it, and where: hashable, and the same for cases that differ in their numbers alone."""
        return replace(self.target, kwargs=(), args=()), self.path, self.env
