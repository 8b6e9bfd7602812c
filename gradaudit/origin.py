"""The origin's numerical derivative: one h, every element of every variable shifted at once, two evaluations."""

import math
from collections.abc import Callable, Iterable, Sequence

from gradaudit.tape import Variable


def diff(f: Callable[..., object], variables: Variable | Sequence[Variable], h: float = 1e-4) -> Variable:
    """``(f(x + h) − f(x − h)) / 2h`` with h added to every element of every variable.

    ``f`` takes the variables in order and returns one Variable; it is evaluated exactly twice, first at x + h. The
    result has the shape of f(x) and carries no graph; ``backward`` is never called, the variables stay as they are.

    What it is depends on f. Where f works element by element on one variable (``sin``, ``x * x``), each element of
    the result is the derivative of that output by its own input, with an error of h²·f‴/6 and rounding of about
    1e-16·|f|/h. Everywhere else it is a *sum over a row* of the Jacobian: output i gets Σ_j ∂f_i/∂x_j over all
    elements of all variables (for ``mul(a, b)``, a + b), which says nothing about a single one:
    ``gradaudit.gradient`` and ``gradaudit.jacobian`` take them one by one, and tell their own error.

        >>> diff(F.square, Variable(2.0))
        Variable(4.000000000004)

    Raises ValueError where h is not positive and finite, TypeError where f does not return one Variable, or is to
    be given something else.
    """
    if not (math.isfinite(h) and h > 0):
        raise ValueError(f"diff: h = {h}, allowed a positive finite step, such as 1e-4")
    inputs = _variables(variables)
    above = _value(f, [Variable(x.data + h) for x in inputs])
    below = _value(f, [Variable(x.data - h) for x in inputs])
    return Variable((above.data - below.data) / (2 * h))


def _variables(given: object) -> list[Variable]:
    if isinstance(given, Variable) or not isinstance(given, Iterable):
        given = [given]
    variables = list(given)
    for one in variables:
        if not isinstance(one, Variable):
            raise TypeError(f"diff: a variable is {type(one).__name__}, allowed Variables; wrap it: Variable(...)")
    return variables


def _value(f: Callable[..., object], inputs: Sequence[Variable]) -> Variable:
    value = f(*inputs)
    if not isinstance(value, Variable):
        name = getattr(f, "__name__", "f")
        raise TypeError(f"diff: {name} returned {type(value).__name__}, allowed one Variable; wrap it: Variable(...)")
    return value
