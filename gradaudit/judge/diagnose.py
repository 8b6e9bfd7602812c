"""From the elements that failed to a diagnosis: each pattern is named only where the numbers show it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import pi, prod

import numpy as np
from numpy.typing import NDArray

from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.element import FAIL_FACTOR, Outcome
from gradaudit.judge.evidence import Evidence
from gradaudit.perturb.samples import Array

Finding = tuple[Diagnosis, str]

#: Ratios and differences count as constant where they vary by less than this.
CONSTANT = 1e-3


@dataclass(frozen=True)
class Failure:
    """The failing elements of one comparison, and both sides of all."""

    evidence: Evidence
    failed: NDArray[np.bool_]  #: (D, R)
    analytic: Array  #: (D, R)
    numeric: Array
    slack: Array  #: (D, R) how far apart two equal numbers may be measured

    @classmethod
    def of(cls, evidence: Evidence) -> "Failure":
        """The failures in ``evidence``."""
        rulings = evidence.rulings
        slack = FAIL_FACTOR * rulings.bar + evidence.claim.rtol * np.abs(rulings.numeric)
        return cls(evidence, rulings.outcome == Outcome.FAIL, evidence.claim.analytic, rulings.numeric, slack)

    @property
    def count(self) -> int:
        """How many elements failed."""
        return int(self.failed.sum())

    @property
    def everywhere(self) -> bool:
        """Every element that has a derivative at all failed."""
        return bool(self.failed[np.abs(self.numeric) > self.slack].all())

    @property
    def rows(self) -> NDArray[np.intp]:
        """Directions with a failure."""
        return np.flatnonzero(self.failed.any(axis=1))


def diagnose(evidence: Evidence) -> Finding:
    """The most telling pattern in the failures of ``evidence``, with its evidence in a sentence."""
    failure = Failure.of(evidence)
    for pattern in PATTERNS:
        finding = pattern(failure)
        if finding is not None:
            return finding
    if failure.everywhere:
        return Diagnosis.WRONG, f"all {failure.count} elements with a derivative are off"
    return Diagnosis.SOME_ELEMENTS, f"{failure.count} of {failure.failed.size} elements are off"


def _not_finite(failure: Failure) -> Finding | None:
    hollow = failure.failed & ~np.isfinite(failure.analytic)
    if not hollow.any():
        return None
    return Diagnosis.NOT_FINITE, f"{int(hollow.sum())} of {hollow.size} claimed elements are NaN or Inf"


def _cotangent_ignored(failure: Failure) -> Finding | None:
    g = failure.analytic
    if failure.evidence.check != "vjp" or g.shape[1] < 2 or not g.any() or not (g[:, :1] == g).all():
        return None
    return Diagnosis.COTANGENT_IGNORED, "the claim is the same to the last bit for different cotangents"


def _tangent_ignored(failure: Failure) -> Finding | None:
    g = failure.analytic
    if failure.evidence.check not in ("jvp", "hvp") or len(g) < 2 or not g.any() or not (g[:1] == g).all():
        return None
    return Diagnosis.TANGENT_IGNORED, "the claim is the same to the last bit for different tangents"


def _zero(failure: Failure) -> Finding | None:
    if failure.analytic[failure.failed].any():
        return None
    if failure.everywhere:
        return Diagnosis.ZERO, "every claimed element is zero where f has a slope"
    inputs = _inputs_of(failure)
    if len(inputs) == 1 and _whole_input(failure, inputs[0]):
        return Diagnosis.ZERO, f"the claim is zero for the whole of {_name(failure, inputs[0])}"
    return None


def _constant_factor(failure: Failure) -> Finding | None:
    g, d = failure.analytic[failure.failed], failure.numeric[failure.failed]
    measurable = np.abs(d) > 10 * failure.slack[failure.failed]
    if not measurable.all() or (failure.count == 1 and failure.failed.size > 1):
        return None
    ratio = g / d
    factor = float(np.median(ratio))
    if factor == 0 or np.abs(ratio - factor).max() > CONSTANT * abs(factor):
        return None
    where = "everywhere" if failure.everywhere else f"in {failure.count} of {failure.failed.size} elements"
    if abs(factor + 1) < CONSTANT:
        return Diagnosis.WRONG_SIGN, f"analytic = −numeric {where}"
    if not failure.everywhere and failure.count < 3:
        return None
    return Diagnosis.CONSTANT_FACTOR, f"analytic = {factor:.6g} × numeric {where}{_looks_like(failure, factor)}"


def _one_element(failure: Failure) -> Finding | None:
    if len(failure.rows) != 1 or failure.failed.shape[0] == 1:
        return None
    if failure.evidence.outputs.size > failure.count > 1 and failure.evidence.check != "vjp":
        return None
    name = _input_label(failure, int(failure.rows[0]))
    which = "only" if len(failure.failed) > 1 else "the"
    return Diagnosis.ONE_ELEMENT, f"{which} {name} is off; the other {len(failure.failed) - 1} agree"


def _swapped(failure: Failure) -> Finding | None:
    rows = failure.rows
    if len(rows) != 2 or not _same_up_to_order(failure, rows):
        return None
    first, second = (_input_label(failure, int(row)) for row in rows)
    return Diagnosis.SWAPPED, f"{first} and {second} carry each other's value"


def _transposed(failure: Failure) -> Finding | None:
    for start, stop, name, shape in _checked_parts(failure):
        if len(shape) == 2 and min(shape) > 1:
            g, d, slack = (a[start:stop, 0].reshape(shape) for a in (failure.analytic, failure.numeric, failure.slack))
            flipped = g.T if shape[0] == shape[1] else g.ravel().reshape(shape[::-1]).T
            if not _agree(g, d, slack) and _agree(flipped, d, slack):
                return Diagnosis.TRANSPOSED, f"the claim for {name} is the transpose of the numeric derivative"
    g, d, slack = failure.analytic, failure.numeric, failure.slack
    square = failure.evidence.check == "jacobian" and g.shape[0] == g.shape[1] > 1
    if square and _agree(g.T, d, slack):
        return Diagnosis.TRANSPOSED, "the claimed Jacobian is the transpose of the numeric one"
    return None


def _permuted(failure: Failure) -> Finding | None:
    rows = failure.rows
    if len(rows) < 3 or not _same_up_to_order(failure, rows):
        return None
    g, d, slack = (a[rows] for a in (failure.analytic, failure.numeric, failure.slack))
    if _agree(g[::-1], d, slack):
        return Diagnosis.PERMUTED, f"{len(rows)} elements stand in reverse order"
    for shift in range(1, len(rows)):
        if _agree(np.roll(g, shift, axis=0), d, slack):
            return Diagnosis.PERMUTED, f"{len(rows)} elements are shifted by {min(shift, len(rows) - shift)}"
    return Diagnosis.PERMUTED, f"{len(rows)} elements carry each other's values"


def _missing_term(failure: Failure) -> Finding | None:
    failed = failure.failed[:, 0]
    if failed.sum() < 3 or failure.failed.shape[1] > 2:
        return None
    missing = (failure.numeric - failure.analytic)[failed, 0]
    x = failure.evidence.x[failed]
    if _is_constant(missing):
        return Diagnosis.MISSING_TERM, f"numeric − analytic is {np.median(missing):.6g} in all {len(missing)} elements"
    if (np.abs(x) > 0).all() and np.ptp(x) > 0 and _is_constant(missing / x):
        return Diagnosis.MISSING_TERM, f"numeric − analytic is {np.median(missing / x):.6g}·x in all elements"
    return None


def _row_or_column(failure: Failure) -> Finding | None:
    for start, stop, name, shape in _checked_parts(failure):
        rows = [int(row) - start for row in failure.rows]
        if len(shape) != 2 or min(shape) < 2 or not all(0 <= row < stop - start for row in rows):
            continue
        first, second = np.unravel_index(rows, shape)
        if len(set(first)) == 1:
            return Diagnosis.ONE_ROW, f"only row {first[0]} of {name} is off ({len(rows)} of {shape[1]} elements)"
        if len(set(second)) == 1:
            return (
                Diagnosis.ONE_COLUMN,
                f"only column {second[0]} of {name} is off ({len(rows)} of {shape[0]} elements)",
            )
    return None


def _one_output(failure: Failure) -> Finding | None:
    if failure.evidence.check == "vjp" or failure.failed.shape[1] < 2:
        return None
    outputs = np.flatnonzero(failure.failed.any(axis=0))
    if len(outputs) != 1:
        return None
    name = failure.evidence.outputs.label(int(outputs[0]))
    return Diagnosis.ONE_ROW, f"only derivatives of {name} are off ({failure.count} elements)"


def _one_input(failure: Failure) -> Finding | None:
    inputs = _inputs_of(failure)
    if len(inputs) != 1 or len(failure.evidence.inputs.parts) < 2:
        return None
    others = len(failure.evidence.inputs.parts) - 1
    return Diagnosis.ONE_INPUT, f"all failures are in {_name(failure, inputs[0])}; the other {others} inputs agree"


#: Tried in this order: the more specific first.
PATTERNS: tuple[Callable[[Failure], Finding | None], ...] = (
    _not_finite,
    _cotangent_ignored,
    _tangent_ignored,
    _zero,
    _constant_factor,
    _one_element,
    _swapped,
    _transposed,
    _permuted,
    _missing_term,
    _row_or_column,
    _one_output,
    _one_input,
)


def _looks_like(failure: Failure, factor: float) -> str:
    n, m = failure.evidence.inputs.size, failure.evidence.outputs.size
    known = [(pi, "π"), (2 * pi, "2π"), (1 / pi, "1/π")]
    if n > 2:
        known += [(float(n), f"the number of inputs, {n}"), (1.0 / n, f"1/{n}, one over the number of inputs")]
    if m > 2 and m != n:
        known += [(float(m), f"the number of outputs, {m}"), (1.0 / m, f"1/{m}, one over the number of outputs")]
    for value, name in known:
        if abs(factor - value) < CONSTANT * value * 0.1:
            return f" (looks like {name})"
    return ""


def _is_constant(values: Array) -> bool:
    middle = float(np.median(values))
    return middle != 0 and bool(np.abs(values - middle).max() <= CONSTANT * abs(middle))


def _agree(analytic: Array, numeric: Array, slack: Array) -> bool:
    return bool((np.abs(analytic - numeric) <= slack).all())


def _same_up_to_order(failure: Failure, rows: NDArray[np.intp]) -> bool:
    g, d, slack = (a[rows, 0] for a in (failure.analytic, failure.numeric, failure.slack))
    order = np.argsort(d)
    distinct = float(np.ptp(d)) > float(slack.max())
    return distinct and _agree(np.sort(g), d[order], slack[order] + slack.max())


def _checked_parts(failure: Failure) -> Iterator[tuple[int, int, str, tuple[int, ...]]]:
    """(start, stop, name, shape) of each input that was checked whole."""
    evidence = failure.evidence
    if len(evidence.directions) != evidence.inputs.size:
        return
    start = 0
    for name, shape in evidence.inputs.parts:
        yield start, start + prod(shape), name, shape
        start += prod(shape)


def _inputs_of(failure: Failure) -> list[int]:
    evidence = failure.evidence
    return sorted({evidence.inputs.locate(int(evidence.directions[row]))[0] for row in failure.rows})


def _whole_input(failure: Failure, which: int) -> bool:
    evidence = failure.evidence
    mine = [evidence.inputs.locate(int(direction))[0] == which for direction in evidence.directions]
    has_slope = (np.abs(failure.numeric) > failure.slack) & np.array(mine)[:, None]
    return bool(failure.failed[has_slope].all())


def _name(failure: Failure, which: int) -> str:
    return failure.evidence.inputs.parts[which][0]


def _input_label(failure: Failure, row: int) -> str:
    return failure.evidence.inputs.label(int(failure.evidence.directions[row]))
