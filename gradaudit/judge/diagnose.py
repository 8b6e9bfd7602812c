"""From the elements that failed to a diagnosis: each pattern is named only where the numbers show it."""

from collections.abc import Callable
from itertools import combinations
from math import log, pi

import numpy as np
from numpy.typing import NDArray

from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.evidence import Evidence
from gradaudit.judge.failure import Failure, agree, are, the_others
from gradaudit.judge.missing import missing_term
from gradaudit.judge.symmetry import not_symmetric
from gradaudit.judge.ties import wrong_at_a_tie

Finding = tuple[Diagnosis, str]

#: Ratios and differences count as constant where they vary by less than this.
CONSTANT = 1e-3
#: What is off by less than this everywhere may be what a solver's tolerance leaves: f has the slope of where it stops.
SOLVED = 0.03
#: Factors that are forgotten: value, name, and the name of its reciprocal.
CONSTANTS = (
    (pi, "π", "1/π"),
    (2 * pi, "2π", "1/(2π)"),
    (pi / 180, "π/180: radians for degrees", "180/π: degrees for radians"),
    (log(10), "log 10: another base of the logarithm", "1/log 10: another base of the logarithm"),
)


def diagnose(evidence: Evidence) -> Finding:
    """The most telling pattern in the failures of ``evidence``, with its evidence in a sentence."""
    failure = Failure.of(evidence)
    diagnosis, sentence = _pattern_of(failure)
    if evidence.broken or evidence.recalled or not failure.relative.max() < SOLVED:
        return diagnosis, sentence
    return diagnosis, f"{sentence}; if f solves something to a tolerance, that may be all: tighten it"


def _pattern_of(failure: Failure) -> Finding:
    for pattern in PATTERNS:
        finding = pattern(failure)
        if finding is not None:
            return finding
    if failure.everywhere:
        which = " with a derivative" if failure.sloped.any() else ""
        one = failure.count == 1
        all_ = f"the only element{which} is off" if one else f"all {failure.count} elements{which} are off"
        return Diagnosis.WRONG, f"{all_}{_by_how_much(failure)}{_in_common(failure)}"
    off = f"{failure.count} of {failure.judged} elements {are(failure.count)} off"
    return Diagnosis.SOME_ELEMENTS, off + _by_how_much(failure) + _in_common(failure)


def _recalled(failure: Failure) -> Finding | None:
    return failure.evidence.recalled


def _identity_broken(failure: Failure) -> Finding | None:
    if failure.evidence.broken is None:
        return None
    verb = "differs" if failure.count == 1 else "differ"
    return failure.evidence.broken, f"{failure.count} of {failure.failed.size} numbers {verb}{_by_how_much(failure)}"


def _not_finite(failure: Failure) -> Finding | None:
    hollow = failure.failed & ~np.isfinite(failure.analytic)
    if not hollow.any():
        return None
    count = int(hollow.sum())
    return Diagnosis.NOT_FINITE, f"{count} of {hollow.size} claimed elements {are(count)} NaN or Inf"


def _cotangent_ignored(failure: Failure) -> Finding | None:
    g = failure.analytic
    if failure.check != "vjp" or g.shape[1] < 2 or not g.any() or not (g[:, :1] == g).all():
        return None
    return Diagnosis.COTANGENT_IGNORED, "the claim is the same to the last bit for different cotangents"


def _tangent_ignored(failure: Failure) -> Finding | None:
    g = failure.analytic
    dense = bool(np.isnan(failure.evidence.x).all())  # along coordinates, equal columns of the claim look the same
    if failure.check not in ("jvp", "hvp") or not dense or not g.any() or not (g[:1] == g).all():
        return None
    return Diagnosis.TANGENT_IGNORED, "the claim is the same to the last bit for different tangents"


def _zero(failure: Failure) -> Finding | None:
    if failure.analytic[failure.failed].any():
        return None
    if failure.everywhere:
        return Diagnosis.ZERO, "every claimed element is zero where f has a slope"
    inputs = failure.inputs
    if len(inputs) == 1 and failure.covers(inputs[0]):
        return Diagnosis.ZERO, f"the claim is zero for the whole of {failure.name(inputs[0])}"
    return None


