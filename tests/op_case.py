"""One call of an op, and what must hold for it: its vjp is its derivative, and Numba agrees with NumPy."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numba
import numpy as np

from gradaudit import ops


@dataclass(frozen=True)
class OpCase:
    """``inputs`` are shapes (drawn standard normal) or values as they are; integers and booleans are held fixed."""

    name: str
    inputs: tuple[Any, ...]
    options: dict[str, Any] = field(default_factory=dict)
    positive: bool = False  #: draw from (0.5, 2.5) instead

    def __str__(self) -> str:
        parts = [str(np.shape(x) if isinstance(x, np.ndarray) else x) for x in self.inputs]
        return f"{self.name}({', '.join(parts + [f'{k}={v}' for k, v in self.options.items()])})"

    @property
    def function(self) -> Callable[..., Any]:
        return getattr(ops, self.name)

    @property
    def vjp(self) -> Callable[..., Any]:
        return getattr(ops, f"{self.name}_vjp")

    def arrays(self) -> list[Any]:
        rng = np.random.default_rng(7)
        return [self._drawn(rng, x) if isinstance(x, tuple) else x for x in self.inputs]

    def _drawn(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        return rng.uniform(0.5, 2.5, shape) if self.positive else rng.standard_normal(shape)

    def cotangent(self, arrays: Sequence[Any]) -> Any:
        return np.random.default_rng(8).standard_normal(np.shape(self.function(*arrays, **self.options)))


def ids(cases: Sequence[OpCase]) -> list[str]:
    return [str(case) for case in cases]


def differentiated(arrays: Sequence[Any]) -> list[int]:
    return [k for k, x in enumerate(arrays) if np.asarray(x).dtype.kind == "f"]


def numeric_vjp(case: OpCase, arrays: Sequence[Any], position: int, cotangent: Any, h: float = 1e-6) -> Any:
    """Central differences of <cotangent, f> in one input, element by element."""
    x = np.array(arrays[position], dtype=float)
    slopes = np.empty_like(x)
    for index in np.ndindex(x.shape):
        ends = []
        for shift in (h, -h):
            moved = x.copy()
            moved[index] += shift
            inputs = [*arrays[:position], moved, *arrays[position + 1 :]]
            ends.append(np.sum(cotangent * case.function(*inputs, **case.options)))
        slopes[index] = (ends[0] - ends[1]) / (2 * h)
    return slopes


def assert_vjp_is_the_derivative(case: OpCase) -> None:
    arrays = case.arrays()
    before = [np.array(x) for x in arrays]
    cotangent = case.cotangent(arrays)
    claims = case.vjp(*arrays, cotangent, **case.options)
    claims = claims if isinstance(claims, tuple) else (claims,)
    positions = differentiated(arrays)
    assert len(claims) == len(positions)
    for position, claim in zip(positions, claims, strict=True):
        assert np.shape(claim) == np.shape(arrays[position])
        assert not np.shares_memory(claim, cotangent)
        numeric = numeric_vjp(case, arrays, position, cotangent)
        np.testing.assert_allclose(claim, numeric, rtol=1e-6, atol=1e-7)
    for x, original in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(x, original)


def assert_output_is_fresh(case: OpCase) -> None:
    arrays = case.arrays()
    out = case.function(*arrays, **case.options)
    assert not any(np.shares_memory(out, x) for x in arrays)


def assert_compiled_agrees(cases: Sequence[OpCase]) -> None:
    """All cases in one jitted function, options written as literals: compiling costs far more than calling."""
    lines, inputs, namespace = [], [], {}
    for k, case in enumerate(cases):
        arrays = case.arrays()
        options = ", ".join(f"{name}={value!r}" for name, value in case.options.items())
        slots = [f"x[{len(inputs) + i}]" for i in range(len(arrays) + 1)]
        inputs += [*arrays, case.cotangent(arrays)]
        namespace |= {f"f{k}": case.function, f"v{k}": case.vjp}
        lines += [f"f{k}({', '.join(slots[:-1])}, {options})", f"v{k}({', '.join(slots)}, {options})"]
    exec(f"def every_case(x):\n    return ({', '.join(lines)},)", namespace)
    every_case = namespace["every_case"]
    compiled, plain = numba.njit(every_case)(tuple(inputs)), every_case(tuple(inputs))
    for line, (numba_result, numpy_result) in zip(lines, zip(compiled, plain, strict=True), strict=True):
        _assert_equal(numba_result, numpy_result, line)


def _assert_equal(compiled: Any, plain: Any, line: str) -> None:
    if isinstance(plain, tuple):
        assert len(compiled) == len(plain), line
        for one, other in zip(compiled, plain, strict=True):
            _assert_equal(one, other, line)
        return
    assert np.shape(compiled) == np.shape(plain), line
    np.testing.assert_allclose(compiled, plain, rtol=1e-12, atol=1e-14, err_msg=line)


def covered(cases: Sequence[OpCase], family: Any) -> bool:
    """Whether every op that ``family``, a module, defines has a case; so that a new op cannot go untested."""
    names = {n for n in dir(ops) if getattr(getattr(ops, n), "__module__", "") == family.__name__}
    return {n for n in names if not n.endswith("_vjp")} == {case.name for case in cases}
