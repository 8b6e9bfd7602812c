"""The nouns of the judge of single elements: a claim, what is ruled about it, and the reasons that a ruling may give.

Arrays are (D, R): D directions × R readouts, as in ``perturb``. The acceptance formula stands in ``Tolerance``. First
rulings on two and four evaluations are made in ``quick``, the full decision in ``table``.
"""

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.perturb.samples import Array, Samples

#: A bar counts this many times before a claim outside it fails.
FAIL_FACTOR = 3.0

#: From one step to one an eighth as large the slope of a smooth function falls by less: by 8⁴ for x⁵ at its flat place.
STEEPER = 2.0**12

#: An element is not asked to be right relative to less than this fraction of the largest sensitivity of the readout.
#: Passes by it are counted apart.
LARGEST_FLOOR = 1e-3

Mask = NDArray[np.bool_]


class Outcome:
    """How one element ended. No enumeration: NumPy takes four microseconds to see that a member of one is a number."""

    PASS: Final = 0
    FAIL: Final = 1
    INCONCLUSIVE: Final = 2


@dataclass(frozen=True)
class Claim:
    """The analytic side, and what it may be off by."""

    analytic: Array  #: (D, R)
    largest: Array  #: (D, R) largest sensitivity of the readout, max_j |g_j|·s_j, over this element's s_i
    natural: Array  #: (D,) natural scale of x along each direction
    quiet: Array  #: (R,) noise of the readout with every output taking part; of entries of a matrix, (D, 1)
    magnitude: Array  #: (R,) |f(x)| as the readout sees it; likewise
    rtol: float
    resolution: float
    atol: float
    rounding: float  #: error of the claim's own arithmetic, relative to the local slope of f
    accept_kinks: bool = False

    @cached_property
    def size(self) -> Array:
        """(D, R) |analytic|; NaN where that is not finite: rtol of an infinite claim would allow every error."""
        return np.where(np.isfinite(self.analytic), np.abs(self.analytic), np.nan)

    def missable(self, scale: Array) -> Array:
        """(D, R) the largest error that a pass may have missed, of elements of this ``scale``.

        Who accepts an absolute error accepts a bar of that size, too, however small the element is.
        """
        relative = self.resolution * scale
        return self.atol + np.fmax(relative, self.atol) if self.atol else relative

    def take(self, which: NDArray[np.intp]) -> "Claim":
        """The claim for some directions."""
        taken = {name: getattr(self, name)[which] for name in ("analytic", "largest", "natural")}
        if self.quiet.ndim > 1:
            taken |= {name: getattr(self, name)[which] for name in ("quiet", "magnitude")}
        return replace(self, **taken)


@dataclass(frozen=True)
class Rulings:
    """What is known of each element: (D, R) arrays."""

    outcome: NDArray[np.int8]
    reason: NDArray[np.int8]  #: index into ``REASONS``; of a pass, KINK where it is one by ``kinks: accept`` only
    numeric: Array
    bar: Array
    allowed: Array
    scale: Array
    h: Array
    floored: Mask  #: passed relative to the local slope or the largest sensitivity only
    forward: Array  #: one-sided limits, NaN where not computed
    backward: Array
    integrated: Mask  #: decided by line integrals of the claim, where differences at x could not

    @property
    def decided(self) -> Mask:
        """Elements that have passed: they need no further evaluation."""
        return np.asarray(self.outcome == Outcome.PASS)

    @property
    def all_decided(self) -> bool:
        """All elements have passed."""
        return not np.count_nonzero(self.outcome)  # several times as quick for few: PASS is 0

    def put(self, which: NDArray[np.intp], rulings: "Rulings") -> None:
        """Record rulings on some directions; what has passed already stays passed."""
        kept = self.decided[which]
        any_kept = kept.any()
        for name in _NAMES:
            mine, new = getattr(self, name), getattr(rulings, name)
            mine[which] = np.where(kept, mine[which], new) if any_kept else new

    def copied(self) -> "Rulings":
        """The same, to be written to: what a level of the judge gives may share memory with its samples."""
        return Rulings(*[getattr(self, name).copy() for name in _NAMES])

    @classmethod
    def undecided(cls, directions: int, readouts: int) -> "Rulings":
        """Nothing known yet."""

        def full(value: float) -> Array:
            return np.full((directions, readouts), value)

        outcome = np.full((directions, readouts), Outcome.INCONCLUSIVE, dtype=np.int8)
        return cls(
            outcome, np.zeros_like(outcome), full(np.nan), full(np.inf), full(np.inf), full(np.nan), full(np.nan),
            np.zeros(outcome.shape, dtype=bool), full(np.nan), full(np.nan), np.zeros(outcome.shape, dtype=bool),
        )  # fmt: skip


_NAMES = tuple(field.name for field in fields(Rulings))

#: Why an element did not pass; the first entry is "nothing to say".
REASONS: tuple[Diagnosis | None, ...] = (
    None,
    Diagnosis.STEPS,
    Diagnosis.NOISE,
    Diagnosis.PRECISION,
    Diagnosis.SCALE,
    Diagnosis.UNSEEN,
    Diagnosis.STILL,
    Diagnosis.KINK,
    Diagnosis.DOMAIN,
    Diagnosis.SINGULAR,
    Diagnosis.NOT_FINITE,
    Diagnosis.WRONG,
)

_CODES = {diagnosis: code for code, diagnosis in enumerate(REASONS)}


def reason(diagnosis: Diagnosis | None) -> int:
    """The code of a reason."""
    return _CODES[diagnosis]


def slope_of(samples: Samples, claim: Claim) -> Array:
    """(D, R) the local slope of f: the largest one-sided slope at the two coarsest steps inside the natural scale of x.

    Further out f may be a million times steeper, as exp(−1/x) is, which says nothing about x; and so may it be at the
    coarser of the two, which a pole is just as well inside of.
    """
    with np.errstate(invalid="ignore"):
        step = np.fmax(samples.ahead, samples.behind)
        outside = (step > claim.natural)[:-2].sum(axis=0) if len(step) > 2 else np.zeros(step.shape[1], dtype=int)
    slopes = np.fmax(np.abs(samples.forward), np.abs(samples.backward))
    rows = np.minimum(outside + np.arange(2)[:, None], len(step) - 1)
    coarse, fine = np.take_along_axis(slopes, rows[..., None], axis=0)
    with np.errstate(invalid="ignore", over="ignore"):
        coarse = np.where(fine > 0, np.fmin(coarse, STEEPER * fine), coarse)
    return np.nan_to_num(np.fmax(coarse, fine))
