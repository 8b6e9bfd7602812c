"""What a worker answers: a verdict and what its case left behind; nothing in it can call or break what reads it."""

import importlib
import io
import pickle
from enum import Enum
from functools import cache
from typing import Any

from gradaudit.isolation.rows import Misfit, form
from gradaudit.judge.verdict import Verdict

#: how NumPy's numbers are pickled, in version 1 and 2
_NUMBERS = {("numpy._core.multiarray", "scalar"), ("numpy.core.multiarray", "scalar"), ("numpy", "dtype")}

#: A verdict that is written, what its case left behind, and how much memory it held, where that was too much.
Answer = tuple[bytes, tuple[str, ...], int | None]


def write(verdict: Verdict) -> bytes:
    """The verdict as bytes. Raises whatever pickling raises where user objects stand in it."""
    return pickle.dumps(form(Verdict).write(verdict))


def sealed(verdict: bytes, left: tuple[str, ...], held: int | None = None) -> bytes:
    """The answer of a worker, as bytes; ``held`` is in bytes too."""
    return pickle.dumps((verdict, left, held))


def opened(payload: bytes) -> Answer:
    """The inverse of ``sealed``. Raises pickle.UnpicklingError."""
    found: Answer = _read(payload, Answer)
    return found


def read(verdict: bytes) -> Verdict:
    """The inverse of ``write``.

    Raises pickle.UnpicklingError for anything but words, numbers and tuples of them, each where it belongs.
    """
    found: Verdict = _read(verdict, Verdict)
    return found


def _read(payload: bytes, kind: Any) -> Any:
    try:
        return form(kind).read(_Reader(io.BytesIO(payload)).load())
    except pickle.UnpicklingError:
        raise
    except Misfit as problem:
        raise pickle.UnpicklingError(str(problem)) from None
    except Exception as problem:  # nearly anything, where the bytes are not what pickle wrote
        raise pickle.UnpicklingError(f"{type(problem).__name__}: {problem}") from None


class _Reader(pickle.Unpickler):
    """Knows the words and numbers of a verdict, and no functions."""

    def find_class(self, module: str, name: str) -> Any:
        return _found(module, name)


@cache
def _found(module: str, name: str) -> Any:
    if (module, name) not in _NUMBERS and not module.startswith("gradaudit."):
        raise pickle.UnpicklingError(f"{module}.{name} has no place in a verdict")
    found = getattr(importlib.import_module(module), name)
    if (module, name) in _NUMBERS or (isinstance(found, type) and issubclass(found, Enum)):
        return found
    raise pickle.UnpicklingError(f"{module}.{name} has no place in a verdict")
