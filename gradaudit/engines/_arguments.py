"""The positional inputs of a function, with all differentiated coordinates as one flat float64 vector."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gradaudit.perturb.axis import Axis

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Arguments:
    """Inputs in calling order; ``differentiated`` holds the positions that take part in the flat vector.

    A differentiated input is a real floating array of any shape. float32 and float16 coordinates stand in the flat
    vector exactly, as float64, so that one vector serves inputs of different precision.
    """

    inputs: tuple[object, ...]
    names: tuple[str, ...]
    differentiated: tuple[int, ...]

    @classmethod
    def of(
        cls, inputs: Sequence[object], *, names: Sequence[str] = (), differentiated: Sequence[int] | None = None
    ) -> "Arguments":
        """Arguments over copies of ``inputs``; floating arrays and floats are differentiated unless told otherwise."""
        values = tuple(_owned(value) for value in inputs)
        if differentiated is None:
            differentiated = [i for i, value in enumerate(values) if _is_floating(value)]
        names = tuple(names) or _default_names(len(values))
        return cls(values, names, tuple(differentiated))

    def beside(self, held: Mapping[str, object], *, differentiated: bool) -> "Arguments":
        """These arguments and, after them, what a function holds."""
        positions = range(len(self.inputs), len(self.inputs) + len(held)) if differentiated else ()
        return Arguments(
            self.inputs + tuple(held.values()), self.names + tuple(held), self.differentiated + tuple(positions)
        )

    @cached_property
    def arrays(self) -> tuple[NDArray[np.floating], ...]:
        """The differentiated inputs only."""
        return tuple(np.asarray(self.inputs[i]) for i in self.differentiated)

    @cached_property
    def offsets(self) -> tuple[int, ...]:
        """Start of each differentiated input in the flat vector, and the end of the last."""
        return (0, *np.cumsum([array.size for array in self.arrays]).tolist())

    @property
    def size(self) -> int:
        """Number of differentiated coordinates n."""
        return self.offsets[-1]

    @cached_property
    def x(self) -> Array:
        """The point, flat: float64[n]."""
        if len(self.arrays) == 1:  # our own copy already: a million coordinates need no second one
            return np.asarray(self.arrays[0], dtype=np.float64).ravel()
        return self.flatten(self.arrays)

    @cached_property
    def epsilon(self) -> Array:
        """Spacing of each coordinate's own dtype at 1: float64[n]."""
        parts = [np.broadcast_to(float(np.finfo(array.dtype).eps), array.size) for array in self.arrays]
        return parts[0] if len(parts) == 1 else (np.concatenate(parts) if parts else np.empty(0))

    def flatten(self, arrays: Sequence[object]) -> Array:
        """One array per differentiated input, as one flat float64 vector, which shares memory with none."""
        parts = [np.asarray(array, dtype=np.float64).ravel() for array in arrays]
        return np.concatenate(parts) if parts else np.empty(0)

    def split(self, flat: Array) -> tuple[NDArray[np.floating], ...]:
        """The inverse of ``flatten``: new arrays with each input's shape and dtype."""
        return tuple(part.astype(array.dtype) for part, array in zip(self.shaped(flat), self.arrays, strict=True))

    def stacked(self, rows: Array) -> tuple[NDArray[np.floating], ...]:
        """Many flat points (k, n) at once: arrays (k, *shape) with each input's dtype, not to be written to."""
        return tuple(
            rows[:, start:stop].reshape(len(rows), *array.shape).astype(array.dtype, copy=False)
            for array, start, stop in zip(self.arrays, self.offsets, self.offsets[1:], strict=False)
        )

    def shaped(self, flat: Array) -> tuple[Array, ...]:
        """A flat vector as float64 arrays of the inputs' shapes: numeric results keep all their digits."""
        return tuple(
            flat[start:stop].reshape(array.shape)
            for array, start, stop in zip(self.arrays, self.offsets, self.offsets[1:], strict=False)
        )

    def at(self, flat: Array) -> tuple[object, ...]:
        """All positional inputs for a call at ``flat``; every array is a copy that the callee may spoil."""
        values = [_owned(value) for value in self.inputs]
        for position, array in zip(self.differentiated, self.split(flat), strict=True):
            values[position] = array
        return tuple(values)

    def round(self, flat: Array) -> Array:
        """``flat`` (…, n) as it arrives at the function: rounded to each coordinate's dtype."""
        if all(array.dtype == np.float64 for array in self.arrays):
            return flat
        rounded = flat.copy()
        for array, start, stop in zip(self.arrays, self.offsets, self.offsets[1:], strict=False):
            rounded[..., start:stop] = flat[..., start:stop].astype(array.dtype)
        return rounded

    @property
    def axis(self) -> Axis:
        """How messages name the flat coordinates."""
        names = [self.names[i] for i in self.differentiated]
        return Axis(tuple((name, array.shape) for name, array in zip(names, self.arrays, strict=True)))


def _owned(value: object) -> object:
    return value.copy() if isinstance(value, np.ndarray) else value


def _is_floating(value: object) -> bool:
    return isinstance(value, float) or (isinstance(value, np.ndarray | np.generic) and value.dtype.kind == "f")


def _default_names(count: int) -> tuple[str, ...]:
    return ("x",) if count == 1 else tuple(f"x{i}" for i in range(count))
