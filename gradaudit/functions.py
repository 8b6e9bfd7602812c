"""The functions of ``gradaudit.ops`` over Variables: ``F.sin(x)``, or ``F.Sin(x)`` as the origin writes it.

There is no list here: whatever stands in ``gradaudit.ops`` beside its vjp is found by name. The origin's names differ
by their capitals only (``F.MatMul``, ``F.MeanSquaredError``), but for the few in ``_ORIGIN``. Constants may stand on
either side, so that ``F.AddC(c, x)`` is ``F.add(c, x)``.
"""

import difflib
from collections.abc import Sequence
from typing import Any

from gradaudit import ops
from gradaudit.tape import Primitive, Variable, lift

_ORIGIN = {
    "addc": "add",
    "subc": "sub",
    "mulc": "mul",
    "divc": "div",
    "softmaxcrossentropy": "cross_entropy",
}


def concat(*variables: Any, axis: int = 0) -> Variable:
    """Join any number of Variables and arrays along ``axis``; they may also come as one list.

    Raises ValueError where there is none, or where shapes differ outside of ``axis``.
    """
    parts = list(variables[0]) if len(variables) == 1 and isinstance(variables[0], Sequence) else list(variables)
    if not parts:
        raise ValueError("concat: nothing to join; allowed: one or more variables")
    join = lift("concat")
    while len(parts) > 1:  # by halves: joining one after the other would copy n parts n times
        odd = parts[len(parts) // 2 * 2 :]
        parts = [join(left, right, axis) for left, right in zip(parts[::2], parts[1::2], strict=False)] + odd
    joined: Variable = parts[0]
    return joined


Concat = concat


def __getattr__(name: str) -> Primitive:
    found = _spelled(name)
    if found is None:
        close = difflib.get_close_matches(name.lower(), __dir__(), n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise AttributeError(f"module {__name__!r} has no function {name!r}{hint}")
    primitive = lift(found)
    globals()[name] = primitive  # found at once from now on
    return primitive


def __dir__() -> list[str]:
    return sorted(name for name in vars(ops) if f"{name}_vjp" in vars(ops))


def _spelled(name: str) -> str | None:
    """The op that is called ``name``, here or by the origin."""
    names = __dir__()
    if name in names:
        return name
    if not name[:1].isupper():
        return None
    folded = name.lower()
    plain = {op.replace("_", ""): op for op in names}
    found = plain.get(folded) or _ORIGIN.get(folded)
    return found if found in names else None
