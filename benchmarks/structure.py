"""Vector functions with a structure: evaluations and seconds with it and without, beside SciPy and gradcheck.

SciPy's ``approx_derivative`` is given the sparsity, which gradaudit finds and confirms; it takes two evaluations a
group of columns and judges nothing. gradcheck writes the whole Jacobian out: it runs where that has few entries.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray
from scipy.optimize._numdiff import approx_derivative

from benchmarks._table import table
from gradaudit.api import audit
from gradaudit.judge.verdict import Status, Verdict

Array = NDArray[np.float64]

#: Jacobians of more entries are not written out, and not measured one by one.
WRITTEN_OUT = 300_000
ROUNDS = 3


@dataclass(frozen=True)
class Problem:
    """A function, its Jacobian as a SciPy sparse matrix, and its form in PyTorch where that is short to say."""

    name: str
    function: Callable[[Array], Array]
    jacobian: Callable[[Array], Any]
    n: int
    torch: Callable[[Any], Any] | None = None

    def vjp(self, x: Array, cotangent: Array) -> Array:
        """The claim by products."""
        return np.asarray(self.jacobian(x).T @ cotangent)

    @property
    def x(self) -> Array:
        """Where it is audited."""
        return np.random.default_rng(20261123).normal(size=self.n)


def run() -> str:
    """Both tables."""
    rows = [_rows(problem) for problem in problems()]
    evaluations = table(
        "Evaluations of f: a right claim, all elements",
        ("function", "n", "m", "jacobian", "vjp", "one by one", "SciPy, sparsity given"),
        [row[0] for row in rows],
    )
    seconds = table(
        "Milliseconds, medians",
        ("function", "jacobian", "vjp", "vjp one by one", "SciPy, sparsity given", "torch gradcheck"),
        [row[1] for row in rows],
    )
    return f"{evaluations}\n\n{seconds}\n\n{faults()}"


def _rows(problem: Problem) -> tuple[tuple[str, ...], tuple[str, ...]]:
    x, m = problem.x, problem.function(problem.x).size
    jacobian, jacobian_ms = _timed(lambda: _passing(problem, jacobian=problem.jacobian))
    vjp, vjp_ms = _timed(lambda: _passing(problem, vjp=problem.vjp))
    pattern = problem.jacobian(x)
    calls, scipy_ms = _timed(lambda: _scipy(problem, pattern))
    few = m * problem.n <= WRITTEN_OUT
    alone = _timed(lambda: _alone(problem))[1] if few else "–"
    rival = _timed(lambda: _gradcheck(problem))[1] if few and problem.torch and find_spec("torch") else "–"
    found = f"{vjp.measures.evaluations:,}", f"{vjp.measures.evaluations + vjp.measures.saved:,}"
    counts = (problem.name, f"{problem.n:,}", f"{m:,}", f"{jacobian.measures.evaluations:,}", *found, f"{calls:,}")
    return counts, (problem.name, jacobian_ms, vjp_ms, alone, scipy_ms, rival)


def _passing(problem: Problem, **claim: Any) -> Verdict:
    verdict = audit(problem.function, problem.x, **claim)
    assert verdict.status is Status.PASS, verdict.message
    return verdict


def _alone(problem: Problem) -> Verdict:
    """One element at a time: as where there are too few elements to look for a structure."""
    from gradaudit.checks import _structure

    fewest, _structure.FEWEST = _structure.FEWEST, problem.n + 1
    try:
        return _passing(problem, vjp=problem.vjp)
    finally:
        _structure.FEWEST = fewest


def _scipy(problem: Problem, pattern: Any) -> int:
    """Evaluations; the sparsity is given, as the claim's pattern."""
    calls = 0

    def counted(x: Array) -> Array:
        nonlocal calls
        calls += 1
        return problem.function(x)

    approx_derivative(counted, problem.x, method="3-point", sparsity=pattern)
    return calls


