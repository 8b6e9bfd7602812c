"""What this version can do, by name: the parts on a shelf are its files, listed without importing any."""

import pkgutil
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).parent.parent


@cache
def parts(shelf: str) -> tuple[str, ...]:
    """The words a user may type for ``shelf`` (``engines``, ``checks``): its modules without a leading underscore."""
    names = (module.name for module in pkgutil.iter_modules([str(_PACKAGE / shelf)]))
    return tuple(sorted(name for name in names if not name.startswith("_")))
