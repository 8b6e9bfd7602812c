"""What this version can do, by name: the parts on a shelf are its files, read without importing any."""

import ast
import pkgutil
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).parent.parent


@cache
def parts(shelf: str) -> tuple[str, ...]:
    """The words a user may type for ``shelf`` (``engines``, ``checks``): its modules without a leading underscore."""
    names = (module.name for module in pkgutil.iter_modules([str(_PACKAGE / shelf)]))
    return tuple(sorted(name for name in names if not name.startswith("_")))


@cache
def declared(shelf: str, part: str, name: str) -> object:
    """What the file of a part says of itself: the literal that it assigns to ``name``; None where it says nothing.

    Raises ValueError where that is no literal, which only a change to the package can bring about.
    """
    tree = ast.parse((_PACKAGE / shelf / f"{part}.py").read_bytes())
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
            return ast.literal_eval(node.value)
    return None
