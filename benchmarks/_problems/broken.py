"""Functions that are smooth at x, or nearly: kinks, jumps and edges of the domain beside it."""

from collections.abc import Sequence
from typing import Any

from benchmarks._problems.arithmetic import raising
from benchmarks._problems.problem import Problem, above, fixed, near, normal, of_family, positive
from benchmarks._problems.smooth import WEIGHTS


def relu(t: Any) -> Any:
    return max(t, 0 * t)


def huber(t: Any) -> Any:
    return t * t / 2 if abs(t) <= 1 else abs(t) - 0.5


def relu_network(x: Sequence[Any], m: Any) -> Any:
    hidden = [relu(sum(WEIGHTS[(5 * k + i) % 12] * a for i, a in enumerate(x)) + WEIGHTS[k]) for k in range(4)]
    return sum(WEIGHTS[k + 4] * h for k, h in enumerate(hidden)) + x[0]


def clipped(x: Sequence[Any], m: Any) -> Any:
    return sum(min(max(a, -1), 1) * w for a, w in zip(x, WEIGHTS, strict=False))


def _kinked() -> list[Problem]:
    new = of_family("kink nearby")
    return [
        new("absolute at 1e-3", lambda x, m: abs(x[0]) + x[1] ** 2, lambda rng: near([0, 1], 1e-3)(rng)),
        new("absolute at 1e-6", lambda x, m: abs(x[0]) * m.exp(x[1]), near([0, 1], 1e-6)),
        new("maximum at 1e-2", lambda x, m: max(x[0] ** 2, x[1]), near([1, 1], 1e-2)),
        new("relu network", relu_network, normal(4)),
        new("huber", lambda x, m: huber(x[0]) + huber(x[1]), near([1, -1], 1e-4)),
        new("sum of absolutes", lambda x, m: sum(abs(a) for a in x), normal(5)),
        new("clip", clipped, near([1, -1, 0.5], 1e-3)),
        new("hinge", lambda x, m: sum(relu(1 - a * w) for a, w in zip(x, WEIGHTS, strict=False)), normal(4)),
        new("median", lambda x, m: sorted(x)[1] ** 2, normal(3)),
        new("soft threshold", lambda x, m: relu(abs(x[0]) - 1) * m.sin(x[1]), near([1, 1], 1e-5)),
    ]


def _at_kinks() -> list[Problem]:
    new = of_family("kink at x")
    return [
        new("absolute", lambda x, m: abs(x[0]), fixed(0), kink=True),
        new("relu and square", lambda x, m: relu(x[0]) + x[1] ** 2, fixed(0, 0.7), kink=True),
        new("maximum at a tie", lambda x, m: max(x[0], x[1]) * m.exp(x[2]), fixed(0.5, 0.5, 0.25), kink=True),
        new("hinge", lambda x, m: relu(1 - x[0]) * 3 + m.sin(x[1]), fixed(1, 0.3), kink=True),
        new("clip", lambda x, m: min(max(2 * x[0], -1), 1), fixed(0.5), kink=True),
        new("square with a corner", lambda x, m: m.exp(x[0]) + abs(x[0]) / 8, fixed(0), kink=True),
        new("x |x|", lambda x, m: x[0] * abs(x[0]) + x[1], fixed(0, 0.5), kink=True),
        new("huber", lambda x, m: huber(x[0]), fixed(1), kink=True),
    ]


def _jumps() -> list[Problem]:
    new = of_family("jump nearby")

    def step(place: float) -> Any:
        return lambda x, m: m.sin(x[0]) + (1 if x[0] > place else 0)

    return [
        new("floor", lambda x, m: m.floor(x[0]) + x[0] ** 2, near([2], 1e-3)),
        new("step at 0.1", step(0.5), near([0.5], 0.1)),
        new("step at 1e-3", step(0.5), near([0.5], 1e-3)),
        new("step at 1e-5", step(0.5), near([0.5], 1e-5)),
        new("step at 1e-8", step(0.5), near([0.5], 1e-8)),
        new("sawtooth", lambda x, m: x[0] - m.floor(10 * x[0]) / 10 + x[1] ** 3, normal(2)),
        new("small steps", lambda x, m: m.exp(x[0]) + 1e-5 * m.floor(300 * x[0]), normal(1)),
        new("two branches", lambda x, m: m.sin(x[0]) if x[0] < 1 else m.cos(3 * x[0]), near([1], 1e-2)),
        new("sign", lambda x, m: (1 if x[0] > 0 else -1) * m.sqrt(1 + x[1] ** 2) + x[0], near([0, 1], 1e-4)),
    ]


def _edges() -> list[Problem]:
    new = of_family("edge of the domain")
    return [
        new("sqrt at 1e-10", lambda x, m: m.sqrt(x[0]) + x[1], positive(1e-10, 1)),
        new("log at 1e-12", lambda x, m: m.log(x[0]), positive(1e-12)),
        new("x log x", lambda x, m: x[0] * m.log(x[0]), positive(1e-9)),
        new("asin at 1 - 1e-6", lambda x, m: m.asin(x[0]), above([1], -1e-6)),
        new("acosh at 1 + 1e-8", lambda x, m: m.acosh(x[0]) * x[1], above([1, 2], 1e-8)),
        new("circle", lambda x, m: m.sqrt(1 - x[0] ** 2 - x[1] ** 2), above([0.6, 0.8], -1e-4)),
        new("log barrier", lambda x, m: sum(x) - 1e-3 * sum(m.log(a) for a in x), positive(1e-6, 1e-3, 1), raising),
        new("beta density", lambda x, m: -0.7 * m.log(x[0]) + 3 * m.log(1 - x[0]), positive(1e-5), raising),
        new("simplex", lambda x, m: x[1] * m.log(1 - x[0] - x[1]), above([0.5, 0.5], -1e-3), raising),
        new("x^1.5 at 0", lambda x, m: abs(x[0]) ** 1.5 + x[1] ** 2, fixed(0, 0.5)),
    ]


PROBLEMS = [*_kinked(), *_at_kinks(), *_jumps(), *_edges()]
