"""What an engine calls: a function, or a claim about it, with what is the same in all calls of a case frozen in."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradaudit.engines._differentiable import EngineError, Mutated
from gradaudit.plan.case import Target


def with_options(function: object, target: Target) -> Callable[..., Any]:
    """``function`` with the further arguments of ``target`` after all others, and its options.

    Raises EngineError where it cannot be called; what comes of it raises Mutated where its first call writes into an
    array among the arguments, which all later calls are given too.
    """
    called = callable_of(function, target)
    if not target.kwargs and not target.args:
        return called
    options, watched = dict(target.kwargs), _Watched(target.args)

    def call(*inputs: Any) -> Any:
        returned = called(*inputs, *target.args, **options)
        watched.look()
        return returned

    return call


class _Watched:
    """The arrays among arguments, as they were before the first call; at later ones nobody looks: they may be large."""

    def __init__(self, args: Sequence[Any]) -> None:
        self._before = [(k, x, x.copy()) for k, x in enumerate(args) if isinstance(x, np.ndarray)]

    def look(self) -> None:
        """Raises Mutated where one has changed."""
        before, self._before = self._before, []
        for k, now, then in before:
            if now.tobytes() != then.tobytes():
                raise Mutated(f"the function changed its argument {k + 1} of 'args'; work on a copy of it")


def callable_of(function: object, target: Target) -> Callable[..., Any]:
    """``function`` itself. Raises EngineError where it cannot be called."""
    if not callable(function):
        raise EngineError(f"{target.function} is {type(function).__name__}, not a function; name what can be called")
    return function
