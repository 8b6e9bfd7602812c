"""Quantised values among differences: what goes in steps moves at one step of x, and stands still at another."""

import numpy as np

from gradaudit.perturb.noise import quantum
from gradaudit.perturb.samples import Array, Samples

#: At most this many values are searched for a quantum.
QUANTUM_VALUES = 512
#: A change that is repeated is of several quanta at most where another is smaller; by more, it is none of them.
WHOLE = 2.0


def quantum_of(samples: Samples, readout: int, *, size: float) -> float:
    """The quantum of the changes seen of what is as large as ``size``, or 0: what is quantised moves at one step and
    stands still at another.

    Only directions that do both count: the values of |x| at steps that are powers of two have a common divisor too.
    """
    rise, fall = samples.rise[..., readout], samples.fall[..., readout]
    moves = ((np.abs(rise) > 0) | (np.abs(fall) > 0)).any(axis=0)
    stops = ((rise == 0) | (fall == 0)).any(axis=0)
    if not (moves & stops).any():
        return 0.0
    rise, fall = rise[:, moves & stops], fall[:, moves & stops]
    values = np.concatenate([rise.ravel(), -fall.ravel(), [0.0]])
    return common_step(values, size=size) or max(_repeated(rise), _repeated(fall))


def common_step(changes: Array, *, size: float) -> float:
    """The quantum of changes (k,) of what is as large as ``size``, or of some of them where they are many; or 0."""
    return quantum(changes[:: max(1, changes.size // QUANTUM_VALUES)], size=size)


def goes_in_steps(samples: Samples, readout: int, step: float) -> bool:
    """Whether changes are the same at two steps of x, or other multiples of ``step`` than powers of two: neither are
    those of x², where steps of x halve."""
    multiples = np.rint(_sizes(samples, readout) / step)
    uneven = (multiples > 1) & (multiples % 2 == 1)
    return bool(uneven.any() or _repeated(samples.rise[..., readout]) or _repeated(samples.fall[..., readout]))


def typical_change(samples: Samples, readout: int) -> float:
    """The median of the changes that are any; the largest may be that of a pole."""
    sizes = _sizes(samples, readout)
    moved = sizes[sizes > 0]
    return float(np.median(moved)) if moved.size else 0.0


def _sizes(samples: Samples, readout: int) -> Array:
    """(k,) of all changes that are finite."""
    changes = np.abs(np.concatenate([samples.rise[..., readout], samples.fall[..., readout]]))
    return np.asarray(changes[np.isfinite(changes)])


def _repeated(change: Array) -> float:
    """The smallest change (K, D) that two steps along one direction share to the last bit, or 0.

    Where f saturates, the largest steps share one too: but others there are smaller, which no quantum has.
    """
    size = np.sort(np.where(change == 0, np.nan, np.abs(change)), axis=0)
    twice = np.fmin.reduce(np.where(size[1:] == size[:-1], size[1:], np.nan), axis=0, initial=np.inf)
    twice = twice[twice <= WHOLE * np.fmin.reduce(size, axis=0, initial=np.inf)]
    step = float(twice.min(initial=np.inf))
    return step if np.isfinite(step) else 0.0
