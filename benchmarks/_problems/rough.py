"""Functions that a program computes roughly: noise, rounding, low precision, solvers that stop early."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from benchmarks._problems.arithmetic import inside, looked_up, narrowed, noisy, rounded, significant, solved
from benchmarks._problems.problem import Array, Problem, normal, of_family, positive
from benchmarks._problems.smooth import logistic, logsumexp, network, norm, quadratic, rosenbrock

#: The tolerance of a solver that stands for its exact answer.
EXACT = 1e-90
#: A solver that has not arrived after so many steps has no answer.
STEPS = 1000
#: Errors of a claim that was computed in float32.
SINGLE = 1e-6


def sine(x: Sequence[Any], m: Any) -> Any:
    return m.sin(x[0])


def wave(x: Sequence[Any], m: Any) -> Any:
    return m.exp(x[0] / 4) * m.sin(x[1])


def newton_root(x: Sequence[Any], m: Any, tolerance: float) -> Any:
    """√x."""
    root = 1 + x[0] / 2
    for _ in range(STEPS):
        if abs(root * root - x[0]) <= tolerance * x[0]:
            return root
        root = (root + x[0] / root) / 2
    return m.nan


def bisected(x: Sequence[Any], m: Any, tolerance: float) -> Any:
    """The root of t³ + t = x."""
    low, high = -2 - abs(x[0]), 2 + abs(x[0])
    while high - low > tolerance:
        middle = (low + high) / 2
        low, high = (low, middle) if middle**3 + middle > x[0] else (middle, high)
    return (low + high) / 2


def fixed_point(x: Sequence[Any], m: Any, tolerance: float) -> Any:
    """t = cos(t·x₀)/2 + x₁/4."""
    t = 0 * x[0]
    for _ in range(STEPS):
        following = m.cos(t * x[0]) / 2 + x[1] / 4
        if abs(following - t) <= tolerance:
            return following
        t = following
    return m.nan


def kepler(x: Sequence[Any], m: Any, tolerance: float) -> Any:
    """The eccentric anomaly of mean anomaly x₀ and eccentricity x₁, by Newton's method."""
    t = x[0]
    for _ in range(STEPS):
        step = (t - x[1] * m.sin(t) - x[0]) / (1 - x[1] * m.cos(t))
        t = t - step
        if abs(step) <= tolerance:
            return t
    return m.nan


def gauss_seidel(x: Sequence[Any], m: Any, tolerance: float) -> Any:
    """a + b of [[4, x₀], [x₁, 3]]·(a, b) = (1, 2)."""
    a, b = 0 * x[0], 0 * x[0]
    for _ in range(STEPS):
        new_a = (1 - x[0] * b) / 4
        new_b = (2 - x[1] * new_a) / 3
        moved = abs(new_a - a) + abs(new_b - b)
        a, b = new_a, new_b
        if moved <= tolerance:
            return a + b
    return m.nan


def mean_of_means(x: Sequence[Any], m: Any, tolerance: float) -> Any:
    """The arithmetic-geometric mean."""
    a, b = x
    for _ in range(STEPS):
        if abs(a - b) <= tolerance * a:
            return (a + b) / 2
        a, b = (a + b) / 2, m.sqrt(a * b)
    return m.nan


def _solvers() -> list[Problem]:
    new = of_family("solver")

    def problem(name: str, solver: Callable[..., Any], tolerance: float, draw: Any) -> Problem:
        exact = partial(solver, tolerance=EXACT)
        return new(f"{name}, {tolerance:g}", exact, draw, solved(solver, tolerance))

    return [
        problem("newton root", newton_root, 1e-6, positive(3)),
        problem("newton root", newton_root, 1e-12, positive(3)),
        problem("bisection", bisected, 1e-6, normal(1)),
        problem("bisection", bisected, 1e-10, normal(1)),
        problem("fixed point", fixed_point, 1e-4, positive(1, 1)),
        problem("fixed point", fixed_point, 1e-9, positive(1, 1)),
        problem("kepler", kepler, 1e-10, positive(1, 0.4)),
        problem("gauss-seidel", gauss_seidel, 1e-7, positive(1, 1)),
        problem("mean of means", mean_of_means, 1e-8, positive(1, 3)),
    ]


def _noisy() -> list[Problem]:
    new = of_family("noisy")
    return [
        new("sine, 1e-12", sine, normal(1), noisy(1e-12)),
        new("sine, 1e-9", sine, normal(1), noisy(1e-9)),
        new("sine, 1e-6", sine, normal(1), noisy(1e-6)),
        new("sine, 1e-4", sine, normal(1), noisy(1e-4)),
        new("wave, 1e-8 absolute", wave, normal(2), noisy(1e-8, absolute=True)),
        new("wave, 1e-3 absolute", wave, normal(2), noisy(1e-3, absolute=True)),
        new("rosenbrock, 1e-10", rosenbrock, normal(3), noisy(1e-10)),
        new("quadratic, gaussian 1e-7", quadratic, normal(3), noisy(1e-7, gaussian=True)),
        new("network, gaussian 1e-10", network, normal(4), noisy(1e-10, absolute=True, gaussian=True)),
        new("logistic, 1e-11", logistic, normal(5), noisy(1e-11)),
        new("large x, 1e-10", lambda x, m: m.log(x[0]) * m.sqrt(x[1]), positive(1e5, 1e3), noisy(1e-10)),
    ]


def _quantised() -> list[Problem]:
    new = of_family("quantised")
    return [
        new("sine to 1e-10", sine, normal(1), rounded(1e-10)),
        new("sine to 1e-6", sine, normal(1), rounded(1e-6)),
        new("sine to 1e-3", sine, normal(1), rounded(1e-3)),
        new("wave to 2^-20", wave, normal(2), rounded(2.0**-20)),
        new("rosenbrock to 1e-4", rosenbrock, normal(3), rounded(1e-4)),
        new("quadratic, 7 digits", quadratic, normal(3), significant(7)),
        new("wave, 4 digits", wave, normal(2), significant(4)),
        new("logistic in float16", logistic, normal(3), narrowed(np.float16)),
        new("network in float32", network, normal(4), narrowed(np.float32)),
        new("sine by a table of 1e-7", sine, normal(1), looked_up(1e-7)),
        new("wave by a table of 1e-4", wave, normal(2), looked_up(1e-4)),
        new("counted", lambda x, m: 1e6 * m.exp(-x[0] * x[0]), normal(1), rounded(1.0)),
    ]


def _single() -> list[Problem]:
    new = of_family("float32")
    single = inside(np.float32)
    formulas: dict[str, tuple[Any, int]] = {
        "sine": (sine, 1),
        "quadratic": (quadratic, 3),
        "logsumexp": (logsumexp, 5),
        "network": (network, 4),
        "logistic": (logistic, 4),
        "rosenbrock": (rosenbrock, 3),
        "norm": (norm, 3),
        "wave": (wave, 2),
    }
    problems = [
        new(f"{name} inside", formula, normal(n), single, precision=SINGLE) for name, (formula, n) in formulas.items()
    ]
    problems += [
        new(f"{name}, inputs too", formula, _single_point(n), single, precision=SINGLE)
        for name, (formula, n) in list(formulas.items())[1:6]
    ]
    return [*problems, new("network in float16", network, normal(2), inside(np.float16), precision=SINGLE)]


def _single_point(n: int) -> Callable[[np.random.Generator], Array]:
    return lambda rng: rng.normal(size=n).astype(np.float32)


PROBLEMS = [*_noisy(), *_quantised(), *_single(), *_solvers()]
