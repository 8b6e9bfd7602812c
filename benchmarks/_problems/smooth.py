"""Functions that differences have no trouble with, and smooth ones whose scales or wiggles make trouble."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from benchmarks._problems.problem import Problem, above, fixed, near, normal, of_family, positive

#: Weights of a small network and of quadratic forms: any numbers will do, if both sides can represent them.
WEIGHTS = (0.5, -1.25, 0.75, 1.5, -0.375, 0.625, -0.875, 1.125, 0.25, -0.5, 1.75, -1.0)


def rosenbrock(x: Sequence[Any], m: Any) -> Any:
    return sum(100 * (b - a * a) ** 2 + (1 - a) ** 2 for a, b in pairwise(x))


def quadratic(x: Sequence[Any], m: Any) -> Any:
    return sum(WEIGHTS[(i + 2 * j) % 12] * a * b for i, a in enumerate(x) for j, b in enumerate(x)) + sum(x)


def network(x: Sequence[Any], m: Any) -> Any:
    """Two layers of tanh."""
    hidden = [m.tanh(sum(WEIGHTS[(5 * k + i) % 12] * a for i, a in enumerate(x)) + WEIGHTS[k]) for k in range(3)]
    return m.tanh(sum(WEIGHTS[k + 4] * h for k, h in enumerate(hidden)))


def logistic(x: Sequence[Any], m: Any) -> Any:
    return sum(m.log(1 + m.exp(-WEIGHTS[i] * a - WEIGHTS[i + 1])) for i, a in enumerate(x))


def logsumexp(x: Sequence[Any], m: Any) -> Any:
    return m.log(sum(m.exp(a) for a in x))


def norm(x: Sequence[Any], m: Any) -> Any:
    return m.sqrt(1 + sum(a * a for a in x))


def product(x: Sequence[Any], m: Any) -> Any:
    total = 1
    for a in x:
        total = total * a
    return total


def weighted(*weights: float) -> Callable[[Sequence[Any], Any], Any]:
    return lambda x, m: sum(m.sin(w * a) for w, a in zip(weights, x, strict=True))


def rastrigin(x: Sequence[Any], m: Any) -> Any:
    return sum(10 + a * a - 10 * m.cos(6.25 * a) for a in x)


def griewank(x: Sequence[Any], m: Any) -> Any:
    return 1 + sum(a * a for a in x) / 4000 - product([m.cos(a / m.sqrt(i + 1)) for i, a in enumerate(x)], m)


def ackley(x: Sequence[Any], m: Any) -> Any:
    n = len(x)
    near_zero = m.exp(-m.sqrt(sum(a * a for a in x) / n) / 5)
    return 20 - 20 * near_zero - m.exp(sum(m.cos(6.25 * a) for a in x) / n)


def _smooth() -> list[Problem]:
    new = of_family("smooth")
    return [
        new("sine", lambda x, m: m.sin(x[0]), normal(1)),
        new("exp times sine", lambda x, m: m.exp(x[0]) * m.sin(x[1]), normal(2)),
        new("cubic", lambda x, m: x[0] ** 3 - 2 * x[0] + 1, normal(1)),
        new("rosenbrock 2", rosenbrock, normal(2)),
        new("rosenbrock 4", rosenbrock, normal(4)),
        new("rosenbrock 6", rosenbrock, normal(6)),
        new("quadratic form", quadratic, normal(3)),
        new("network", network, normal(4)),
        new("logistic", logistic, normal(5)),
        new("logsumexp", logsumexp, normal(5)),
        new("gaussian", lambda x, m: m.exp(-sum(a * a for a in x) / 2), normal(3)),
        new("norm", norm, normal(3)),
        new("rational", lambda x, m: (x[0] + x[1]) / (1 + x[0] ** 2 + x[1] ** 4), normal(2)),
        new("entropy", lambda x, m: -sum(a * m.log(a) for a in x), positive(0.3, 0.2, 0.5)),
        new("himmelblau", lambda x, m: (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2, normal(2)),
        new("angle", lambda x, m: m.atan(x[0] / x[1]), positive(1, 2)),
        new("hyperbolic", lambda x, m: m.cosh(x[0]) * m.tanh(x[1]) + x[2], normal(3)),
        new("at the minimum", rosenbrock, fixed(1, 1, 1)),
        new("a coordinate unused", lambda x, m: m.sin(x[0]) * x[2], normal(3)),
    ]


def _scaled() -> list[Problem]:
    new = of_family("badly scaled")
    return [
        new("x of 1e-8", lambda x, m: m.sin(1e8 * x[0]), positive(1e-8)),
        new("x of 1e8", lambda x, m: m.log(x[0]) * m.sin(1e-8 * x[0]), positive(1e8)),
        new("mixed sine", weighted(1e8, 1, 1e-8), positive(1e-8, 1, 1e8)),
        new("mixed product", product, positive(1e-8, 1, 1e8)),
        new("arrhenius", lambda x, m: x[0] * m.exp(-x[1] / (8.314 * x[2])), positive(1e13, 8e4, 600)),
        new("gravity", lambda x, m: 6.67e-11 * x[0] * x[1] / x[2] ** 2, positive(6e24, 7e22, 4e8)),
        new("planck", lambda x, m: x[0] ** 3 / (m.exp(4.8e-11 * x[0] / x[1]) - 1), positive(1e13, 300)),
        new("huge values", lambda x, m: 1e200 * m.sin(x[0]) * m.exp(x[1]), normal(2)),
        new("tiny values", lambda x, m: 1e-200 * m.sin(x[0]) * m.exp(x[1]), normal(2)),
        new("1e-9 sine", lambda x, m: 1e-9 * m.sin(x[0]), normal(1)),
        new("bowl over 12 decades", lambda x, m: sum(10.0 ** (3 * i - 6) * a * a for i, a in enumerate(x)), normal(5)),
        new("powers", lambda x, m: x[0] ** 3 * m.sqrt(x[1]) / x[2], positive(1e-5, 1e6, 1e3)),
        new("small beside large", lambda x, m: m.exp(x[0]) + 1e-4 * m.sin(x[1]), normal(2)),
        new("large x, slow f", lambda x, m: m.atan(1e-6 * x[0]) + 1e-3 * x[1], positive(1e6, 1e3)),
    ]


def _singular() -> list[Problem]:
    new = of_family("near-singular")
    return [
        new("1/x at 1e-3", lambda x, m: 1 / x[0], near([0], 1e-3)),
        new("pole at 1", lambda x, m: x[1] / (x[0] - 1), lambda rng: near([1, 3], 1e-4)(rng)),
        new("log at 1e-6", lambda x, m: m.log(x[0]) + x[1] ** 2, positive(1e-6, 1)),
        new("x^-3", lambda x, m: x[0] ** -3, near([0], 1e-2)),
        new("sqrt at 1e-6", lambda x, m: m.sqrt(x[0]) * x[1], positive(1e-6, 1)),
        new("tangent", lambda x, m: m.tan(x[0]), near([1.5707963267948966], 1e-3)),
        new("rounded corner", lambda x, m: m.sqrt(x[0] ** 2 + 1e-8), near([0], 1e-4)),
        new("rounded corner far off", lambda x, m: m.sqrt(x[0] ** 2 + 1e-10) + x[1], near([0, 1], 1e-2)),
        new("log determinant", lambda x, m: m.log(x[0] * x[1] - x[2] * x[2]), above([1, 1, 0.999], 1e-4)),
        new("steep front", lambda x, m: m.tanh(1e4 * (x[0] - 1)) + x[1], near([1, 0], 3e-5)),
        new("exp of -1/x", lambda x, m: m.exp(-1 / x[0]), positive(0.05)),
    ]


def _oscillating() -> list[Problem]:
    new = of_family("oscillating")
    return [
        new("sin 100x", lambda x, m: m.sin(100 * x[0]), normal(1)),
        new("sin 1e4 x", lambda x, m: m.sin(1e4 * x[0]) + x[1], normal(2)),
        new("ripple", lambda x, m: x[0] ** 2 + 1e-3 * m.sin(1000 * x[0]), normal(1)),
        new("fine ripple", lambda x, m: m.exp(x[0]) + 1e-6 * m.sin(1e5 * x[0]), normal(1)),
        new("two speeds", lambda x, m: m.cos(50 * x[0]) * m.sin(x[1]), normal(2)),
        new("chirp", lambda x, m: m.sin(x[0] ** 2), positive(30)),
        new("sin 1/x", lambda x, m: m.sin(1 / x[0]), positive(0.02)),
        new("rastrigin", rastrigin, normal(4)),
        new("griewank", griewank, normal(3, std=10)),
        new("ackley", ackley, normal(2)),
    ]


def _offset() -> list[Problem]:
    new = of_family("offset")
    return [
        new("1e6 + sine", lambda x, m: 1e6 + m.sin(x[0]), normal(1)),
        new("1e9 + sine", lambda x, m: 1e9 + m.sin(x[0]), normal(1)),
        new("1e12 + sine", lambda x, m: 1e12 + m.sin(x[0]), normal(1)),
        new("1e6 + rosenbrock", lambda x, m: 1e6 + rosenbrock(x, m), normal(3)),
        new("1e8 + bowl", lambda x, m: 1e8 + x[0] ** 2 + x[1] ** 2, normal(2)),
        new("1e10 + product", lambda x, m: 1e10 + 100 * x[0] * x[1], normal(2)),
        new("1e12 + large cubic", lambda x, m: 1e12 + 1e6 * x[0] ** 3, normal(1)),
        new("1e7 + network", lambda x, m: 1e7 + network(x, m), normal(4)),
    ]


def _cancelling() -> list[Problem]:
    new = of_family("cancelling")
    return [
        new("(1 - cos x)/x²", lambda x, m: (1 - m.cos(x[0])) / x[0] ** 2, positive(1e-2)),
        new("(exp x - 1)/x", lambda x, m: (m.exp(x[0]) - 1) / x[0], positive(1e-3)),
        new("difference of roots", lambda x, m: m.sqrt(x[0] + 1) - m.sqrt(x[0]), positive(1e8)),
        new("expanded sixth power", _expanded, near([1], 0.1)),
        new("variance in one pass", _variance, normal(5, mean=1e3)),
        new("log of 1 + x", lambda x, m: m.log(1 + x[0]), positive(1e-6)),
        new("x - sin x", lambda x, m: x[0] - m.sin(x[0]), positive(3e-2)),
        new("nearly parallel", lambda x, m: x[0] * x[3] - x[1] * x[2], near([1, 1, 1, 1], 1e-6)),
        new("large terms", lambda x, m: (1e8 + m.sin(x[0])) ** 2 - 1e16, normal(1)),
    ]


def _expanded(x: Sequence[Any], m: Any) -> Any:
    t = x[0]
    return t**6 - 6 * t**5 + 15 * t**4 - 20 * t**3 + 15 * t**2 - 6 * t + 1


def _variance(x: Sequence[Any], m: Any) -> Any:
    n = len(x)
    return sum(a * a for a in x) / n - (sum(x) / n) ** 2


PROBLEMS = [*_smooth(), *_scaled(), *_singular(), *_oscillating(), *_offset(), *_cancelling()]
