"""The shelf of engines: each file adapts one way of writing functions; its name is the word the user types."""

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import cache, wraps
from types import ModuleType
from typing import Any, Protocol, cast

from gradaudit.engines._differentiable import Differentiable, EngineError, Misfit
from gradaudit.engines._moving import Moving
from gradaudit.engines._options import callable_of
from gradaudit.engines._packing import packed, packed_claim
from gradaudit.engines._sources import sources
from gradaudit.engines._trees import Layout
from gradaudit.libraries import at_hand, missing
from gradaudit.plan.case import Target


class Engine(Protocol):
    """A part of this shelf, or a user's own module; ``_differentiable`` says what the two functions do.

    It may have a third, ``importing() -> context manager``: held while users' modules are imported for it by name.
    """

    def recognises(self, function: object, target: Target, /) -> bool:
        """Whether this function is mine, though no engine was named."""

    def load(self, target: Target, function: object, claims: Mapping[str, Callable[..., object]], /) -> Differentiable:
        """The function with what is claimed about its derivative."""


@cache
def names() -> tuple[str, ...]:
    """The engines on the shelf, without importing any."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")))


def load(target: Target) -> Differentiable:
    """Resolve the references of ``target`` and adapt them.

    Raises EngineError where a reference or the engine cannot be loaded. Importing runs user code: what it raises
    beside ImportError passes through, to the one boundary that turns users' exceptions into verdicts.
    """
    with _importing(target.engine):
        function = resolve(target.function)
        claims = {kind: _callable(reference) for kind, reference in target.claims}
    layout = Layout.of_routes(target.routes) if target.routes else None
    return replace(adapt(target, function, claims, layout=layout), sources=sources(target, function, claims))


def _importing(engine: str | None) -> AbstractContextManager[object]:
    """What the named engine wants to hold while users' modules are imported: they may make constants of its library."""
    surroundings = getattr(part(engine), "importing", None) if engine else None
    return surroundings() if surroundings else nullcontext()


def adapt_primal(function: Callable[..., object]) -> Differentiable:
    """Adapt a function of which nothing is claimed, to be evaluated only."""
    target = Target(getattr(function, "__qualname__", type(function).__name__))
    mine = (name for name in _recognising(function, target) if name != "python")
    return adapt(replace(target, engine=next(mine, "python")), function, {})


def adapt(
    target: Target, function: object, claims: Mapping[str, Callable[..., object]], *, layout: Layout | None = None
) -> Differentiable:
    """Adapt a function that is at hand; ``target`` says how, ``layout`` which arguments are containers of its inputs.

    Raises EngineError where no engine can.
    """
    for kind, claim in claims.items():
        if not callable(claim):
            raise EngineError(f"{kind} is {type(claim).__name__}, not a function; give what can be called")
    engine = part(target.engine or _chosen(function, target))
    pair = claims.get("value_and_gradient")
    value = _first_of_pair(pair) if pair is not None and pair is function else function
    return engine.load(target, *_over_leaves(target, value, claims, layout))


def _first_of_pair(function: Callable[..., Any]) -> Callable[..., object]:
    """The value alone of a function that gives its gradient too, as SciPy has them with ``jac=True``."""

    @wraps(function)
    def value(*inputs: object, **options: object) -> object:
        returned = function(*inputs, **options)
        if not isinstance(returned, tuple | list) or len(returned) != 2:
            raise Misfit("value_and_gradient did not return a pair; allowed: (value, gradient)")
        return returned[0]

    return value


def _over_leaves(
    target: Target, function: object, claims: Mapping[str, Callable[..., object]], layout: Layout | None
) -> tuple[object, Mapping[str, Callable[..., object]]]:
    if layout is None or not callable(function):
        return function, claims
    moving = Moving(frozenset(target.constants))
    return packed(function, layout), {kind: packed_claim(kind, claim, layout, moving) for kind, claim in claims.items()}


def part(name: str) -> Engine:
    """The engine called ``name``: one of the shelf, or a user's own, ``mypkg.engine`` or ``mypkg:engine``.

    Raises EngineError where it does not exist, is no engine, or needs a library that is not installed.
    """
    if "." in name or ":" in name:
        return _own(name)
    if name not in names():
        raise EngineError(f"engine {name!r} is not on the shelf; allowed: {', '.join(names())}")
    if problem := missing(name):
        raise EngineError(problem)
    return _of_the_shelf(name)


@cache
def _of_the_shelf(name: str) -> Engine:
    return cast(Engine, importlib.import_module(f"{__name__}.{name}"))


def _own(name: str) -> Engine:
    found = resolve(name) if ":" in name else _imported(name, name)
    lacking = [wanted for wanted in ("recognises", "load") if not callable(getattr(found, wanted, None))]
    if lacking:
        raise EngineError(f"engine {name!r} has no function {lacking[0]!r}; an engine has recognises and load")
    return cast(Engine, found)


def resolve(reference: str) -> object:
    """The object that ``module:attribute`` names; attributes may be dotted.

    Raises EngineError where the module or the attribute does not exist.
    """
    module_name, _, attribute = reference.partition(":")
    found: object = _imported(module_name, reference)
    for name in attribute.split("."):
        try:
            found = getattr(found, name)
        except AttributeError:
            raise EngineError(
                f"{reference}: {module_name} has no attribute {attribute!r}{_similar(found, name)}"
            ) from None
    return found


def _imported(module_name: str, reference: str) -> ModuleType:
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as problem:
        if problem.name and (module_name == problem.name or module_name.startswith(problem.name + ".")):
            raise EngineError(
                f"{reference}: no module named {problem.name!r}; is its folder listed under 'path:'?"
            ) from None
        raise


def _similar(holder: object, name: str) -> str:
    import difflib

    close = difflib.get_close_matches(name, dir(holder), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _callable(reference: str) -> Callable[..., object]:
    found = resolve(reference)
    if not callable(found):
        raise EngineError(f"{reference} is {type(found).__name__}, not a function")
    return found


def _chosen(function: object, target: Target) -> str:
    found = next(_recognising(function, target), None)
    if found is None:
        callable_of(function, target)
        remedy = "claim a gradient, vjp, jvp or jacobian, or name what it is written for, as in 'engine: torch'"
        raise EngineError(f"{target.function}: no engine differentiates it by itself; {remedy}")
    return found


def _recognising(function: object, target: Target) -> Iterator[str]:
    """The engines that take the function for theirs; python takes everything that has a claim, so it is asked last."""
    for name in _python_last():
        if at_hand(name) and part(name).recognises(function, target):
            yield name


@cache
def _python_last() -> tuple[str, ...]:
    return (*(name for name in names() if name != "python"), "python")
