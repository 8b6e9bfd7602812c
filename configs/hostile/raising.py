"""Functions that raise what no handler expects."""

import decimal
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from hostile.healthy import waves_gradient

Array = NDArray[np.float64]


def leaves(x: Array) -> NoReturn:
    """SystemExit, with a status that says that all is well."""
    raise SystemExit(0)


def interrupts(x: Array) -> NoReturn:
    """KeyboardInterrupt, though nobody pressed a key."""
    raise KeyboardInterrupt


def recurses(x: Array) -> float:
    """RecursionError."""
    return recurses(x)


def says_memory_is_out(x: Array) -> NoReturn:
    """MemoryError."""
    raise MemoryError


def generator_exit(x: Array) -> NoReturn:
    """GeneratorExit, which is no Exception."""
    raise GeneratorExit


def beyond_exception(x: Array) -> NoReturn:
    """A BaseException that ``except Exception`` does not catch."""

    class Beyond(BaseException):
        pass

    raise Beyond("caught by nobody")


def unpicklable(x: Array) -> NoReturn:
    """An exception that cannot be sent to another process."""

    class Local(Exception):
        def __reduce__(self) -> NoReturn:
            raise TypeError("not to be pickled")

    raise Local(lambda: 0)


def mute(x: Array) -> NoReturn:
    """An exception that raises when it is shown."""

    class Mute(Exception):
        def __str__(self) -> NoReturn:
            raise RuntimeError("no words")

        __repr__ = __str__

    raise Mute


def leaves_when_shown(x: Array) -> NoReturn:
    """An exception that ends the process when it is shown."""

    class Leaves(Exception):
        def __str__(self) -> NoReturn:
            raise SystemExit(0)

    raise Leaves


def disguised(x: Array) -> NoReturn:
    """An exception whose text is no plain string, and is not what it says."""

    class Text(str):
        def __reduce__(self) -> NoReturn:
            raise TypeError("not to be pickled")

        def strip(self, *_: Any) -> "Text":
            return self

        def splitlines(self, *_: Any) -> "list[str]":
            return [Text("one")]

    class Disguised(Exception):
        def __str__(self) -> str:
            return Text("a disguise")

    raise Disguised


def circular(x: Array) -> NoReturn:
    """Two exceptions that are each other's cause."""
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    raise first


def injecting(x: Array) -> NoReturn:
    """Text that would steer a terminal, a browser, a spreadsheet or a parser of XML."""
    raise ValueError("\x1b[2J\x1b]0;title\x07<script>alert(1)</script>]]>&=HYPERLINK(0)\u202e\x00\ud800::error::")


def leaves_gradient(x: Array) -> NoReturn:
    """SystemExit from a derivative."""
    raise SystemExit("from the gradient")


def only_beside_x(x: Array) -> float:
    """SystemExit at every point but the one that is asked first."""
    if x[0] != 0.5:
        raise SystemExit(1)
    return float(np.sin(x).sum())


def traps(x: Array) -> float:
    """Leaves decimal arithmetic that raises, then raises by it."""
    decimal.getcontext().traps[decimal.Inexact] = True
    decimal.getcontext().prec = 1
    return float(decimal.Decimal(1) / 3) + float(waves_gradient(x)[0])
