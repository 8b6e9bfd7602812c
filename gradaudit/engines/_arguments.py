"""The positional inputs of a function, with all differentiated coordinates as one flat float64 vector."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from gradaudit.perturb.axis import Axis
from gradaudit.perturb.steps import everywhere
from gradaudit.plan.precision import epsilon_of, is_floating

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Arguments:
    """Inputs in calling order; ``differentiated`` holds the positions that take part in the flat vector.

    A differentiated input is a floating array of any shape. Narrower coordinates stand in the flat vector exactly, as
    float64, so that one vector serves inputs of different precision. A complex input has twice as many coordinates:
    its real parts, then its imaginary parts; the gradient of a real function by it is ∂f/∂re + i·∂f/∂im.
    """

    inputs: tuple[object, ...]
    names: tuple[str, ...]
    differentiated: tuple[int, ...]

    @classmethod
    def of(
        cls, inputs: Sequence[object], *, names: Sequence[str] = (), differentiated: Sequence[int] | None = None
    ) -> "Arguments":
        """Arguments over copies of ``inputs``; floating arrays and floats are differentiated unless told otherwise.

        Of arrays from another machine, big-endian ones, the copies have this one's byte order.
        """
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
    def arrays(self) -> tuple[NDArray[np.inexact], ...]:
        """The differentiated inputs only."""
        return tuple(np.asarray(self.inputs[i]) for i in self.differentiated)

    @cached_property
    def offsets(self) -> tuple[int, ...]:
        """Start of each differentiated input in the flat vector, and the end of the last."""
        return (0, *accumulate(self.sizes))

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """How many coordinates each differentiated input has."""
        return tuple(array.size * (2 if _is_complex(array) else 1) for array in self.arrays)

    @cached_property
    def _cuts(self) -> tuple[tuple[NDArray[np.inexact], int, int], ...]:
        """Each differentiated input with its start and end in the flat vector."""
        return tuple(zip(self.arrays, self.offsets, self.offsets[1:], strict=False))

    @cached_property
    def _only(self) -> NDArray[np.inexact] | None:
        """The one input, where that is all and real."""
        alone = len(self.inputs) == len(self.arrays) == 1 and not _is_complex(self.arrays[0])
        return self.arrays[0] if alone else None

    @property
    def size(self) -> int:
        """Number of differentiated coordinates n."""
        return self.offsets[-1]

    @cached_property
    def x(self) -> Array:
        """The point, flat: float64[n]."""
        if len(self.arrays) == 1 and not _is_complex(self.arrays[0]):
            # our own copy already: a million coordinates need no second one
            return np.asarray(self.arrays[0], dtype=np.float64).ravel()
        return self.flatten(self.arrays)

    @cached_property
    def epsilon(self) -> Array:
        """Spacing of each coordinate's own dtype at 1: float64[n]."""
        parts = [everywhere(epsilon_of(array.dtype), size) for array, size in zip(self.arrays, self.sizes, strict=True)]
        return parts[0] if len(parts) == 1 else (np.concatenate(parts) if parts else np.empty(0))

    def flatten(self, arrays: Sequence[object]) -> Array:
        """One array per differentiated input, as one flat float64 vector, which shares memory with none."""
        parts = [_coordinates(array, like) for array, like in zip(arrays, self.arrays, strict=True)]
        return np.concatenate(parts) if parts else np.empty(0)

    def split(self, flat: Array) -> tuple[NDArray[np.inexact], ...]:
        """The inverse of ``flatten``: new arrays with each input's shape and dtype."""
        return tuple([_part(flat[start:stop], like).astype(like.dtype) for like, start, stop in self._cuts])

    def stacked(self, rows: Array) -> tuple[NDArray[np.inexact], ...]:
        """Many flat points (k, n) at once: arrays (k, *shape) with each input's dtype, not to be written to."""
        return tuple(
            _shaped(rows[:, start:stop], array).astype(array.dtype, copy=False) for array, start, stop in self._cuts
        )

    def shaped(self, flat: Array) -> tuple[NDArray[np.inexact], ...]:
        """A flat vector as double-precision arrays of the inputs' shapes: numeric results keep all their digits."""
        return tuple([_part(flat[start:stop], array) for array, start, stop in self._cuts])

    def at(self, flat: Array) -> tuple[object, ...]:
        """All positional inputs for a call at ``flat``; every array is a copy that the callee may spoil."""
        only = self._only
        if only is not None:  # most functions, at every evaluation
            return (flat.reshape(only.shape).astype(only.dtype),)
        parts = self.split(flat)
        if len(parts) == len(self.inputs):
            return parts
        values = dict(zip(self.differentiated, parts, strict=True))
        return tuple(values[i] if i in values else _owned(value) for i, value in enumerate(self.inputs))

    def round(self, flat: Array) -> Array:
        """``flat`` (…, n) as it arrives at the function: rounded to each coordinate's dtype."""
        if all(array.dtype in (np.float64, np.complex128) for array in self.arrays):
            return flat
        rounded = flat.copy()
        for array, start, stop in self._cuts:
            rounded[..., start:stop] = flat[..., start:stop].astype(array.real.dtype)
        return rounded

    @property
    def axis(self) -> Axis:
        """How messages name the flat coordinates."""
        parts: list[tuple[str, tuple[int, ...]]] = []
        for position, array in zip(self.differentiated, self.arrays, strict=True):
            suffixes = (".re", ".im") if _is_complex(array) else ("",)
            parts += [(self.names[position] + suffix, array.shape) for suffix in suffixes]
        return Axis(tuple(parts))


def _owned(value: object) -> object:
    """An array's copy in the machine's own byte order, for compilers and frameworks take no other; else the value."""
    if not isinstance(value, np.ndarray):
        return value
    return value.copy() if value.dtype.isnative else value.astype(value.dtype.newbyteorder("="))


def _is_floating(value: object) -> bool:
    if isinstance(value, np.ndarray | np.generic):
        return is_floating(value.dtype)
    return isinstance(value, float | complex)


def _is_complex(array: NDArray[np.inexact]) -> bool:
    return array.dtype.kind == "c"


def _coordinates(value: object, like: NDArray[np.inexact]) -> Array:
    if not _is_complex(like):
        return np.asarray(value, dtype=np.float64).ravel()
    whole = np.asarray(value, dtype=np.complex128).ravel()
    return np.concatenate([whole.real, whole.imag])


def _shaped(rows: Array, like: NDArray[np.inexact]) -> NDArray[np.inexact]:
    """Coordinates (k, size) as an array (k, *shape)."""
    if not _is_complex(like):
        return rows.reshape(len(rows), *like.shape)
    parts = rows.reshape(len(rows), 2, *like.shape)
    return np.asarray(parts[:, 0] + 1j * parts[:, 1])


def _part(flat: Array, like: NDArray[np.inexact]) -> NDArray[np.inexact]:
    """Coordinates (size,) as an array of the shape that ``like`` has, which may be that of no axes."""
    return _shaped(flat[None], like).reshape(like.shape) if _is_complex(like) else flat.reshape(like.shape)


def _default_names(count: int) -> tuple[str, ...]:
    return ("x",) if count == 1 else tuple(f"x{i}" for i in range(count))
