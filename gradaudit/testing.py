"""The contract of an engine, as scenarios: ``check_engine`` holds an engine of your own to it, in a test of yours."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradaudit.auditor import audit_function
from gradaudit.engines import Engine
from gradaudit.engines._arguments import Arguments
from gradaudit.engines._differentiable import Differentiable, EngineError
from gradaudit.judge.verdict import Status, Verdict
from gradaudit.plan.case import Case, Given, Input, Target

Function = Callable[..., Any]

X = np.array([0.5, -1.0, 2.0, 0.25])
W = np.array([1.5, 0.5, -0.75, 2.0])
ROWS = np.array([0, 0, 2])


@dataclass(frozen=True)
class Scenario:
    """A function, claims about it over NumPy arrays, and what the audit has to say."""

    name: str  #: a sentence about behaviour
    function: Callable[[Any], Function]  #: namespace -> the function, written with it
    inputs: tuple[Any, ...] = (X,)
    claims: Mapping[str, Function] = field(default_factory=dict)  #: none: the engine's own derivatives are audited
    options: Mapping[str, object] = field(default_factory=dict)
    args: tuple[object, ...] = ()
    constants: tuple[int, ...] = ()  #: positions of floating inputs that are not differentiated
    status: Status = Status.PASS
    wrong: frozenset[str] = frozenset()  #: inputs of the elements that fail

    def problem(self, engine: Engine, namespace: Any) -> str | None:
        """What ``engine`` does otherwise; None where it does what it should, or differentiates nothing by itself."""
        differentiable = self._loaded(engine, self.function(namespace))
        if not self.claims and not differentiable.claims:
            return None
        if dropped := sorted(set(self.claims) - set(differentiable.claims)):
            return f"{self.name}: the claim {dropped[0]!r} is dropped"
        verdict = self._verdict(differentiable)
        if verdict.status is not self.status:
            return f"{self.name}: {verdict.status}, allowed: {self.status}; {verdict.message}"
        named = {element.input for element in verdict.elements if element.status is Status.FAIL}
        if named != self.wrong:
            return f"{self.name}: wrong in {sorted(named)}, allowed: {sorted(self.wrong)}"
        return None

    def _loaded(self, engine: Engine, function: Function) -> Differentiable:
        named = tuple((kind, kind) for kind in self.claims)
        options = tuple(self.options.items())
        target = Target("scenario", named, kwargs=options, constants=self.constants, args=self.args)
        return engine.load(target, function, self.claims)

    def _verdict(self, differentiable: Differentiable) -> Verdict:
        moving = [i for i, x in enumerate(self.inputs) if x.dtype.kind == "f" and i not in self.constants]
        arguments = Arguments.of(self.inputs, differentiated=moving)
        inputs = tuple(Input(name, Given(None), differentiate=i in moving) for i, name in enumerate(arguments.names))
        checks = tuple(self.claims or differentiable.claims)
        case = Case(self.name, self.name, Target("scenario"), inputs, checks)
        return audit_function(case, differentiable, arguments)


def check_engine(engine: Engine, namespace: Any = np) -> None:
    """Hold ``engine``, a module or object with ``recognises`` and ``load``, to the contract of the shelf.

    ``namespace`` is what functions for this engine are written with: an object with ``sin``, ``exp``, ``tanh`` and
    ``sum``, such as ``numpy`` or ``jax.numpy``. Raises AssertionError with everything that is not as it should be.
    """
    problems = [scenario.problem(engine, namespace) for scenario in SCENARIOS]
    problems += [_refusal(engine), _recognition(engine)]
    found = [problem for problem in problems if problem]
    if found:
        raise AssertionError("\n".join(found))


def _refusal(engine: Engine) -> str | None:
    try:
        engine.load(Target("here:three"), 3, {})
    except EngineError as problem:
        return None if "here:three" in str(problem) else f"what is no function is refused without its name: {problem}"
    except Exception as problem:
        return f"what is no function raises {type(problem).__name__}; allowed: EngineError"
    return "what is no function is accepted; allowed: EngineError"


def _recognition(engine: Engine) -> str | None:
    for thing in (None, 3, "text", object(), len):
        answer: object = engine.recognises(thing, Target("here:thing"))
        if not isinstance(answer, bool):
            return f"recognises({thing!r}) gives {type(answer).__name__}; allowed: bool"
    return None


def _raising(_: Any) -> Function:
    def function(x: Any) -> Any:
        raise ValueError("on purpose")

    return function


def _spoiled(claim: Function, *, at: int, by: float) -> Function:
    """``claim`` with one element of what it gives for the first input off by a factor."""

    def spoiled(*inputs: Any) -> Any:
        returned = claim(*inputs)
        several = isinstance(returned, tuple)
        first = np.array(returned[0] if several else returned)
        first[at] *= by
        return (first, *returned[1:]) if several else first

    return spoiled


def _sum(xp: Any) -> Function:
    return lambda x: xp.sum(x * xp.sin(x))


def _of_sum(x: Any) -> Any:
    return np.sin(x) + x * np.cos(x)


def _product(xp: Any) -> Function:
    return lambda x, w: xp.tanh(x * w)


def _of_product(x: Any, w: Any, cotangent: Any) -> Any:
    slope = cotangent * (1 - np.tanh(x * w) ** 2)
    return slope * w, slope * x


def _scaled(xp: Any) -> Function:
    return lambda x, shift, *, scale: xp.sum(xp.sin(x) * scale) + shift


def _two_outputs(xp: Any) -> Function:
    return lambda x: (xp.sin(x), xp.sum(x * x))


def _of_saturating(x: Any, tangent: Any) -> Any:
    inside = np.sin(x) * x * 2
    return (1 - np.tanh(inside) ** 2) * 2 * (np.sin(x) + x * np.cos(x)) * tangent


def _of_picked(x: Any, rows: Any) -> Any:
    gradient = np.zeros_like(x)
    np.add.at(gradient, rows, np.cos(x[rows]))
    return gradient


#: Functions of ``namespace`` as small as can be: what differs between engines is how they are called.
SCENARIOS = (
    Scenario("a right gradient passes", _sum, claims={"gradient": _of_sum}),
    Scenario(
        "a wrong element of a gradient is named",
        _sum,
        claims={"gradient": _spoiled(_of_sum, at=2, by=1.01)},
        status=Status.FAIL,
        wrong=frozenset({"x[2]"}),
    ),
    Scenario("a right vjp over two inputs passes", _product, (X, W), {"vjp": _of_product}),
    Scenario(
        "a wrong element of a vjp is named in its input",
        _product,
        (X, W),
        {"vjp": _spoiled(_of_product, at=1, by=-1.0)},
        status=Status.FAIL,
        wrong=frozenset({"x0[1]"}),
    ),
    Scenario(
        "a right jacobian passes",
        lambda xp: lambda x: xp.exp(x) * 2.0,
        claims={"jacobian": lambda x: np.diag(2.0 * np.exp(x))},
    ),
    Scenario(
        "a cotangent has the form of several outputs",
        _two_outputs,
        claims={"vjp": lambda x, u: np.cos(x) * u[0] + 2 * x * u[1]},
    ),
    Scenario(
        "an input without axes stays one",
        lambda xp: lambda x: xp.exp(x) * x,
        (np.array(0.75),),
        {"gradient": lambda x: np.exp(x) * (1 + x)},
    ),
    Scenario(
        "integers are passed as they are",
        lambda xp: lambda x, rows: xp.sum(xp.sin(x[rows])),
        (X, ROWS),
        {"gradient": _of_picked},
    ),
    Scenario(
        "an input that is held constant has no gradient",
        lambda xp: lambda x, w: xp.sum(x * w),
        (X, W),
        {"gradient": lambda x, w: np.array(w)},
        constants=(1,),
    ),
    Scenario(
        "options and further arguments reach the function and the claim",
        _scaled,
        claims={"gradient": lambda x, shift, *, scale: scale * np.cos(x)},
        options={"scale": 2.5},
        args=(1.0,),
    ),
    Scenario("float32 stays float32 and is judged as such", _sum, (X.astype(np.float32),), {"gradient": _of_sum}),
    Scenario(
        "a jvp in float32 is judged as such",
        lambda xp: lambda x: xp.tanh(xp.sin(x) * x * 2),
        (X.astype(np.float32),),
        {"jvp": _of_saturating},
    ),
    Scenario("what the function raises is an error", _raising, claims={"gradient": _of_sum}, status=Status.ERROR),
    Scenario("own derivatives of a sum pass", _sum),
    Scenario("own derivatives of two inputs pass", _product, (X, W)),
    Scenario("own derivatives of several outputs pass", _two_outputs),
    Scenario("own derivatives beside integers pass", lambda xp: lambda x, rows: xp.sin(x[rows]), (X, ROWS)),
    Scenario("own derivatives beside a constant pass", _product, (X, W), constants=(1,)),
    Scenario("own derivatives of a number pass", lambda xp: lambda x: xp.exp(x) * x, (np.array(0.75),)),
    Scenario("own derivatives with options pass", _scaled, options={"scale": 2.5}, args=(1.0,)),
    Scenario("own derivatives in float32 pass", _sum, (X.astype(np.float32),)),
)
