"""Planted faults beside ``check_grads`` of JAX and of autograd: the same functions, points and wrong reverse rules.

Each function is written once over the library's own NumPy; its rule is the library's own derivative, spoiled. Every
check has its own defaults: who accuses the right rule, and who misses which wrong one.
"""

import importlib.util
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import gradaudit as ga
from benchmarks._table import table

Array = NDArray[np.float64]
#: A function over the NumPy of a library, of one array.
Written = Callable[[Any, Any], Any]
#: The gradient, flat, as a rule that is wrong would give it: taken in this order, times these factors.
Fault = Callable[[int], tuple[NDArray[np.intp], Array]]


@dataclass(frozen=True)
class Problem:
    """A function and the point at which it is checked."""

    function: Written
    x: Array


def _draw(size: int, seed: int) -> Array:
    return np.random.default_rng(seed).normal(size=size)


def problems() -> dict[str, Problem]:
    """Smooth ones of size one first, then what absolute tolerances and fixed steps are not made for."""
    weight = np.random.default_rng(7).normal(size=(6, 8))
    return {
        "sum of tanh²": Problem(lambda np_, x: np_.sum(np_.tanh(x) ** 2), _draw(40, 0)),
        "layer": Problem(lambda np_, x: np_.tanh(np_.dot(weight, x)), _draw(8, 1)),
        "logsumexp": Problem(lambda np_, x: np_.log(np_.sum(np_.exp(x))), _draw(20, 2)),
        "quotient": Problem(lambda np_, x: x / (1.0 + np_.sum(x**2)), _draw(10, 3)),
        "relu": Problem(lambda np_, x: np_.sum(np_.maximum(x, 0.0) * x), _draw(30, 4)),
        "mean of 2,000": Problem(lambda np_, x: np_.mean(x**2), _draw(2000, 5)),
        "in small units": Problem(lambda np_, x: 1e-7 * np_.sum(np_.sin(x)), _draw(20, 6)),
        "large offset": Problem(lambda np_, x: 1e7 + np_.sum(x**2), _draw(10, 8)),
        "large x": Problem(lambda np_, x: np_.sum(np_.log(x)), 1e6 * (2.0 + np.abs(_draw(10, 9)))),
        "small x": Problem(lambda np_, x: np_.sum(np_.sqrt(x)), 1e-6 * (2.0 + np.abs(_draw(10, 10)))),
        "steep": Problem(lambda np_, x: np_.sum(np_.exp(3.0 * x)), 3.0 + np.abs(_draw(10, 11))),
    }


def _factors(change: Callable[[Array], None]) -> Fault:
    def fault(size: int) -> tuple[NDArray[np.intp], Array]:
        factors = np.ones(size)
        change(factors)
        return np.arange(size), factors

    return fault


def _element(value: float) -> Fault:
    def change(factors: Array) -> None:
        factors[factors.size // 3] = value

    return _factors(change)


def _all(value: float) -> Fault:
    def change(factors: Array) -> None:
        factors[:] = value

    return _factors(change)


def _swapped(size: int) -> tuple[NDArray[np.intp], Array]:
    order = np.arange(size)
    order[[0, size // 2]] = order[[size // 2, 0]]
    return order, np.ones(size)


RIGHT = "right"
FAULTS: dict[str, Fault] = {
    RIGHT: _all(1.0),
    "all zero": _all(0.0),
    "wrong sign": _all(-1.0),
    "twice as large": _all(2.0),
    "1 % too large": _all(1.01),
    "0.1 % too large": _all(1.001),
    "one element zero": _element(0.0),
    "one element 1 % too large": _element(1.01),
    "two elements swapped": _swapped,
}


def over_jax(written: Written, fault: Fault) -> Callable[[Any], Any]:
    """The function with a custom_vjp."""
    import jax

    def own(x: Any) -> Any:
        return written(jax.numpy, x)

    def backward(x: Any, cotangent: Any) -> tuple[Any]:
        order, factors = fault(x.size)
        return (jax.vjp(own, x)[1](cotangent)[0][order] * factors,)

    spoiled = jax.custom_vjp(own)
    spoiled.defvjp(lambda x: (own(x), x), backward)
    return spoiled


def over_autograd(written: Written, fault: Fault) -> Callable[[Any], Any]:
    """The function as a primitive."""
    from autograd import make_vjp, numpy
    from autograd.extend import defvjp, primitive

    def own(x: Any) -> Any:
        return written(numpy, x)

    def rule(_: Any, x: Any) -> Callable[[Any], Any]:
        order, factors = fault(x.size)
        return lambda cotangent: make_vjp(own)(x)[0](cotangent)[order] * factors

    spoiled = primitive(own)
    defvjp(spoiled, rule)
    return lambda x: spoiled(x)


def _checked_by_jax(function: Callable[[Any], Any], x: Array) -> None:
    import jax
    import jax.test_util

    with jax.enable_x64(True):
        jax.test_util.check_grads(function, (jax.numpy.asarray(x),), order=1, modes=["rev"])


def _checked_by_autograd(function: Callable[[Any], Any], x: Array) -> None:
    from autograd.test_util import check_grads

    np.random.seed(0)  # noqa: NPY002  # its directions come from there
    check_grads(function, modes=["rev"], order=1)(x)


#: Library → how a function is spoiled, and who checks it.
RIVALS = {"jax": (over_jax, _checked_by_jax), "autograd": (over_autograd, _checked_by_autograd)}


@dataclass(frozen=True)
class Answer:
    """What both say of one rule."""

    problem: str
    fault: str
    ours: str  #: pass, fail or inconclusive
    passed: bool  #: by the rival
    seconds: tuple[float, float]  #: ours, the rival's


def answers(library: str) -> Iterator[Answer]:
    """Every problem with every fault."""
    spoil, check = RIVALS[library]
    for name, problem in problems().items():
        for fault in FAULTS:
            function = spoil(problem.function, FAULTS[fault])
            began = time.perf_counter()
            verdict = ga.audit(function, problem.x, engine=library, checks=["vjp"])
            between = time.perf_counter()
            passed = _holds(check, function, problem.x)
            yield Answer(name, fault, str(verdict.status), passed, (between - began, time.perf_counter() - between))


def _holds(check: Callable[[Callable[[Any], Any], Array], None], function: Callable[[Any], Any], x: Array) -> bool:
    try:
        check(function, x)
    except (AssertionError, ValueError):
        return False
    return True


def run() -> str:
    """A table for each library that is installed."""
    return "\n\n".join(_of(library) for library in RIVALS)


def _of(library: str) -> str:
    if importlib.util.find_spec(library) is None:
        return f"{library}: pip install {library}"
    found = list(answers(library))
    rows = [_row(fault, [answer for answer in found if answer.fault == fault]) for fault in FAULTS]
    title = f"{len(problems())} functions beside check_grads of {library}"
    columns = ("rule", "gradaudit accuses", "undecided", "check_grads accuses", "it errs in")
    return f"{table(title, columns, rows)}\n\n{_times(found)}"


def _row(fault: str, found: list[Answer]) -> tuple[str, str, str, str, str]:
    ours = [answer.ours for answer in found]
    erring = [answer.problem for answer in found if answer.passed != (fault == RIGHT)]
    accused = sum(not answer.passed for answer in found)
    return fault, str(ours.count("fail")), str(ours.count("inconclusive")), str(accused), ", ".join(erring) or "none"


def _times(found: list[Answer]) -> str:
    ours, theirs = (sum(times) for times in zip(*(answer.seconds for answer in found), strict=True))
    return f"{len(found)} rules: gradaudit {ours:.1f} s, check_grads {theirs:.1f} s."