def _gradcheck(problem: Problem) -> None:
    import torch

    assert problem.torch is not None
    x = torch.tensor(problem.x, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(problem.torch, (x,))


def _timed(work: Callable[[], Any]) -> tuple[Any, str]:
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        result = work()
        times.append(time.perf_counter() - began)
    return result, f"{1e3 * float(np.median(times)):,.0f}"


# faults


def faults() -> str:
    """One wrong entry of each kind in each sparse Jacobian: how many of them are named, and alone."""
    rows = []
    for problem in problems():
        named = [_is_named(problem, fault) for fault in FAULTS.values()]
        rows.append((problem.name, *("yes" if one else "NO" for one in named)))
    return table("One wrong entry, named as the only one", ("function", *FAULTS), rows)


def _is_named(problem: Problem, fault: Callable[[Any, int, int], None]) -> bool:
    matrix = problem.jacobian(problem.x).tolil()
    rows, columns = matrix.nonzero()
    k = len(rows) // 3
    i, j = (int(rows[k]), int(columns[k]))
    i, j = fault(matrix, i, j) or (i, j)
    verdict = audit(problem.function, problem.x, jacobian=lambda _: matrix.tocsr())
    wrong = [(one.output, one.input) for one in verdict.elements if one.status is Status.FAIL]
    return wrong == [(f"out[{i}]", f"x[{j}]")]


def _one_percent(matrix: Any, i: int, j: int) -> None:
    matrix[i, j] *= 1.01


def _twice(matrix: Any, i: int, j: int) -> None:
    matrix[i, j] *= 2


def _dropped(matrix: Any, i: int, j: int) -> None:
    matrix[i, j] = 0


def _outside(matrix: Any, i: int, j: int) -> tuple[int, int] | None:
    free = np.flatnonzero(matrix[i].toarray()[0] == 0)
    if not free.size:  # a dense row has no outside
        matrix[i, j] *= -1
        return None
    matrix[i, free[-1]] = 1e-3
    return i, int(free[-1])


FAULTS: dict[str, Callable[[Any, int, int], tuple[int, int] | None]] = {
    "1 % off": _one_percent,
    "twice": _twice,
    "dropped": _dropped,
    "outside the pattern": _outside,
}


# problems


def problems() -> list[Problem]:
    """Structures that are common, and two functions that have none."""
    rng = np.random.default_rng(7)
    weights = rng.normal(size=(10, 5))
    places = rng.permuted(np.tile(np.arange(2000), (2000, 1)), axis=1)[:, :4]
    factors = rng.normal(size=places.shape)
    dense = rng.normal(size=(40, 300))
    return [
        Problem("elementwise sin", np.sin, lambda x: sparse.diags_array(np.cos(x)), 100_000),
        Problem("tridiagonal", _bands, _bands_jacobian, 10_000),
        Problem("2-D Laplacian + u³", _five_points, _five_points_jacobian, 3_600),
        Problem(
            "batch 64 × (10 → 5)",
            lambda x: np.tanh(x.reshape(64, 10) @ weights).ravel(),
            lambda x: _batch_jacobian(x, weights),
            640,
            lambda x: (x.reshape(64, 10) @ x.new_tensor(weights)).tanh().ravel(),
        ),
        Problem(
            "4 random entries a row",
            lambda x: np.sin((x[places] * factors).sum(axis=1)),
            lambda x: _scattered_jacobian(x, places, factors),
            2_000,
        ),
        Problem("arrow", _arrow, _arrow_jacobian, 500, _arrow_torch),
        Problem(
            "dense",
            lambda x: np.sin(dense @ x),
            lambda x: sparse.csr_array(np.cos(dense @ x)[:, None] * dense),
            300,
            lambda x: (x.new_tensor(dense) @ x).sin(),
        ),
    ]


def _bands(x: Array) -> Array:
    return 2 * np.append(0.0, x[:-1]) + x**3 - np.append(x[1:], 0.0)


def _bands_jacobian(x: Array) -> Any:
    below, above = np.full(x.size - 1, 2.0), np.full(x.size - 1, -1.0)
    return sparse.diags_array([below, 3 * x**2, above], offsets=[-1, 0, 1])


def _five_points(x: Array) -> Array:
    u = np.pad(x.reshape(60, 60), 1)
    beside = u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:]
    return np.asarray((4 * u[1:-1, 1:-1] - beside + u[1:-1, 1:-1] ** 3).ravel())


def _five_points_jacobian(x: Array) -> Any:
    line = sparse.diags_array([np.full(59, -1.0), np.full(60, 2.0), np.full(59, -1.0)], offsets=[-1, 0, 1])
    one = sparse.eye_array(60)
    return sparse.kron(line, one) + sparse.kron(one, line) + sparse.diags_array(3 * x**2)


def _batch_jacobian(x: Array, weights: Array) -> Any:
    slopes = 1 - np.tanh(x.reshape(64, 10) @ weights) ** 2
    return sparse.block_diag([(weights * row).T for row in slopes], format="csr")


def _scattered_jacobian(x: Array, places: NDArray[np.intp], factors: Array) -> Any:
    slopes = np.cos((x[places] * factors).sum(axis=1))[:, None] * factors
    rows = np.repeat(np.arange(len(places)), places.shape[1])
    return sparse.csr_array((slopes.ravel(), (rows, places.ravel())), shape=(len(places), x.size))


def _arrow(x: Array) -> Array:
    y = x**2 + x[0]
    y[0] = (x**2).sum()
    return y


def _arrow_torch(x: Any) -> Any:
    import torch

    return torch.cat([(x**2).sum()[None], (x**2 + x[0])[1:]])


def _arrow_jacobian(x: Array) -> Any:
    matrix = sparse.diags_array(2 * x).tolil()
    matrix[:, 0] = 1.0
    matrix[0, :] = 2 * x
    return matrix.tocsr()
