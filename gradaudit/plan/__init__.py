"""Stage plan: from a Suite to Cases. Importing this package alone loads nothing: workers need ``plan.case`` only."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gradaudit.plan.expand import Choice, choose, make_plan, show_config
    from gradaudit.plan.selection import Selection

__all__ = ["Choice", "Selection", "choose", "make_plan", "show_config"]

_HOMES = {
    "Choice": "expand",
    "Selection": "selection",
    "choose": "expand",
    "make_plan": "expand",
    "show_config": "expand",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
