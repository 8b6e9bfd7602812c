"""Engine ``python``: any Python or NumPy function, called as it is."""

from collections.abc import Callable, Mapping

from gradaudit.engines._differentiable import Differentiable, EngineError
from gradaudit.plan.case import Target


def recognises(function: object, target: Target) -> bool:
    """Every callable with a claimed derivative; asked last."""
    return callable(function) and bool(target.claims)


def load(target: Target, function: object, claims: Mapping[str, Callable[..., object]]) -> Differentiable:
    """Adapt ``function`` and its claims by freezing the keyword options in."""
    if not callable(function):
        raise EngineError(f"{target.function} is {type(function).__name__}, not a function")
    return Differentiable(
        "python", with_options(function, target), {kind: with_options(claim, target) for kind, claim in claims.items()}
    )


def with_options(function: Callable[..., object], target: Target) -> Callable[..., object]:
    """``function`` with what is the same in all calls frozen in: further arguments, after all others, and options."""
    if not target.kwargs and not target.args:
        return function
    options = dict(target.kwargs)
    return lambda *inputs: function(*inputs, *target.args, **options)
