"""The error of every element of an input, small enough to store: what a heat map shows.

Where an input has more elements than a map has cells, a cell holds the worst of a block: a single wrong element of a
million stays visible.
"""

from collections.abc import Iterator
from math import isqrt, prod

import numpy as np

from gradaudit.judge.evidence import Evidence
from gradaudit.judge.verdict import Heat
from gradaudit.perturb.samples import Array

#: The most cells of one map.
CELLS = 1024


def heat_maps(evidence: Evidence) -> Iterator[Heat]:
    """One map for each input with elements; none along random directions, which belong to all of them."""
    worst = np.full(evidence.inputs.size, np.nan)
    np.fmax.at(worst, evidence.places, evidence.ratio.max(axis=1))
    start = 0
    for name, shape in evidence.inputs.parts:
        size = prod(shape)
        if shape and size > 1:
            yield _heat(worst[start : start + size], check=evidence.check, name=name, shape=shape)
        start += size


def _heat(errors: Array, *, check: str, name: str, shape: tuple[int, ...]) -> Heat:
    rows, columns = errors.size // shape[-1], shape[-1]
    block = _block(rows, columns)
    cells = _pooled(errors.reshape(rows, columns), block)
    rounded = tuple(float(f"{value:.2g}") for value in cells.ravel())
    return Heat(check, name, shape, columns=cells.shape[1], block=block, errors=rounded)


def _block(rows: int, columns: int) -> tuple[int, int]:
    """How many rows and columns go into one cell, so that there are at most CELLS of them."""
    side = isqrt(CELLS)
    if rows * columns <= CELLS:
        return 1, 1
    tall = min(rows, max(side, CELLS // columns))  # a long row may have what few rows leave
    wide = CELLS // tall
    return -(-rows // tall), -(-columns // wide)


def _pooled(errors: Array, block: tuple[int, int]) -> Array:
    """The largest of each block, NaN where none of it was checked."""
    if block == (1, 1):
        return errors
    padding = [(0, -size % step) for size, step in zip(errors.shape, block, strict=True)]
    padded = np.pad(errors, padding, constant_values=np.nan)
    tall, wide = (size // step for size, step in zip(padded.shape, block, strict=True))
    blocks = padded.reshape(tall, block[0], wide, block[1])
    return np.fmax.reduce(np.fmax.reduce(blocks, axis=3), axis=1)
