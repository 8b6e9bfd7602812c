"""What stands between a formula and the number that a program returns: noise, rounding, low precision, early stops."""

import hashlib
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from benchmarks._problems.problem import Formula, Function, in_double

Compute = Callable[[Formula, int], Function]


def noisy(level: float, *, absolute: bool = False, gaussian: bool = False) -> Compute:
    """Noise that depends on every bit of x and on nothing else: relative to f, or ``absolute``."""

    def compute(formula: Formula, seed: int) -> Function:
        clean = in_double(formula, seed)

        def function(x: Any) -> float:
            value, draw = clean(x), _hashed(x, seed)
            noise = _normal(draw) if gaussian else draw
            return value + level * noise * (1.0 if absolute else abs(value))

        return function

    return compute


def rounded(step: float) -> Compute:
    """f to the nearest multiple of ``step``: a table, a counter, a printed number."""
    return _after(lambda value: step * round(value / step))


def significant(digits: int) -> Compute:
    """f as printed with so many significant digits."""
    return _after(lambda value: float(f"{value:.{digits - 1}e}"))


def narrowed(dtype: type[np.floating]) -> Compute:
    """f computed in float64 and returned in a narrower type."""
    return _after(lambda value: float(dtype(value)))


def looked_up(step: float) -> Compute:
    """f at the nearest multiple of ``step`` in every coordinate: a table of values."""

    def compute(formula: Formula, seed: int) -> Function:
        clean = in_double(formula, seed)
        return lambda x: clean([step * round(float(value) / step) for value in x])

    return compute


def inside(dtype: type[np.floating]) -> Compute:
    """Every operation of the formula in a narrower type."""
    names = ("sin", "cos", "tan", "exp", "log", "sqrt", "tanh", "cosh", "atan")
    aliases = {"atan": "arctan"}
    narrow = SimpleNamespace(**{name: _typed(getattr(np, aliases.get(name, name)), dtype) for name in names})

    def compute(formula: Formula, seed: int) -> Function:
        def function(x: Any) -> float:
            with np.errstate(all="ignore"):
                return float(formula([dtype(value) for value in x], narrow))

        return function

    return compute


def solved(solver: Callable[..., Any], tolerance: float) -> Compute:
    """``solver(x, maths, tolerance)`` stopped early; the formula is the same solver at a tolerance of 10⁻⁹⁰."""
    return lambda formula, seed: in_double(lambda x, maths: solver(x, maths, tolerance), seed)


def raising(formula: Formula, seed: int) -> Function:
    """The formula in float64, raising outside its domain as Python's math does."""
    import math

    return lambda x: float(formula([float(value) for value in x], math))


def _after(last: Callable[[float], float]) -> Compute:
    def compute(formula: Formula, seed: int) -> Function:
        clean = in_double(formula, seed)
        return lambda x: last(clean(x)) if np.isfinite(clean(x)) else np.nan

    return compute


def _typed(function: Any, dtype: type[np.floating]) -> Callable[[Any], Any]:
    return lambda value: function(dtype(value))


def _hashed(x: Any, seed: int) -> float:
    """Uniform in ±1."""
    digest = hashlib.blake2b(np.asarray(x, dtype=np.float64).tobytes(), digest_size=8, salt=seed.to_bytes(8)).digest()
    return int.from_bytes(digest) / 2**63 - 1.0


def _normal(uniform: float) -> float:
    from statistics import NormalDist

    return NormalDist().inv_cdf(min(max((uniform + 1) / 2, 1e-12), 1 - 1e-12))
