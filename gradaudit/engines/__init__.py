"""The shelf of engines: each file adapts one way of writing functions; its name is the word the user types."""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from types import ModuleType

from gradaudit.engines._differentiable import Differentiable, EngineError
from gradaudit.engines._sources import sources
from gradaudit.plan.case import Target


@cache
def names() -> tuple[str, ...]:
    """The engines on the shelf, without importing any."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")))


def load(target: Target) -> Differentiable:
    """Resolve the references of ``target`` and adapt them.

    Raises EngineError where a reference or the engine cannot be loaded. Importing runs user code: what it raises
    beside ImportError passes through, to the one boundary that turns users' exceptions into verdicts.
    """
    function = resolve(target.function)
    claims = {kind: _callable(reference) for kind, reference in target.claims}
    return adapt(target, function, claims)


def adapt_primal(function: Callable[..., object]) -> Differentiable:
    """Adapt a function of which nothing is claimed, to be evaluated only."""
    target = Target(getattr(function, "__qualname__", type(function).__name__))
    mine = (name for name in names() if name != "python" and part(name).recognises(function, target))
    return adapt(replace(target, engine=next(mine, "python")), function, {})


def adapt(target: Target, function: object, claims: Mapping[str, Callable[..., object]]) -> Differentiable:
    """Adapt a function that is at hand; ``target`` says how. Raises EngineError where no engine can."""
    engine = part(target.engine) if target.engine else _choose(function, target)
    differentiable: Differentiable = engine.load(target, function, claims)
    return replace(differentiable, sources=sources(target, function, claims))


def part(name: str) -> ModuleType:
    """The engine called ``name``."""
    if name not in names():
        raise EngineError(f"engine {name!r} is not on the shelf; allowed: {', '.join(names())}")
    return importlib.import_module(f"{__name__}.{name}")


def resolve(reference: str) -> object:
    """The object that ``module:attribute`` names; attributes may be dotted.

    Raises EngineError where the module or the attribute does not exist.
    """
    module_name, _, attribute = reference.partition(":")
    try:
        found: object = importlib.import_module(module_name)
    except ModuleNotFoundError as problem:
        if problem.name and (module_name == problem.name or module_name.startswith(problem.name + ".")):
            raise EngineError(
                f"{reference}: no module named {problem.name!r}; is its folder listed under 'path:'?"
            ) from None
        raise
    for name in attribute.split("."):
        try:
            found = getattr(found, name)
        except AttributeError:
            raise EngineError(
                f"{reference}: {module_name} has no attribute {attribute!r}{_similar(found, name)}"
            ) from None
    return found


def _similar(holder: object, name: str) -> str:
    import difflib

    close = difflib.get_close_matches(name, dir(holder), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _callable(reference: str) -> Callable[..., object]:
    found = resolve(reference)
    if not callable(found):
        raise EngineError(f"{reference} is {type(found).__name__}, not a function")
    return found


def _choose(function: object, target: Target) -> ModuleType:
    # python takes everything that has a claim, so it is asked last
    for name in sorted(names(), key=lambda name: name == "python"):
        engine = part(name)
        if engine.recognises(function, target):
            return engine
    raise EngineError(
        f"{target.function}: no engine differentiates it by itself; claim a gradient, vjp, jvp or jacobian"
    )
