"""The shelf of checks: each file compares claims with differences, or with each other; its name is what the user types.

A check is a file with

    claims: tuple        # what it can work on: any one of these kinds of claim; an inner tuple needs all of its own
    unasked = True       # it comes with such claims by itself; left out: only the one that is called like a claim
    compare(subject, rng) -> list[Comparison] | list[Identity]

The first two are literals: the plan reads them without importing the file. ``compare`` raises ``Absent`` where the
engine does not offer what it needs.
"""

import importlib
import pkgutil
from functools import cache
from types import ModuleType


@cache
def names() -> tuple[str, ...]:
    """The checks on the shelf, without importing any."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")))


@cache
def part(name: str) -> ModuleType:
    """The check called ``name``. Raises ValueError where there is none."""
    if name not in names():
        raise ValueError(f"check {name!r} is not on the shelf; allowed: {', '.join(names())}")
    return importlib.import_module(f"{__name__}.{name}")
