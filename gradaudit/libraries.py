"""The libraries that an engine may need and that are not installed with gradaudit: found without being imported."""

import sys
from importlib.util import find_spec

#: engine, which is also the name of the module and of the extra: how the library is called
LIBRARIES = {"autograd": "autograd", "jax": "JAX", "torch": "PyTorch"}


def at_hand(engine: str) -> bool:
    """Whether a function can be ``engine``'s own: nothing is a library's where nothing has imported it."""
    return engine not in LIBRARIES or engine in sys.modules


def missing(engine: str) -> str | None:
    """What to install before ``engine`` can be used; None where nothing is missing."""
    library = LIBRARIES.get(engine)
    if library is None or find_spec(engine) is not None:
        return None
    return f"engine {engine!r} needs {library}: pip install 'gradaudit[{engine}]'"
