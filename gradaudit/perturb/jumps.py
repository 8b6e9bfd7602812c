"""Jumps of f along a line: where a solver takes one iteration more, a table its next entry, a branch its other side.

Between its jumps such a function is smooth, and its derivative is not that of what it approximates: no step is small
enough, or large enough, to show it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gradaudit.perturb.samples import Array, Samples

#: Points on either side of x.
GRID = 24
#: A fourth difference this many times the median one is no smooth function's.
OUTLIER = 30.0
#: Halvings of the interval around a jump: a kink there has shrunk a thousandfold by then.
HALVINGS = 12


@dataclass(frozen=True)
class Jump:
    """A discontinuity near x."""

    size: float  #: how much f changes there
    distance: float  #: from x


def nearest_jump(sample: Callable[[Array], Samples], reach: float, *, readout: int) -> Jump | None:
    """The jump nearest to x within ``reach`` along one direction, or None where there is none to be seen.

    ``sample`` takes steps (K, 1), as a Probe does along one direction.
    """

    def values(h: Array) -> Array:
        """f − f(x) at signed steps h (K,)."""
        samples = sample(np.abs(h)[:, None])
        return np.where(h > 0, samples.rise[:, 0, readout], -samples.fall[:, 0, readout])

    steps = reach * np.arange(1, GRID + 1) / GRID
    samples = sample(steps[:, None])
    line = np.concatenate([-samples.fall[::-1, 0, readout], [0.0], samples.rise[:, 0, readout]])
    place = np.concatenate([-steps[::-1], [0.0], steps])
    interval = _nearest_outlier(line)
    return None if interval is None else _closed_in(values, place, line, interval)


def _nearest_outlier(line: Array) -> int | None:
    """The interval (k, k + 1) across which no smooth curve goes, as near to the middle of ``line`` as there is one.

    A jump by J between points k and k + 1 shows in the fourth differences from k − 3 on as J·(1, −3, 3, −1).
    """
    bend = np.diff(line, 4)
    if not np.isfinite(bend).all():
        return None
    high = np.flatnonzero(np.abs(bend) > OUTLIER * np.median(np.abs(bend)))
    if not high.size:
        return None
    first = int(high[np.argmin(np.abs(high + 2 - line.size // 2))])
    start = max(first - 2, 0)
    swing = np.abs(np.diff(bend[start : first + 4]))
    k = start + int(np.argmax(swing)) + 2
    return k if 1 <= k < line.size - 2 else None


def _closed_in(values: Callable[[Array], Array], place: Array, line: Array, k: int) -> Jump | None:
    """Halve the interval again and again; None where what is left over shrinks with it, as at a kink."""
    unexplained = _beside(place, line, k)
    a, b, fa, fb = float(place[k]), float(place[k + 1]), float(line[k]), float(line[k + 1])
    first = unexplained(a, b, fb - fa)
    for _ in range(HALVINGS):
        middle = (a + b) / 2
        fm = float(values(np.array([middle]))[0])
        if unexplained(a, middle, fm - fa) >= unexplained(middle, b, fb - fm):
            b, fb = middle, fm
        else:
            a, fa = middle, fm
    size = unexplained(a, b, fb - fa)
    return Jump(size, min(abs(a), abs(b))) if size >= first / 2 else None


def _beside(place: Array, line: Array, k: int) -> Callable[[float, float, float], float]:
    """How far a change over (a, b) inside interval k is from that of the parabola through the intervals beside it."""
    slopes = np.diff(line) / np.diff(place)
    centres = (place[1:] + place[:-1]) / 2
    bend = float((slopes[k + 1] - slopes[k - 1]) / (centres[k + 1] - centres[k - 1]))
    slope, centre = float((slopes[k + 1] + slopes[k - 1]) / 2), float(centres[k])

    def unexplained(a: float, b: float, change: float) -> float:
        return abs(change - (slope + bend * ((a + b) / 2 - centre)) * (b - a))

    return unexplained
