"""How this process's arithmetic rounds: the state of the processor's floating-point unit, as one piece."""

import contextlib
import ctypes
import sys
from collections.abc import Callable
from functools import partial

_SIZE = 256  #: bytes; fenv_t takes 32 of them on x86-64 and fewer elsewhere


def keeper_of() -> Callable[[], object]:
    """What puts the state back as it is now: rounding, what becomes of subnormal numbers, flags and traps.

    It does nothing where the system has no C library of mathematics under the name that Linux gives it.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            library, state = ctypes.CDLL("libm.so.6"), ctypes.create_string_buffer(_SIZE)
            library.fesetenv.argtypes = library.fegetenv.argtypes = (ctypes.c_void_p,)
            if library.fegetenv(state) == 0:
                return partial(library.fesetenv, state)
    return lambda: None
