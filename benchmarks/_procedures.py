"""Every procedure that says whether a claimed gradient is right, under one signature, over the same NumPy function.

A rival is used as its own documentation shows, with its own defaults and through its own extension point
(``autograd.Function``, ``custom_vjp`` with ``pure_callback``, ``@primitive``). An exception is a failure: that is what
its user sees. Rivals that give numbers rather than verdicts get the rule that stands at their name.
"""

import importlib
import importlib.util
import logging
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks._mutations import Claim
from gradaudit import engines
from gradaudit.checks import part
from gradaudit.checks._ground import Ground
from gradaudit.checks._limits import Limits
from gradaudit.checks._measure import measure
from gradaudit.checks._subject import Subject, Unfit
from gradaudit.engines._arguments import Arguments
from gradaudit.judge.element import Outcome
from gradaudit.judge.judging import judge
from gradaudit.judge.verdict import Status, Verdict
from gradaudit.perturb.steps import Point
from gradaudit.plan.case import Settings, Target

Array = NDArray[np.float64]
Function = Callable[[Any], float]

#: Tolerance and resolution for numdifftools: those of gradaudit.
RTOL, RESOLUTION, FAIL_FACTOR = 1e-5, 1e-3, 3.0


@dataclass(frozen=True)
class Answer:
    """What a procedure said about one claim."""

    outcome: int  #: one of ``Outcome``
    calls: int  #: evaluations of f, all of them
    deciding: int  #: without those that measure the noise of f, repeat f(x), or draw a curve for the reader
    floored: int = 0  #: passes that are bounded relative to the largest sensitivity only
    verdict: Verdict | None = None


class Counted:
    """A function that counts its calls."""

    def __init__(self, function: Function) -> None:
        self.function, self.calls = function, 0

    def __call__(self, x: Any) -> float:
        self.calls += 1
        return self.function(x)


def by_gradaudit(function: Function, claim: Claim, x: Any, *, settings: Settings, seed: int = 0) -> Answer:
    """The path of ``gradaudit.audit``, step by step, so that evaluations can be told apart."""

    def claimed(point: Any) -> Array:
        # at x a claim may be what no formula gives: the other side of a kink
        return claim.value if np.array_equal(point, x) else claim.at(np.asarray(point, dtype=np.float64))

    counted = Counted(function)
    arguments = Arguments.of([x])
    differentiable = engines.adapt(Target("f", (("gradient", "g"),), "python"), counted, {"gradient": claimed})
    try:
        subject = Subject.examine(differentiable, arguments, Point.of(arguments.x, arguments.epsilon))
    except Unfit:
        return Answer(Outcome.INCONCLUSIVE, counted.calls, counted.calls)
    rng = np.random.default_rng(seed)
    [comparison] = part("gradient").compare(subject, rng)
    with np.errstate(all="ignore"):  # a step may leave the domain
        evidence = measure(Ground.of(comparison, Limits.of(settings, epsilon=subject.epsilon), rng), settings, rng)
    verdict = judge("case", [evidence])
    outcome = {Status.PASS: Outcome.PASS, Status.FAIL: Outcome.FAIL}.get(verdict.status, Outcome.INCONCLUSIVE)
    deciding = evidence.evaluations - evidence.surroundings
    return Answer(outcome, counted.calls, deciding, verdict.counts.bounded_by_largest, verdict)


def _torch(function: Function, claim: Array, x: Any) -> bool:
    torch: Any = importlib.import_module("torch")

    class Claimed(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return torch.tensor(function(x.detach().numpy()), dtype=x.dtype)

        @staticmethod
        def backward(ctx: Any, cotangent: Any) -> Any:
            return cotangent * torch.tensor(claim, dtype=cotangent.dtype)

    point = torch.tensor(x, requires_grad=True)
    return bool(torch.autograd.gradcheck(Claimed.apply, (point,), raise_exception=False))


def _jax(function: Function, claim: Array, x: Any) -> bool:
    jax: Any = importlib.import_module("jax")
    jax.config.update("jax_enable_x64", True)
    logging.getLogger("jax").setLevel(
        logging.CRITICAL
    )  # it logs every exception of a callback, which is the answer here
    test_util: Any = importlib.import_module("jax.test_util")

    @jax.custom_vjp  # type: ignore[untyped-decorator]
    def claimed(x: Any) -> Any:
        shape = jax.ShapeDtypeStruct((), x.dtype)
        return jax.pure_callback(lambda x: np.asarray(function(np.asarray(x)), dtype=x.dtype), shape, x)

    claimed.defvjp(lambda x: (claimed(x), None), lambda _, cotangent: (cotangent * claim.astype(x.dtype),))
    try:
        test_util.check_grads(claimed, (x,), order=1, modes=["rev"])
    except AssertionError:
        return False
    finally:
        jax.clear_caches()  # thousands of functions, each compiled once
    return True


def _scipy(function: Function, claim: Array, x: Any) -> bool:
    optimize: Any = importlib.import_module("scipy.optimize")
    error = optimize.check_grad(function, lambda _: claim, x)
    return bool(error <= 1e-5 * max(1.0, float(np.linalg.norm(claim))))


def _numdifftools(function: Function, claim: Array, x: Any) -> int:
    numdifftools: Any = importlib.import_module("numdifftools")
    found = numdifftools.Gradient(function, full_output=True)(x)
    value, bar = np.atleast_1d(found.estimate).ravel(), np.atleast_1d(found.error_estimate).ravel()
    size = np.maximum(np.abs(claim), np.abs(value))
    allowed = FAIL_FACTOR * bar + RTOL * size
    if (~(np.abs(value - claim) <= allowed)).any():
        return Outcome.FAIL
    return Outcome.PASS if (allowed <= RESOLUTION * size).all() else Outcome.INCONCLUSIVE


def _autograd(function: Function, claim: Array, x: Any) -> bool:
    extend: Any = importlib.import_module("autograd.extend")
    test_util: Any = importlib.import_module("autograd.test_util")
    claimed = extend.primitive(function)
    extend.defvjp(claimed, lambda value, x: lambda cotangent: cotangent * claim)
    np.random.seed(0)  # noqa: NPY002  # its directions come from the global generator
    try:
        test_util.check_grads(claimed, modes=["rev"], order=1)(x)
    except AssertionError:
        return False
    return True


#: Name and rule → (library, procedure).
RIVALS: dict[str, tuple[str, Callable[[Function, Array, Any], int]]] = {
    "torch.autograd.gradcheck": ("torch", _torch),
    "jax.test_util.check_grads": ("jax", _jax),
    "scipy.optimize.check_grad, error ≤ 1e-5·max(1, ‖g‖)": ("scipy", _scipy),
    "numdifftools.Gradient, rule of gradaudit on its error": ("numdifftools", _numdifftools),
    "autograd.test_util.check_grads": ("autograd", _autograd),
}


def installed(rival: str) -> bool:
    """Whether the library of a rival can be imported."""
    return importlib.util.find_spec(RIVALS[rival][0]) is not None


def by_rival(rival: str, function: Function, claim: Array, x: Any) -> Answer:
    """What a rival says."""
    counted = Counted(function)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            said = RIVALS[rival][1](counted, claim, x)
        except Exception:
            said = False
    outcome = (Outcome.PASS if said else Outcome.FAIL) if isinstance(said, bool) else said
    return Answer(outcome, counted.calls, counted.calls)