def _constant_factor(failure: Failure) -> Finding | None:
    g, d, slack = (a[failure.failed] for a in (failure.analytic, failure.numeric, failure.slack))
    measured = np.abs(d) > 10 * slack
    if measured.sum() < min(failure.failed.size, 2):
        return None
    best = np.flatnonzero(measured)[np.argmin(slack[measured] / np.abs(d[measured]))]
    factor = float(g[best] / d[best])
    if factor == 0:
        return None
    # elements that are hardly measured show no factor, and hide none: they may be off by their slack
    off = np.abs(g - factor * d)
    constant = off <= np.fmax(CONSTANT * np.abs(d), slack) * abs(factor)
    # near 1, it must be nearer to constant than to 1: errors of 1e-4 either way are no factor
    if not (constant & (off <= abs(factor - 1) / 4 * np.abs(d))).all():
        return None
    if abs(factor + 1) < CONSTANT:
        return Diagnosis.WRONG_SIGN, f"analytic = −numeric {_where(failure)}"
    if not failure.everywhere and failure.count < 3:
        return None
    sentence = f"analytic = {factor:.6g} × numeric {_where(failure)}{_looks_like(failure, factor)}"
    return Diagnosis.CONSTANT_FACTOR, sentence


def _one_element(failure: Failure) -> Finding | None:
    if len(failure.rows) != 1 or failure.failed.shape[0] == 1:
        return None
    undecided = failure.undecided
    name, readouts = failure.label(int(failure.rows[0])), failure.failed.shape[1]
    others, unsure = failure.judged // readouts - 1, int(undecided.any(axis=1).sum())
    unsure -= int(undecided[failure.rows[0]].any())
    if failure.check != "vjp" and readouts > 1:
        if failure.count > 1:
            return None
        output = failure.evidence.outputs.label(int(np.flatnonzero(failure.failed.any(axis=0))[0]))
        name, others, unsure = f"d {output}/d {name}", failure.judged - 1, int(undecided.sum())
    return Diagnosis.ONE_ELEMENT, f"only {name} is off; {the_others(others, unsure)}"


def _inputs_swapped(failure: Failure) -> Finding | None:
    for a, b in combinations(failure.parts(), 2):
        if a.shape != b.shape:
            continue
        here = np.r_[a.start : a.stop, b.start : b.stop]
        there = np.r_[b.start : b.stop, a.start : a.stop]
        g, d, slack = failure.analytic, failure.numeric, failure.slack
        if not agree(g[here], d[here], slack[here]) and agree(g[there], d[here], slack[here]):
            return Diagnosis.SWAPPED, f"{a.name} and {b.name} carry each other's derivative"
    return None


def _swapped(failure: Failure) -> Finding | None:
    rows = failure.rows
    if len(rows) != 2 or not _same_up_to_order(failure, rows):
        return None
    first, second = (failure.label(int(row)) for row in rows)
    return Diagnosis.SWAPPED, f"{first} and {second} carry each other's value"


def _transposed(failure: Failure) -> Finding | None:
    for part in failure.parts():
        if len(part.shape) == 2 and min(part.shape) > 1:
            rows = slice(part.start, part.stop)
            g, d, slack = (a[rows, 0].reshape(part.shape) for a in (failure.analytic, failure.numeric, failure.slack))
            flipped = g.T if part.shape[0] == part.shape[1] else g.ravel().reshape(part.shape[::-1]).T
            if not agree(g, d, slack) and agree(flipped, d, slack):
                return Diagnosis.TRANSPOSED, f"the claim for {part.name} is the transpose of the numeric derivative"
    g, d, slack = failure.analytic, failure.numeric, failure.slack
    square = failure.check == "jacobian" and g.shape[0] == g.shape[1] > 1
    if (square and agree(g.T, d, slack)) or _mirrored_entries(failure):
        return Diagnosis.TRANSPOSED, "the claimed Jacobian is the transpose of the numeric one"
    return None


def _mirrored_entries(failure: Failure) -> bool:
    """Whether each entry of a square Jacobian is claimed as its mirror image should be, where entries were compared."""
    evidence = failure.evidence
    pattern = evidence.pattern
    if pattern is None or pattern.outputs != pattern.coordinates or len(evidence.directions) != pattern.output.size:
        return False
    mirror = pattern.place(pattern.coordinate, pattern.output)
    flipped = np.where(mirror[:, None] >= 0, failure.analytic[mirror], 0.0)
    return agree(flipped, failure.numeric, failure.slack)


def _permuted(failure: Failure) -> Finding | None:
    rows = failure.rows
    if len(rows) < 3 or not _same_up_to_order(failure, rows):
        return None
    g, d, slack = (a[rows] for a in (failure.analytic, failure.numeric, failure.slack))
    if agree(g[::-1], d, slack):
        return Diagnosis.PERMUTED, f"{len(rows)} elements stand in reverse order"
    for shift in range(1, len(rows)):
        if agree(np.roll(g, shift, axis=0), d, slack):
            return Diagnosis.PERMUTED, f"{len(rows)} elements are shifted by {min(shift, len(rows) - shift)}"
    return Diagnosis.PERMUTED, f"{len(rows)} elements carry each other's values"


