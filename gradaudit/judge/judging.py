"""From evidence to a verdict: the headline numbers, the worst elements, and what to say about them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from math import inf, isfinite, isnan, nan

import numpy as np

from gradaudit.judge.certificate import Certificate
from gradaudit.judge.diagnose import diagnose
from gradaudit.judge.diagnosis import ADVICE, Diagnosis
from gradaudit.judge.element import REASONS, Outcome
from gradaudit.judge.evidence import Evidence, worst_first
from gradaudit.judge.heat import heat_maps
from gradaudit.judge.modes import what_agreement_adds
from gradaudit.judge.order import observed_order
from gradaudit.judge.verdict import Counts, CurvePoint, Element, Measures, Status, Verdict
from gradaudit.perturb.samples import Array, Samples

#: How many of the worst elements a verdict keeps.
WORST = 10
#: And of how many outputs, along the worst direction of a check, it keeps the error-against-step curve.
CURVES = 3

STATUS = {Outcome.PASS: Status.PASS, Outcome.FAIL: Status.FAIL, Outcome.INCONCLUSIVE: Status.INCONCLUSIVE}
#: Checks beside differences of the claimed gradient: where that fails itself, it is what they are apart by.
SECOND = ("hessian", "hvp")
#: Worse first.
ORDER = (Status.FAIL, Status.INCONCLUSIVE, Status.PASS)


def judge(
    case_id: str, evidences: Sequence[Evidence], *, engine: str = "", notes: Sequence[str] = (), at_x: int = 0
) -> Verdict:
    """The verdict on a case: it fails if an element fails, and is inconclusive if one cannot be decided.

    ``at_x`` counts the evaluations at the point itself, before any comparison.
    """
    found = [(element, evidence) for evidence in evidences for element in _worst_elements(evidence)]
    found.sort(key=lambda pair: _badness(pair[0]))
    elements, (_, worst) = [element for element, _ in found[:WORST]], found[0]
    status = min((_status(evidence) for evidence in evidences), key=ORDER.index)
    diagnosis, sentence = _diagnosis(evidences, status)
    counts = _counts(evidences)
    return Verdict(
        id=case_id,
        status=status,
        diagnosis=diagnosis,
        message=_message(status, elements[0], diagnosis, sentence),
        evidence=sentence,
        engine=engine,
        measures=_measures(evidences, elements[0], at_x, slope=_slope(worst)),
        counts=counts,
        elements=tuple(elements),
        curves=tuple(point for evidence in evidences for point in _curves(evidence)),
        heat=tuple(heat for evidence in evidences for heat in heat_maps(evidence)),
        notes=(*notes, *_notes(evidences, counts)),
        certificates=tuple(evidence.certificate for evidence in evidences if evidence.certificate),
    )


def _status(evidence: Evidence) -> Status:
    outcomes = evidence.rulings.outcome
    worst = int(outcomes.max(initial=Outcome.PASS))
    return STATUS[Outcome.FAIL if worst and (outcomes == Outcome.FAIL).any() else worst]


def _diagnosis(evidences: Sequence[Evidence], status: Status) -> tuple[Diagnosis | None, str]:
    if status is Status.PASS:
        return None, ""
    guilty = sorted((e for e in evidences if _status(e) is status), key=lambda evidence: evidence.check in SECOND)
    if status is not Status.FAIL:
        return _undecided(guilty[0])
    findings = [diagnose(evidence) for evidence in guilty]
    telling = (finding for finding in findings if finding[0] not in (Diagnosis.WRONG, Diagnosis.SOME_ELEMENTS))
    return next(telling, findings[0])


def _undecided(evidence: Evidence) -> tuple[Diagnosis, str]:
    """The most frequent reason among the undecided elements."""
    if evidence.certificate:
        return Diagnosis.PRECISION, evidence.certificate.undecided
    open_ = evidence.rulings.outcome == Outcome.INCONCLUSIVE
    codes = evidence.rulings.reason[open_]
    code = int(np.bincount(codes).argmax())
    diagnosis = REASONS[code] or Diagnosis.STEPS
    count = int(open_.sum())
    return diagnosis, f"{count} of {open_.size} elements cannot be decided: {_why(evidence, diagnosis)}"


def _why(evidence: Evidence, diagnosis: Diagnosis) -> str:
    if diagnosis is Diagnosis.KINK:
        return _slopes(evidence)
    return f"{diagnosis.value}; {ADVICE[diagnosis]}" if diagnosis in ADVICE else diagnosis.value


def _slopes(evidence: Evidence) -> str:
    """Both one-sided slopes at the first kink, and what the claim equals."""
    rulings = evidence.rulings
    place = tuple(
        np.argwhere((rulings.outcome == Outcome.INCONCLUSIVE) & (rulings.reason == REASONS.index(Diagnosis.KINK)))[0]
    )
    left, right, g = rulings.backward[place], rulings.forward[place], evidence.claim.analytic[place]
    label = evidence.input_label(int(evidence.directions[place[0]]))
    known = {"the left slope": left, "the right slope": right, "their mean": (left + right) / 2}
    size = max(abs(left), abs(right))
    equal = [name for name, value in known.items() if abs(g - value) <= 1e-4 * size]
    claim = f"the claim {g:.6g} is {equal[0]}" if equal else f"the claim is {g:.6g}"
    return f"kink at {label}, slopes {left:.6g} and {right:.6g}; {claim}; {ADVICE[Diagnosis.KINK]}"


def _worst_elements(evidence: Evidence) -> Iterator[Element]:
    rulings = evidence.rulings
    worst = worst_first(rulings.outcome, evidence.ratio)[:WORST]
    d, r = np.divmod(worst, evidence.ratio.shape[1])
    columns = (
        rulings.outcome, rulings.reason, evidence.claim.analytic, rulings.numeric, rulings.bar, rulings.allowed,
        evidence.ratio, rulings.h, evidence.bound,
    )  # fmt: skip
    # number by number NumPy takes several times as long
    places = zip(evidence.directions[d].tolist(), r.tolist(), evidence.x[d].tolist(), strict=True)
    found = zip(*[column.ravel()[worst].tolist() for column in columns], strict=True)
    for (direction, readout, x), (outcome, why, analytic, numeric, bar, allowed, ratio, h, bound) in zip(
        places, found, strict=True
    ):
        diagnosis = REASONS[why]
        yield Element(
            check=evidence.check,
            status=STATUS[outcome],
            output=evidence.output_label(direction, readout),
            input=evidence.input_label(direction),
            x=x,
            analytic=analytic,
            numeric=numeric,
            uncertainty=bar,
            allowed=allowed,
            error_over_tolerance=ratio,
            h=h,
            bound=bound,
            reason="" if diagnosis is None or diagnosis is Diagnosis.WRONG else diagnosis.value,
        )


def _badness(element: Element) -> tuple[int, bool, float]:
    return ORDER.index(element.status), element.check in SECOND, -element.error_over_tolerance


def _measures(evidences: Sequence[Evidence], worst: Element, at_x: int, *, slope: float) -> Measures:
    return Measures(
        error_over_tolerance=_largest(evidence.ratio for evidence in evidences),
        max_abs_error=_largest(evidence.error for evidence in evidences),
        max_rel_error=_largest(_relative(evidence) for evidence in evidences),
        uncertainty=worst.uncertainty,
        bound=_largest(evidence.bound for evidence in evidences),
        h_best=worst.h,
        slope=slope,
        evaluations=at_x + sum(evidence.evaluations for evidence in evidences),
        saved=sum(evidence.saved for evidence in evidences),
    )


def _largest(arrays: Iterable[Array]) -> float:
    values = [float(np.fmax.reduce(array, axis=None)) for array in arrays if array.size]
    return max((value for value in values if not isnan(value)), default=nan)


def _relative(evidence: Evidence) -> Array:
    size = np.fmax(np.abs(evidence.claim.analytic), np.abs(evidence.rulings.numeric))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(size > 0, evidence.error / size, 0.0)


def _slope(evidence: Evidence) -> float:
    """The observed order in h along the worst direction."""
    return observed_order(*_central(evidence.witness, evidence.witness_readout))


def _counts(evidences: Sequence[Evidence]) -> Counts:
    counts = [
        _certified(evidence, one) if (one := evidence.certificate) else _measured(evidence) for evidence in evidences
    ]
    if len(counts) == 1:
        return counts[0]
    return Counts(**{field.name: sum(getattr(one, field.name) for one in counts) for field in fields(Counts)})


def _measured(evidence: Evidence) -> Counts:
    outcome, floored = evidence.rulings.outcome, int(np.count_nonzero(evidence.rulings.floored))
    passed, failed, undecided = np.bincount(outcome.ravel(), minlength=len(STATUS)).tolist()
    passed += evidence.proven
    checked = outcome.size + evidence.proven
    return Counts(evidence.elements, checked, passed, failed, undecided, floored, passed - floored + failed)


def _certified(evidence: Evidence, certificate: Certificate) -> Counts:
    """Counts of the elements that random directions speak of, not of the directions."""
    status, elements = _status(evidence), evidence.elements
    failed = certificate.excluded
    if status is Status.INCONCLUSIVE:
        return Counts(elements, elements, inconclusive=elements)
    return Counts(
        elements,
        elements,
        passed=elements - failed,
        failed=failed,
        bounded_by_largest=certificate.elements - certificate.resolved,
        resolved=certificate.resolved + failed,
    )


def _curves(evidence: Evidence) -> Iterator[CurvePoint]:
    """Of the worst element, of other outputs along its direction, and of the next directions that did not pass."""
    ratio = evidence.ratio[evidence.witness_direction]
    others = [int(r) for r in np.argsort(-ratio, kind="stable") if r != evidence.witness_readout]
    for readout in (evidence.witness_readout, *others[: CURVES - 1]):
        yield from _curve(evidence, evidence.witness_direction, readout, evidence.witness)
    for direction, samples in evidence.others:
        yield from _curve(evidence, direction, int(np.argmax(evidence.ratio[direction])), samples)


def _curve(evidence: Evidence, d: int, r: int, samples: Samples) -> Iterator[CurvePoint]:
    analytic = float(evidence.claim.analytic[d, r])
    direction = int(evidence.directions[d])
    names = evidence.check, evidence.output_label(direction, r), evidence.input_label(direction)
    for h, numeric, noise in zip(*_central(samples, r), strict=True):
        if isfinite(h):
            yield CurvePoint(*names, h, numeric, abs(numeric - analytic), noise)


def _central(samples: Samples, r: int) -> Iterator[list[float]]:
    """Steps, plain central differences, and the noise of each, of one readout along a single direction."""
    return (column[:, 0, r].tolist() for column in (samples.h, samples.central, samples.central_noise))


def _notes(evidences: Sequence[Evidence], counts: Counts) -> list[str]:
    notes = []
    if any(evidence.extended for evidence in evidences):
        notes.append("the given steps could not decide every element; steps chosen per element were added")
    if kinks := sum(int(np.count_nonzero(evidence.subgradient)) for evidence in evidences):
        passes = "passes as a subgradient" if kinks == 1 else "pass as subgradients"
        notes.append(f"{kinks} of {counts.checked} elements at a kink {passes} between its slopes")
    if counts.bounded_by_largest:
        notes.append(
            f"{counts.bounded_by_largest} of {counts.checked} elements are too small to be bounded relative to"
            " themselves; they are bounded relative to the local slope or the largest sensitivity only"
        )
    notes += [evidence.certificate.sentence for evidence in evidences if evidence.certificate]
    notes += [remark for evidence in evidences for remark in evidence.remarks]
    notes += _integrals(evidences)
    notes += what_agreement_adds(evidences)
    if counts.checked < counts.elements:
        notes.append(f"{counts.checked} of {counts.elements} elements {_were(counts.checked)} checked")
    return notes


def _integrals(evidences: Sequence[Evidence]) -> Iterator[str]:
    """What was decided by line integrals, over which reach, and what they could have missed."""
    for evidence in evidences:
        mine = evidence.rulings.integrated
        if not mine.any():
            continue
        bound, reach = float(np.nanmax(evidence.bound[mine], initial=0.0)), float(evidence.rulings.h[mine].max())
        known = f"; a mean relative error of {bound:.1g} over it would have failed" if bound else ""
        count = int(mine.sum())
        yield (
            f"{count} of {mine.size} elements {_were(count)} decided by line integrals of the claim up to {reach:.3g}"
            f" on both sides of x, since f is too noisy or too coarse for differences at x{known}"
        )


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def _message(status: Status, element: Element, diagnosis: Diagnosis | None, sentence: str) -> str:
    if status is Status.PASS:
        return ""
    digits = 7 if _number(element.analytic, 7) != _number(element.numeric, 7) else 17
    numbers = (
        f"{element.place}: analytic {_number(element.analytic, digits)}, numeric {_number(element.numeric, digits)}"
        f" ± {element.uncertainty:.1g}, apart by {abs(element.analytic - element.numeric):.1e},"
        f" allowed {element.allowed:.1e}"
    )
    if diagnosis is None:
        return numbers
    return f"{numbers}; {diagnosis.value}: {sentence}" if status is Status.FAIL else f"{numbers}; {sentence}"


def _number(value: float, digits: int) -> str:
    if value in (inf, -inf) or value != value:
        return str(value)
    return f"{value:.{digits}g}"
