"""The audit from Python: a verdict on one function, and an assertion for a test."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np

from gradaudit import engines
from gradaudit.auditor import audit_function
from gradaudit.engines._arguments import Arguments
from gradaudit.engines._differentiable import EngineError
from gradaudit.judge.verdict import Status, Verdict
from gradaudit.plan.case import Case, Given, Input, Settings, Target, Tolerance

Function = Callable[..., object]


def audit(
    f: Function,
    *inputs: object,
    gradient: Function | None = None,
    value_and_gradient: Function | None = None,
    vjp: Function | None = None,
    jvp: Function | None = None,
    jacobian: Function | None = None,
    hessian: Function | None = None,
    hvp: Function | None = None,
    engine: str | None = None,
    settings: Settings | None = None,
    seed: int = 0,
    power: bool = False,
) -> Verdict:
    """The verdict that a suite would give on ``f`` at ``inputs``: floats or arrays, floating ones are differentiated.

    The claims are called as in a suite: ``gradient(*inputs)``, ``vjp(*inputs, cotangent)``,
    ``jvp(*inputs, *tangents)``, ``jacobian(*inputs)`` of shape output + input. hessian and hvp need the gradient, of
    which they are the derivative. ``power`` plants known faults into a claim that passes: what became of them stands in
    ``Verdict.power``. What f and the claims raise becomes a verdict. Raises ValueError where nothing is
    claimed and no engine differentiates f by itself.
    """
    given = {
        "gradient": gradient, "value_and_gradient": value_and_gradient, "vjp": vjp, "jvp": jvp,
        "jacobian": jacobian, "hessian": hessian, "hvp": hvp,
    }  # fmt: skip
    claims = {kind: claim for kind, claim in given.items() if claim is not None}
    return _audited(f, inputs, claims, engine=engine, settings=settings or Settings(), seed=seed, power=power)


def assert_gradient(
    f: Function,
    gradient: Function,
    *inputs: object,
    rtol: float | None = None,
    resolution: float | None = None,
    kinks: Literal["undecided", "accept"] = "undecided",
) -> None:
    """For a test: raises AssertionError with the verdict's message unless the claimed gradient passes.

    An inconclusive verdict is no pass: choose another point, or a larger ``resolution``.
    """
    settings = Settings(tolerance=Tolerance(rtol, resolution), kinks=kinks)
    verdict = audit(f, *inputs, gradient=gradient, settings=settings)
    if verdict.status is not Status.PASS:
        raise AssertionError(f"{verdict.status.upper()} {verdict.id}  {verdict.message}")


def _audited(
    f: Function,
    inputs: Sequence[object],
    claims: Mapping[str, Function],
    *,
    engine: str | None,
    settings: Settings,
    seed: int,
    power: bool,
) -> Verdict:
    arrays = [np.asarray(x, dtype=float) if isinstance(x, float | list) else x for x in inputs]
    arguments = Arguments.of(arrays)
    name = getattr(f, "__qualname__", type(f).__name__)
    target = Target(name, tuple((kind, kind) for kind in claims), engine)
    try:
        differentiable = engines.adapt(target, f, claims)
    except EngineError as problem:
        raise ValueError(str(problem)) from None
    named = tuple(
        Input(name, Given(None), differentiate=i in arguments.differentiated) for i, name in enumerate(arguments.names)
    )
    kinds = [kind.replace("value_and_gradient", "gradient") for kind in claims or differentiable.claims]
    case = Case(name, name, target, named, tuple(dict.fromkeys(kinds)), settings, seed)
    return audit_function(case, differentiable, arguments, power=power)
