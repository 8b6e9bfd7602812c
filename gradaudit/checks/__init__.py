"""The shelf of checks: each file compares claims with differences, or with each other; its name is what the user types.

A check is a file with ``claims`` (the kinds of claim it works on: see ``plan.checks`` for which of them must be there)
and ``compare(subject, rng) -> list[Comparison] | list[Identity]``. It raises ``Absent`` where the engine does not offer
what it needs.
"""

import importlib
import pkgutil
from functools import cache
from types import ModuleType


@cache
def names() -> tuple[str, ...]:
    """The checks on the shelf, without importing any."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")))


def part(name: str) -> ModuleType:
    """The check called ``name``. Raises ValueError where there is none."""
    if name not in names():
        raise ValueError(f"check {name!r} is not on the shelf; allowed: {', '.join(names())}")
    return importlib.import_module(f"{__name__}.{name}")
