"""Whether compiling a function over JAX pays, by the operations that it consists of.

Called without being compiled, each operation costs some microseconds, since JAX keeps what it compiles single ones to;
loops and branches alone are compiled anew at every call. A clock would decide one way today and the other tomorrow,
and what is compiled has other last digits: the same case must give the same verdict.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

CALL = 2e-5  #: s that an operation takes by itself, on arrays of a few numbers
CUSTOM = 2.5e-4  #: s to call a function with a derivative of its own, which is traced each time
NUMBER = 2e-9  #: s for each number that an operation makes, and that a compiled function would not write to memory
COMPILING, COMPILING_ONE = 0.03, 0.001  #: s that it takes to compile a function, and each operation in it

#: Operations of operations that are carried out one by one too, and what each takes beside.
_INLINE = {"custom_jvp_call": CUSTOM, "custom_vjp_call": CUSTOM, "checkpoint": CALL, "remat": CALL, "remat2": CALL}
_COMPILED = ("jit", "pjit")  #: kept by JAX, as a single operation is


def pays(function: Callable[..., Any], parts: Sequence[Any], *, evaluations: int) -> bool:
    """Whether to compile ``function`` for so many ``evaluations``, rather than carry out its operations one by one.

    Raises whatever it raises where it looks at the values of its inputs.
    """
    import jax

    each = list(_seconds(jax.make_jaxpr(function)(*parts).jaxpr))
    return evaluations * sum(each) > COMPILING + COMPILING_ONE * len(each)


def _seconds(jaxpr: Any) -> Iterator[float]:
    """What each operation takes; one that would be compiled anew takes too long."""
    for equation in jaxpr.eqns:
        inner = list(_inside(equation))
        if inner and equation.primitive.name in _INLINE:
            yield _INLINE[equation.primitive.name]
            for part in inner:
                yield from _seconds(part)
        elif inner and equation.primitive.name not in _COMPILED:
            yield math.inf
        else:
            yield CALL + NUMBER * sum(math.prod(getattr(made.aval, "shape", ())) for made in equation.outvars)


def _inside(equation: Any) -> Iterator[Any]:
    """The jaxprs that an operation carries out."""
    for value in equation.params.values():
        for one in value if isinstance(value, tuple | list) else (value,):
            found = getattr(one, "jaxpr", one)
            if hasattr(found, "eqns"):
                yield found
