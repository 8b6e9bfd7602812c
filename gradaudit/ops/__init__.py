"""The built-in functions: plain array functions ``f``, each beside its vector–Jacobian product ``f_vjp``.

* ``f(*arrays, **options)``: options follow the arrays and have defaults; inputs are never changed, outputs share no
  memory with them. Numba compiles every function, also inside a user's own jitted function (options literal there).
* ``f_vjp(*arrays, cotangent, **options)``: one array for one differentiated input, else a tuple with one per
  differentiated input; each has its input's shape. Indices, masks and classes are not differentiated.
* Elementwise functions return a NumPy scalar for 0-d input, as NumPy's own do.

Each module here without a leading underscore is a family; its public functions are the ops. A new file is a new family.
"""

import difflib
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from typing import Any

Op = Callable[..., Any]


def _ops() -> Iterator[tuple[str, Op]]:
    for info in pkgutil.iter_modules(__path__):
        if info.name.startswith("_"):
            continue
        module = importlib.import_module(f"{__name__}.{info.name}")
        for name, member in vars(module).items():
            if inspect.isfunction(member) and member.__module__ == module.__name__ and not name.startswith("_"):
                yield name, member


# Imported in full before they are published: a family may have the name of its op (``softmax``), and the op wins.
_public = dict(_ops())
globals().update(_public)
__all__ = tuple(sorted(_public))


def __getattr__(name: str) -> Any:
    """A clear refusal of an unknown op; for type checkers, the declaration that any op may stand here."""
    close = difflib.get_close_matches(name, __all__, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise AttributeError(f"module {__name__!r} has no op {name!r}{hint}")
