"""The noise in nine equally spaced values: differences of rising order cancel what is smooth, and leave what is not.

Source: Moré and Wild, "Estimating computational noise", SIAM J. Sci. Comput. 33 (2011), as in their ECNoise.m without
its range test: σ_k² = γ_k·mean(Δᵏ²) with γ_k = (k!)²/(2k)!, at the first order k where three levels agree. Δᵏ is
blind to smooth behaviour up to degree k − 1, so the σ_k settle on the noise. Where none settle, the smallest of the
higher orders bounds it.
"""

from itertools import pairwise
from math import comb, sqrt

import numpy as np
from numpy.typing import NDArray

from gradaudit.perturb.samples import Array

VALUES = 9
#: Levels agree within this factor.
AGREE = 4
#: How many differences order k has, and C(2k, k).
COUNTS = [VALUES - order for order in range(1, VALUES - 1)]
CENTRAL = [comb(2 * order, order) for order in range(1, VALUES - 1)]
_COUNTS, _CENTRAL = np.array(COUNTS, dtype=float)[:, None], np.array(CENTRAL, dtype=float)[:, None]


def levels(values: Array) -> tuple[Array, NDArray[np.bool_]]:
    """The level of noise in each column of ``values`` (9, c), and whether the orders settled on it: (c,) each."""
    if values.shape[1] != 1:
        return _of_columns(values)
    level, settled = _of_one(values[:, 0].tolist())  # most functions, and NumPy takes four times as long
    return np.array([level]), np.array([settled])


def _of_one(values: list[float]) -> tuple[float, bool]:
    table, tables, level = values, [], []
    for count, central in zip(COUNTS, CENTRAL, strict=True):
        table = [after - before for before, after in pairwise(table)]
        tables.append(table)
        level.append(sqrt(_summed([difference * difference for difference in table]) / count / central))
        three = level[-3:]
        if len(three) == 3 and max(three) <= AGREE * min(three) and min(tables[-3]) < 0 < max(tables[-3]):
            return three[0], True  # mostly of a low order: the others need not be known
    return min(level[2:]), False


def _summed(numbers: list[float]) -> float:
    """The sum to the same bit on every Python: from 3.12 on ``sum`` compensates."""
    total = 0.0
    for number in numbers:
        total += number
    return total


def _of_columns(values: Array) -> tuple[Array, NDArray[np.bool_]]:
    tables = [values]
    for _ in COUNTS:
        tables.append(tables[-1][1:] - tables[-1][:-1])
    squares = [np.add.reduce(table * table, axis=0) for table in tables[1:]]
    level = np.sqrt(np.array(squares) / _COUNTS / _CENTRAL)
    result = level[2:].min(axis=0)
    settled: NDArray[np.bool_] = np.zeros(values.shape[1], dtype=bool)
    largest = np.maximum(np.maximum(level[:-2], level[1:-1]), level[2:])
    smallest = np.minimum(np.minimum(level[:-2], level[1:-1]), level[2:])
    agree = largest <= AGREE * smallest
    for k in agree.any(axis=1).nonzero()[0].tolist():
        table = tables[k + 1]
        here = ~settled & agree[k] & (table.min(axis=0) < 0) & (table.max(axis=0) > 0)
        result[here] = level[k, here]
        settled |= here
        if settled.all():
            break
    return result, settled
