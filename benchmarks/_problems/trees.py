"""Random functions: expression trees over every operation that programs use, computed exactly, roughly, or with noise.

No constant of any procedure was chosen by looking at them. Trees that have no derivative worth the name are left out:
where the gradient changes by more than 10⁻⁶ when x changes by 10⁻¹³, where float64 does not compute f to nine digits,
and where noise or rounding is more than a tenth of what the largest element changes f by over the scale of x.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import mpmath
import numpy as np

from benchmarks._problems.arithmetic import Compute, inside, narrowed, noisy, rounded, significant
from benchmarks._problems.problem import DIGITS, Array, Formula, Problem, Situation, exact_gradient, in_double, situate

#: Share of trees that are computed without further trouble.
CLEAN = 0.55
#: f must be right to this, and the gradient steady to this, where x moves by MOVED; all relative.
ACCURATE, STEADY, MOVED = 1e-9, 1e-6, 1e-13
#: Noise and rounding may be this fraction of what the largest element changes f by, at so many points around x.
AUDIBLE, POINTS = 0.1, 5

Node = Callable[[Sequence[Any], Any], Any]

UNARY: tuple[Callable[[Any, Any], Any], ...] = (
    lambda t, m: m.sin(t),
    lambda t, m: m.cos(t),
    lambda t, m: m.exp(t),
    lambda t, m: m.exp(-t * t),
    lambda t, m: m.log(1 + t * t),
    lambda t, m: m.log(abs(t)),
    lambda t, m: m.tanh(t),
    lambda t, m: m.sqrt(1 + t * t),
    lambda t, m: m.sqrt(abs(t)),
    lambda t, m: t * t,
    lambda t, m: t**3,
    lambda t, m: 1 / (1 + t * t),
    lambda t, m: m.atan(t),
    lambda t, m: abs(t),
    lambda t, m: max(t, 0 * t),
)
BINARY: tuple[Callable[[Any, Any], Any], ...] = (
    lambda a, b: a + b,
    lambda a, b: a + b,
    lambda a, b: a - b,
    lambda a, b: a * b,
    lambda a, b: a * b,
    lambda a, b: a / b,
    lambda a, b: max(a, b),
    lambda a, b: min(a, b),
)


def random_situation(seed: int) -> Situation:
    """The tree of this seed at its point: the first of its draws that is well posed."""
    rng = np.random.default_rng([seed, 2])
    while True:
        problem = _random_problem(rng, seed)
        try:
            situation = situate(problem, seed)
        except (ValueError, ArithmeticError):
            continue
        if well_posed(situation):
            return situation


def well_posed(situation: Situation) -> bool:
    """Whether f has one gradient here, as far as float64 can tell."""
    formula, x, g = situation.problem.formula, situation.x, situation.low
    value = situation.function(x)
    if not (math.isfinite(value) and np.isfinite(g).all() and np.abs(g).max() > 0):
        return False
    exact = _exact(formula, x)
    if not abs(in_double(formula, 0)(x) - exact) <= ACCURATE * abs(exact):
        return False
    scale = np.maximum(np.abs(x), 1)
    change = np.max(np.abs(g) * scale)
    moved, _ = exact_gradient(formula, x * (1 + MOVED))
    return bool(np.max(np.abs(moved - g) * scale) <= STEADY * change) and _roughness(situation) <= AUDIBLE * change


def _roughness(situation: Situation) -> float:
    """The largest error of the computed function over a few points next to x."""
    formula, x = situation.problem.formula, situation.x
    near = [x * (1 + k * 2.0**-30) for k in range(POINTS)]
    return max(abs(situation.function(point) - _exact(formula, point)) for point in near)


def _exact(formula: Formula, x: Array) -> float:
    with mpmath.mp.workdps(DIGITS):
        return float(formula([mpmath.mpf(float(t)) for t in x], mpmath.mp))


def _random_problem(rng: np.random.Generator, seed: int) -> Problem:
    n = int(rng.integers(1, 7))
    formula = _tree(rng, n, depth=int(rng.integers(2, 6)))
    scale = 10.0 ** rng.uniform(-1, 1, n) if rng.random() < 0.3 else np.ones(n)
    point = rng.normal(size=n) * scale
    if rng.random() < 0.08:
        formula = _shifted(formula, 10.0 ** rng.uniform(3, 9))
    style, compute = _style(rng)
    precision = 1e-6 if "float32" in style else 1e-15
    return Problem(f"tree/{seed} ({style})", f"tree, {style}", formula, _around(point), compute, precision=precision)


def _style(rng: np.random.Generator) -> tuple[str, Compute]:
    styles: list[tuple[str, Compute]] = [
        ("float32", inside(np.float32)),
        ("float32", narrowed(np.float32)),
        ("noisy", noisy(10.0 ** rng.uniform(-13, -5))),
        ("noisy", noisy(10.0 ** rng.uniform(-10, -5), absolute=True, gaussian=True)),
        ("rounded", rounded(10.0 ** float(rng.integers(-10, -3)))),
        ("rounded", significant(int(rng.integers(5, 11)))),
    ]
    return ("clean", in_double) if rng.random() < CLEAN else styles[int(rng.integers(len(styles)))]


def _tree(rng: np.random.Generator, n: int, *, depth: int) -> Node:
    if depth == 0 or rng.random() < 0.1:
        return _leaf(rng, n)
    if rng.random() < 0.45:
        return _applied(UNARY[int(rng.integers(len(UNARY)))], _tree(rng, n, depth=depth - 1))
    left, right = _tree(rng, n, depth=depth - 1), _tree(rng, n, depth=depth - 1)
    return _joined(BINARY[int(rng.integers(len(BINARY)))], left, right)


def _leaf(rng: np.random.Generator, n: int) -> Node:
    if rng.random() < 0.15:
        constant = float(np.round(rng.normal() * 3, 2)) or 1.0
        return lambda x, m: constant + 0 * x[0]
    which = int(rng.integers(n))
    return lambda x, m: x[which]


def _applied(operation: Callable[[Any, Any], Any], inner: Node) -> Node:
    return lambda x, m: operation(inner(x, m), m)


def _joined(operation: Callable[[Any, Any], Any], left: Node, right: Node) -> Node:
    return lambda x, m: operation(left(x, m), right(x, m))


def _shifted(formula: Formula, offset: float) -> Formula:
    return lambda x, m: formula(x, m) + offset


def _around(point: Array) -> Callable[[np.random.Generator], Array]:
    return lambda rng: point * rng.uniform(0.5, 2, point.size)
