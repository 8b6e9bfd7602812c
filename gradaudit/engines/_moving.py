"""Which positional inputs an engine that differentiates by itself moves, and how a call of its products is cut up."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradaudit.plan.precision import is_floating

#: dtypes of other libraries' arrays that have a derivative
FOREIGN = ("bfloat16", "float16", "float32", "float64", "complex64", "complex128")


@dataclass(frozen=True)
class Moving:
    """Floating arrays move, but for the ``constants``: positions of inputs with ``differentiate: false``."""

    constants: frozenset[int]

    def positions(self, inputs: Sequence[object]) -> tuple[int, ...]:
        """The positions of the inputs that are differentiated."""
        return tuple(i for i, x in enumerate(inputs) if _is_floating(x) and i not in self.constants)

    def parts(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """The inputs that are differentiated."""
        return tuple(inputs[i] for i in self.positions(inputs))

    def replaced(self, inputs: Sequence[object], parts: Sequence[object]) -> list[object]:
        """All inputs, with ``parts`` for those that are differentiated."""
        values = list(inputs)
        for i, part in zip(self.positions(inputs), parts, strict=True):
            values[i] = part
        return values

    def split(self, values: Sequence[object]) -> tuple[Sequence[object], Sequence[object]]:
        """The values of a call ``(*inputs, *tangents)`` as inputs and tangents, one for each that is differentiated."""
        for count in range(1, len(values) + 1):
            if count + len(self.positions(values[:count])) == len(values):
                return values[:count], values[count:]
        raise TypeError(f"{len(values)} values are no inputs with a tangent for each that is differentiated")


def is_foreign_floating(value: object) -> bool:
    """Whether this is a floating array of another library that NumPy can hold: of JAX, or a tensor."""
    if isinstance(value, np.ndarray | np.generic) or not hasattr(value, "__array__"):
        return False
    name = str(getattr(value, "dtype", "")).rpartition(".")[2]
    return name in FOREIGN and not (name == "bfloat16" and hasattr(value, "detach"))  # a tensor of it NumPy refuses


def _is_floating(x: object) -> bool:
    return is_floating(x.dtype) if isinstance(x, np.ndarray) else is_foreign_floating(x)
