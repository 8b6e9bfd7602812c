"""What an engine calls: a function, or a claim about it, with what is the same in all calls of a case frozen in."""

from collections.abc import Callable
from typing import Any

from gradaudit.engines._differentiable import EngineError
from gradaudit.plan.case import Target


def with_options(function: object, target: Target) -> Callable[..., Any]:
    """``function`` with the further arguments of ``target`` after all others, and its options.

    Raises EngineError where it cannot be called.
    """
    called = callable_of(function, target)
    if not target.kwargs and not target.args:
        return called
    options = dict(target.kwargs)
    return lambda *inputs: called(*inputs, *target.args, **options)


def callable_of(function: object, target: Target) -> Callable[..., Any]:
    """``function`` itself. Raises EngineError where it cannot be called."""
    if not callable(function):
        raise EngineError(f"{target.function} is {type(function).__name__}, not a function; name what can be called")
    return function
