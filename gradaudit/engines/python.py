"""Engine ``python``: any Python or NumPy function, called as it is."""

from collections.abc import Callable, Mapping

from gradaudit.engines._differentiable import Differentiable
from gradaudit.engines._options import with_options
from gradaudit.plan.case import Target


def recognises(function: object, target: Target) -> bool:
    """Every callable with a claimed derivative; asked last."""
    return callable(function) and bool(target.claims)


def load(target: Target, function: object, claims: Mapping[str, Callable[..., object]]) -> Differentiable:
    """Adapt ``function`` and its claims as they are. Raises EngineError where ``function`` cannot be called."""
    given = {kind: with_options(claim, target) for kind, claim in claims.items()}
    return Differentiable("python", with_options(function, target), given)
