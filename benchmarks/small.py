"""One check of few elements, warm: what it takes beyond the function's own evaluations, and beside rivals.

Contestants take turns, and the time of each is the least of all rounds, in seconds of the processor: on a machine that
others use nothing else is repeatable. SciPy's check_grad and PyTorch's gradcheck work on the same function; neither
measures the noise of f, nor says what it could have missed.
"""

import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np

import gradaudit as ga
from benchmarks._table import table
from gradaudit.perturb.samples import Array

SIZES = (1, 2, 4, 8, 64, 1000)
#: Calls of each contestant, and of the function alone in each of them.
ROUNDS, CALLS = 100, 100
#: µs that a check may take beyond the function's own evaluations, for up to so many elements.
GOAL, FEW = 200, 8

Contestants = dict[str, Callable[[], object]]


def run() -> str:
    """All the tables, of the libraries that are here."""
    own = ("audit", "assert_gradient", "12 directions")
    heads = [f"{name}{head}" for name in own for head in (", calls of f", ", µs", " beyond f")]
    return "\n\n".join(
        [
            table("A right gradient of a Python function", ("n", *heads, "goal"), map(_own, SIZES)),
            table("Compiled by Numba, µs in all", ("n", "audit", "assert_gradient"), _compiled()),
            table("Beside rivals, µs in all", ("n", "assert_gradient", *_heads()), map(_beside, SIZES)),
        ]
    )


def _own(n: int) -> Iterator[str]:
    """Of each way to check: calls of f, µs in all, µs beyond those calls."""
    x, counted = point(n), Counted()
    checks: Contestants = {
        "audit": lambda: ga.audit(counted, x, gradient=gradient),
        "assert_gradient": lambda: ga.assert_gradient(counted, gradient, x),
        "12 directions": lambda: ga.audit(counted, x, gradient=gradient, elements={"directions": 12}),
    }
    calls = {name: counted.during(check) for name, check in checks.items()}
    took = least({**checks, "f": lambda: [function(x) for _ in range(CALLS)]})
    yield f"{n:,}"
    for name in checks:
        yield from (str(calls[name]), _µs(took[name]), _µs(took[name] - calls[name] * took["f"] / CALLS))
    yield f"< {GOAL}" if n <= FEW else ""


def _compiled() -> Iterator[tuple[str, ...]]:
    """The same function, whose calls then cost next to nothing."""
    from numba import njit

    @njit
    def compiled(x: Any) -> Any:
        total = 0.0
        for value in x:
            total += value * np.sin(value)
        return total

    def row(n: int) -> tuple[str, ...]:
        x = point(n)
        took = least(
            {
                "audit": lambda: ga.audit(compiled, x, gradient=gradient),
                "assert_gradient": lambda: ga.assert_gradient(compiled, gradient, x),
            }
        )
        return (f"{n:,}", *map(_µs, took.values()))

    return map(row, SIZES)


def _heads() -> list[str]:
    return [text for name, _ in rivals_at(point(1)) for text in (name, "we take")]


def _beside(n: int) -> Iterator[str]:
    """Ours, and of each rival its time and how many times as long we take."""
    x = point(n)
    took = least({"ours": lambda: ga.assert_gradient(function, gradient, x), **dict(rivals_at(x))})
    ours = took.pop("ours")
    yield from (f"{n:,}", _µs(ours))
    for theirs in took.values():
        yield from (_µs(theirs), f"× {ours / theirs:.2g}")


def rivals_at(x: Array) -> Iterator[tuple[str, Callable[[], object]]]:
    """Each rival that is installed, at the point ``x``."""
    from scipy.optimize import check_grad

    yield "check_grad", lambda: check_grad(function, gradient, x)
    if find_spec("torch") is None:
        return
    import torch

    torch.set_num_threads(1)
    at = torch.tensor(x, requires_grad=True)
    yield "gradcheck", lambda: torch.autograd.gradcheck(lambda x: (x * torch.sin(x)).sum(), (at,))


def function(x: Array) -> float:
    """Σ x sin x"""
    return float((x * np.sin(x)).sum())


def gradient(x: Array) -> Array:
    """Its gradient."""
    return np.asarray(np.sin(x) + x * np.cos(x))


def point(n: int) -> Array:
    """Where both are looked at."""
    return np.linspace(0.3, 1.7, n)


class Counted:
    """``function``, which counts its calls."""

    calls = 0

    def __call__(self, x: Array) -> float:
        self.calls += 1
        return function(x)

    def during(self, check: Callable[[], object]) -> int:
        """How many there are in one ``check``."""
        before = self.calls
        check()
        return self.calls - before


def least(contestants: Contestants) -> dict[str, float]:
    """The least µs of the processor that each took in any round."""
    best = dict.fromkeys(contestants, float("inf"))
    for counted in [False] + [True] * ROUNDS:
        for name, contestant in contestants.items():
            began = time.process_time()
            contestant()
            took = 1e6 * (time.process_time() - began)
            best[name] = min(best[name], took) if counted else best[name]
    return best


def _µs(value: float) -> str:
    return f"{value:,.0f}"
