"""The audit from Python: a verdict on one function, and an assertion for a test."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, get_args

import numpy as np

from gradaudit import engines
from gradaudit.auditor import audit_function
from gradaudit.engines._arguments import Arguments
from gradaudit.engines._differentiable import EngineError
from gradaudit.engines._packing import unpacked
from gradaudit.judge.verdict import Status, Verdict
from gradaudit.plan.case import Case, Given, Input, Settings, Structure, Target, Tolerance
from gradaudit.plan.checks import default_checks
from gradaudit.plan.structure import breach

Function = Callable[..., object]
#: Which elements are checked, as in a suite: "all", "auto", {"sample": 256}, {"directions": 12}; None: as settings say.
Choice = Literal["all", "auto"] | Mapping[str, int] | None
#: What inputs keep: a word where there is one input, else an entry for each; None: nothing.
Structures = Structure | Sequence[Structure | None] | None


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
    args: Sequence[object] = (),
    checks: Sequence[str] | None = None,
    engine: str | None = None,
    settings: Settings | None = None,
    elements: Choice = None,
    structure: Structures = None,
    seed: int = 0,
    power: bool = False,
) -> Verdict:
    """The verdict that a suite would give on ``f`` at ``inputs``: floats or arrays, floating ones are differentiated.

    An input may be a dict, list or tuple that holds arrays: its leaves are differentiated, and named ``x.weight``. What
    is in ``args`` is passed after everything else, as SciPy does, and not differentiated. The claims are called as in a
    suite: ``gradient(*inputs)``, ``vjp(*inputs, cotangent)``, ``jvp(*inputs, *tangents)``, ``jacobian(*inputs)`` of
    shape output + input. hessian and hvp need the gradient, of which they are the derivative.

    ``checks`` says which checks are made; left out: that of each claim (vjp where an engine differentiates f by
    itself), and those that come with them. ``elements`` says which are checked: ``{"directions": 12}`` bounds a million
    of them in a hundred evaluations, and "auto" does so where one by one takes long. ``structure`` says what no step
    may leave: "symmetric", "positive_definite" or "simplex", or a list with an entry for each leaf of the inputs, None
    for none. ``seed`` is that of the random numbers of checks. ``power`` plants known faults into a claim that passes:
    what became of them stands in ``Verdict.power``.

    What f and the claims raise becomes a verdict. Raises ValueError where nothing is claimed and no engine
    differentiates f by itself, where ``engine`` or ``checks`` name none, where an input has not its structure, and
    where ``elements`` is no choice.
    """
    given = {
        "gradient": gradient, "value_and_gradient": value_and_gradient, "vjp": vjp, "jvp": jvp,
        "jacobian": jacobian, "hessian": hessian, "hvp": hvp,
    }  # fmt: skip
    claims = {kind: claim for kind, claim in given.items() if claim is not None}
    return _audited(
        f,
        inputs,
        claims,
        args=tuple(args),
        checks=checks,
        engine=engine,
        settings=_with_elements(settings or Settings(), elements),
        structure=structure,
        seed=seed,
        power=power,
    )


def assert_gradient(
    f: Function,
    gradient: Function,
    *inputs: object,
    args: Sequence[object] = (),
    rtol: float | None = None,
    resolution: float | None = None,
    kinks: Literal["undecided", "accept"] = "undecided",
    elements: Choice = None,
    structure: Structures = None,
) -> None:
    """For a test: raises AssertionError with the verdict's message unless the claimed gradient passes.

    ``args`` are passed to both after the inputs, and not differentiated. An inconclusive verdict is no pass: choose
    another point, or a larger ``resolution``.
    """
    __tracebackhide__ = True  # of pytest: a failure is shown where the test asserts
    settings = Settings(tolerance=Tolerance(rtol, resolution), kinks=kinks)
    verdict = _audited(
        f,
        inputs,
        {"gradient": gradient},
        args=tuple(args),
        settings=_with_elements(settings, elements),
        structure=structure,
        reader=False,
    )
    if verdict.status is not Status.PASS:
        raise AssertionError(str(verdict))


def _audited(
    f: Function,
    inputs: Sequence[object],
    claims: Mapping[str, Function],
    *,
    args: tuple[object, ...],
    checks: Sequence[str] | None = None,
    engine: str | None = None,
    settings: Settings,
    structure: Structures,
    seed: int = 0,
    power: bool = False,
    reader: bool = True,
) -> Verdict:
    layout, names, leaves = unpacked(inputs)
    arguments = Arguments.of(leaves, names=names)
    name = getattr(f, "__qualname__", type(f).__name__)
    target = Target(name, tuple((kind, kind) for kind in claims), engine, args=args, seed=seed)
    try:
        differentiable = engines.adapt(target, f, claims, layout=layout)
    except EngineError as problem:
        raise ValueError(str(problem)) from None
    named = tuple(
        Input(name, Given(None), differentiate=i in arguments.differentiated, structure=kept)
        for (i, name), kept in zip(enumerate(arguments.names), _kept(structure, arguments), strict=True)
    )
    if checks is not None and not checks:
        raise ValueError("checks is empty; leave it out, and the claims decide")
    own = ("vjp",) if "vjp" in differentiable.claims else tuple(differentiable.claims)
    chosen = default_checks(tuple(claims) or own) if checks is None else tuple(dict.fromkeys(checks))
    case = Case(name, name, target, named, chosen, settings, seed)
    return audit_function(case, differentiable, arguments, power=power, reader=reader)


def _with_elements(settings: Settings, chosen: Choice) -> Settings:
    """``settings`` for the chosen elements. Raises ValueError where they are no choice."""
    if chosen is None:
        return settings
    if isinstance(chosen, str) and chosen in ("all", "auto"):
        return settings.choosing(chosen)
    if isinstance(chosen, Mapping) and len(chosen) == 1:
        ((kind, count),) = chosen.items()
        if kind in ("sample", "directions") and type(count) is int and count > 0:
            return settings.choosing(kind, count)
    allowed = "'all', 'auto', {'sample': 256}, {'directions': 12}"
    raise ValueError(f"elements={chosen!r} is not a choice of elements; allowed: {allowed}")


def _kept(structure: Structures, arguments: Arguments) -> list[Structure | None]:
    """The structure of each input. Raises ValueError where their number differs, or an input has it not."""
    count = len(arguments.inputs)
    kept: list[Structure | None] = [None] * count
    if structure is not None:
        kept = [structure] if isinstance(structure, str) else list(structure)
    if len(kept) != count:
        raise ValueError(f"structure has {len(kept)} entries for {count} inputs; allowed: one for each, None for none")
    for name, value, wanted in zip(arguments.names, arguments.inputs, kept, strict=True):
        if wanted is None:
            continue
        if wanted not in get_args(Structure):
            raise ValueError(f"structure {wanted!r} of {name}; allowed: {', '.join(get_args(Structure))}")
        problem = breach(wanted, np.asarray(value, dtype=None if isinstance(value, np.ndarray) else float))
        if problem:
            raise ValueError(f"{name}: {problem}; mend the values, or remove 'structure'")
    return kept
