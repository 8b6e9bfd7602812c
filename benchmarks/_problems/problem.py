"""A problem is plain data: a formula for any arithmetic, how the audited function computes it, and where it is audited.

One formula serves both sides. ``formula(x, maths)`` with ``maths = math`` is the function as a program computes it;
with ``maths = mpmath.mp`` and 120 digits it is the function itself, and its derivative is known.
"""

import math
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import mpmath
import numpy as np
from numpy.typing import NDArray

from gradaudit.power.recall import remembered

Array = NDArray[np.float64]
Formula = Callable[[Sequence[Any], Any], Any]
Function = Callable[[Any], float]

#: Decimal digits of the exact side, and of its step: truncation and rounding are then both near 10⁻⁸⁰.
DIGITS, STEP = 120, 40
#: So many points are tried.
DRAWS = 8
#: A slope below this fraction of the change of slope over the step is zero.
RESIDUE = 1e-20


@dataclass(frozen=True)
class Problem:
    """A function with a known derivative, and a way to draw points where it is audited."""

    name: str
    family: str
    formula: Formula  #: the function itself: neither noise nor rounding is in it
    draw: Callable[[np.random.Generator], Any]  #: a point: float array (n,)
    compute: Callable[[Formula, int], Function]  #: the audited function, given the formula and a seed for its noise
    kink: bool = False  #: x is at a kink: every claim between the one-sided derivatives is right
    precision: float = 1e-15  #: relative error of a claim that was computed with care


@dataclass(frozen=True)
class Situation:
    """A problem at one point: what a procedure is given, and the truth."""

    problem: Problem
    seed: int
    x: Any  #: (n,)
    function: Function
    low: Array  #: (n,) exact derivative; at a kink, the smaller one-sided derivative
    high: Array  #: (n,) the same, or the larger
    elsewhere: Array  #: (n,) the derivative at another point
    gradient: Callable[[Array], Array]  #: the derivative at any point: (n,) -> (n,); NaN where there is none


def situate(problem: Problem, seed: int) -> Situation:
    """The problem at the point, and with the noise, of this seed."""
    rng = np.random.default_rng([seed, zlib.crc32(problem.name.encode())])
    for _ in range(DRAWS):  # an iteration may diverge at a point, and then has no gradient there
        x, other = problem.draw(rng), problem.draw(rng)
        low, high = exact_gradient(problem.formula, x, kink=problem.kink)
        if np.isfinite(low).all():
            break
    elsewhere, _ = exact_gradient(problem.formula, other)
    function = problem.compute(problem.formula, int(rng.integers(2**31)))
    return Situation(problem, seed, x, function, low, high, elsewhere, remembered(partial(_gradient, problem.formula)))


def _gradient(formula: Formula, x: Array) -> Array:
    try:
        return exact_gradient(formula, x)[0]
    except (ValueError, ArithmeticError, TypeError):  # outside the domain, where mpmath goes on with complex numbers
        return np.full(x.shape, np.nan)


def exact_gradient(formula: Formula, x: Any, *, kink: bool = False) -> tuple[Array, Array]:
    """Smaller and larger one-sided derivative of each coordinate, right to the last bit; equal unless ``kink``."""
    with mpmath.mp.workdps(DIGITS):
        point = [mpmath.mpf(float(value)) for value in x]
        sides = [_slopes(formula, point, i, kink=kink) for i in range(len(point))]
        return np.array([float(min(s)) for s in sides]), np.array([float(max(s)) for s in sides])


def _slopes(formula: Formula, point: list[Any], i: int, *, kink: bool) -> tuple[Any, ...]:
    h = mpmath.mpf(10) ** -STEP * max(abs(point[i]), mpmath.mpf(10) ** -10)

    def at(value: Any) -> Any:
        return formula([*point[:i], value, *point[i + 1 :]], mpmath.mp)

    here = at(point[i])
    rise, fall = at(point[i] + h) - here, here - at(point[i] - h)
    if kink:
        return rise / h, fall / h
    # where both sides rise alike, what is left of the sum is truncation
    return (0 if abs(rise + fall) < RESIDUE * abs(rise - fall) else (rise + fall) / (2 * h),)


def of_family(family: str) -> Callable[..., Problem]:
    """A short way to write many problems of one family."""

    def problem(name: str, formula: Formula, draw: Any, compute: Any = None, **more: Any) -> Problem:
        return Problem(f"{family}/{name}", family, formula, draw, compute or in_double, **more)

    return problem


def in_double(formula: Formula, seed: int) -> Function:
    """The formula in float64; outside its domain, NaN, as NumPy would give."""

    def function(x: Any) -> float:
        try:
            return float(formula([float(value) for value in x], math))
        except (ValueError, ArithmeticError):
            return math.nan

    return function


def normal(n: int, *, mean: float = 0.0, std: float = 1.0) -> Callable[[np.random.Generator], Array]:
    """n independent normal coordinates."""
    return lambda rng: rng.normal(mean, std, n)


def positive(*sizes: float) -> Callable[[np.random.Generator], Array]:
    """One coordinate a size, within a factor 2 of it."""
    return lambda rng: np.array(sizes) * 2.0 ** rng.uniform(-1, 1, len(sizes))


def near(place: Sequence[float], distance: float) -> Callable[[np.random.Generator], Array]:
    """Each coordinate beside ``place``, at 1 to 2 times ``distance``, on a random side."""

    def draw(rng: np.random.Generator) -> Array:
        side = rng.choice([-1.0, 1.0], len(place))
        return np.array(place) + side * distance * rng.uniform(1, 2, len(place))

    return draw


def above(place: Sequence[float], distance: float) -> Callable[[np.random.Generator], Array]:
    """As ``near``, on the upper side (the lower where ``distance`` is negative)."""
    return lambda rng: np.array(place) + distance * rng.uniform(1, 2, len(place))


def fixed(*values: float) -> Callable[[np.random.Generator], Array]:
    """Always this point."""
    return lambda rng: np.array(values, dtype=np.float64)