def _row_or_column(failure: Failure) -> Finding | None:
    for part in failure.parts():
        rows = [int(row) - part.start for row in failure.rows]
        if len(part.shape) != 2 or min(part.shape) < 2 or not all(0 <= row < part.stop - part.start for row in rows):
            continue
        first, second = np.unravel_index(rows, part.shape)
        if len(set(first)) == 1:
            many = f"{len(rows)} of {part.shape[1]} elements"
            return Diagnosis.ONE_ROW, f"only row {first[0]} of {part.name} is off ({many})"
        if len(set(second)) == 1:
            many = f"{len(rows)} of {part.shape[0]} elements"
            return Diagnosis.ONE_COLUMN, f"only column {second[0]} of {part.name} is off ({many})"
    return None


def _one_output(failure: Failure) -> Finding | None:
    evidence = failure.evidence
    if failure.check == "vjp" or (failure.failed.shape[1] < 2 and not evidence.pattern):
        return None
    outputs = np.flatnonzero(failure.failed.any(axis=0))
    if evidence.pattern:
        outputs = np.unique(evidence.pattern.output[evidence.directions[failure.rows]])
    if len(outputs) != 1:
        return None
    name = failure.evidence.outputs.label(int(outputs[0]))
    many = f"{failure.count} element{'s' * (failure.count != 1)}"
    return Diagnosis.ONE_ROW, f"only derivatives of {name} are off ({many})"


def _one_input(failure: Failure) -> Finding | None:
    inputs, others = failure.inputs, len(failure.evidence.inputs.parts) - 1
    if len(inputs) != 1 or others < 1:
        return None
    rest = "the other input agrees" if others == 1 else f"the other {others} inputs agree"
    return Diagnosis.ONE_INPUT, f"all failures are in {failure.name(inputs[0])}; {rest}"


#: Tried in this order: the more specific first.
PATTERNS: tuple[Callable[[Failure], Finding | None], ...] = (
    _recalled,
    _identity_broken,
    _not_finite,
    _cotangent_ignored,
    _tangent_ignored,
    not_symmetric,
    wrong_at_a_tie,
    _zero,
    _constant_factor,
    _one_element,
    _inputs_swapped,
    _swapped,
    _transposed,
    _permuted,
    missing_term,
    _row_or_column,
    _one_output,
    _one_input,
)


def _where(failure: Failure) -> str:
    if failure.everywhere:
        return "everywhere"
    inputs = failure.inputs
    if len(inputs) == 1 and failure.covers(inputs[0]):
        return f"in the whole of {failure.name(inputs[0])}"
    return f"in {failure.count} of {failure.judged} elements"


def _looks_like(failure: Failure, factor: float) -> str:
    for value, name, reciprocal in (*CONSTANTS, *_lengths(failure)):
        for candidate, said in ((value, name), (1 / value, reciprocal)):
            if abs(factor - candidate) < CONSTANT * candidate * 0.1:
                return f" (looks like {said})"
    return ""


def _lengths(failure: Failure) -> list[tuple[float, str, str]]:
    """The lengths that a sum or a mean may have forgotten, with their names and those of their reciprocals."""
    inputs, n, m = failure.evidence.inputs, failure.evidence.inputs.size, failure.evidence.outputs.size
    meanings = {n: "the number of inputs", m: "the number of outputs"}
    for name, shape in inputs.parts:
        for length in shape:
            meanings.setdefault(length, f"the length of an axis of {name}")
    found = [(float(k), f"{what}, {k}", f"1/{k}, one over {what}") for k, what in meanings.items() if k > 2]
    if n > 2:
        found.append(((n - 1) / n, f"(n − 1)/n for n = {n}", f"n/(n − 1) for n = {n}"))
    return found


def _by_how_much(failure: Failure) -> str:
    relative = 100 * failure.relative
    low, high = f"{relative.min():.3g}", f"{relative.max():.3g}"
    return f" by {low} %" if low == high else f" by {low} to {high} %"


def _in_common(failure: Failure) -> str:
    """What all failing elements share, where it is no pattern of its own."""
    g = failure.analytic
    if not g[failure.failed].any():
        return "; the claim is zero in all of them"
    if not failure.sloped[failure.failed].any():
        return "; f has no slope in any of them"
    return ""


def _same_up_to_order(failure: Failure, rows: NDArray[np.intp]) -> bool:
    """Whether the claim's rows are the numeric ones in another order, all readouts alike."""
    g, d, slack = (a[rows] for a in (failure.analytic, failure.numeric, failure.slack))
    readout = int(np.argmax(np.ptp(d, axis=0)))
    g, order = g[np.argsort(g[:, readout])], np.argsort(d[:, readout])
    distinct = float(np.ptp(d[:, readout])) > float(slack.max())
    return distinct and agree(g, d[order], slack[order] + slack.max())
