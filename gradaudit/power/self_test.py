"""The self-test of power: known faults planted into a claim that has passed, each audited as the claim was.

A checker that was never seen to fail has proven nothing. What comes out is the resolving power of a case: which faults
of its own claim its audit would have caught.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from gradaudit.checks._comparison import Comparison, Elsewhere
from gradaudit.checks._limits import Limits
from gradaudit.checks._subject import Unfit
from gradaudit.judge.certificate import Certificate
from gradaudit.judge.evidence import Evidence, error_over_allowed
from gradaudit.judge.judging import judge
from gradaudit.judge.leftover import promised
from gradaudit.judge.verdict import Catch, Planted, Status, Verdict
from gradaudit.perturb.samples import Array
from gradaudit.power.faults import FAULTS, Fault
from gradaudit.power.recall import remembered

OUTCOMES = {Status.FAIL: Catch.CAUGHT, Status.PASS: Catch.MISSED, Status.INCONCLUSIVE: Catch.UNDECIDED}


@dataclass(frozen=True)
class Passed:
    """A claim that has passed: what it was compared with, what was found, and the way to measure another like it."""

    comparison: Comparison
    evidence: Evidence
    measure: Callable[[Comparison], Evidence]
    limits: Limits


def self_test(
    verdict: Verdict, claims: Sequence[Passed], *, generator: Callable[[str], np.random.Generator]
) -> Verdict:
    """``verdict``, a pass, with what became of every fault in the claim of every check.

    ``generator`` gives the random numbers of a name; they choose the elements that are spoiled. A missed fault that
    the pass's own bound says would have failed is an inconsistency of ours, and becomes a note.
    """
    planted: list[Planted] = []
    for check, group in groupby(map(_remembering, claims), key=lambda claim: claim.comparison.check):
        together = list(group)
        planted += [_planted(check, name, together, rng=generator(f"power {check} {name}")) for name in FAULTS]
    notes = [_inconsistency(one) for one in planted if one.contradicts_bound]
    return replace(verdict, power=tuple(planted), notes=(*verdict.notes, *notes))


def _planted(check: str, name: str, claims: Sequence[Passed], *, rng: np.random.Generator) -> Planted:
    """How one fault in every comparison of one check ended."""
    wrong = [_spoiled(claim.comparison, FAULTS[name], rng) for claim in claims]
    pairs = list(zip(claims, wrong, strict=True))
    touched = [_goes_beyond_tolerance(claim, comparison) for claim, comparison in pairs]
    if not any(touched):
        return Planted(check, name, Catch.NOT_APPLICABLE)
    ratio, element = max(_largest_error(claim, comparison) for claim, comparison in pairs)
    found = Planted(check, name, Catch.UNDECIDED, error_over_bound=ratio, element=element)
    try:
        # what the fault does not touch would be measured as it was
        evidences = [
            claim.measure(comparison) if is_touched else claim.evidence
            for (claim, comparison), is_touched in zip(pairs, touched, strict=True)
        ]
    except Unfit:  # a claimed gradient that has another form at the larger steps that a wrong Hessian calls for
        return found
    said = judge(check, evidences)
    return replace(
        found,
        outcome=OUTCOMES[said.status],
        located=_is_changed(_element_name(said.elements[0].output, said.elements[0].input), pairs),
        diagnosis=said.diagnosis,
        evaluations=said.measures.evaluations,
    )


def _spoiled(comparison: Comparison, fault: Fault, rng: np.random.Generator) -> Comparison:
    # a vjp returns each element once for every cotangent; in all other claims each number is an element
    right = comparison.analytic
    claim = right.reshape((-1, 1) if comparison.readout is None else right.shape).copy()
    wrong = fault(claim, rng).reshape(right.shape)
    return replace(comparison, analytic=wrong, elsewhere=_off_by(wrong - right, comparison.elsewhere))


def _off_by(error: Array, claim: Elsewhere | None) -> Elsewhere | None:
    """A wrong claim is as wrong at every other point as it is at x."""
    if claim is None:
        return None

    def elsewhere(flat: Array) -> Array | None:
        value = claim(flat)
        return None if value is None else value + error

    return elsewhere


def _goes_beyond_tolerance(claim: Passed, wrong: Comparison) -> bool:
    """Whether an element changes by more than the suite accepts there: not where equal elements are swapped, nor where
    a claim is zero but for rounding, which the judge holds against the local slope of f.
    """
    evidence, right = claim.evidence, claim.comparison.analytic
    scale = np.fmax(np.abs(right), np.abs(wrong.analytic))
    if not evidence.certificate:  # else no row is an element
        scale[evidence.directions] = np.fmax(scale[evidence.directions], evidence.rulings.scale)
    return bool((np.abs(wrong.analytic - right) > claim.limits.rtol * scale + claim.limits.atol).any())


def _largest_error(claim: Passed, wrong: Comparison) -> tuple[float, str]:
    """The largest error that the fault leaves in a checked element, over what was allowed there, and where it is.

    Above 1, the pass has said that such an error would have failed.
    """
    evidence = claim.evidence
    if evidence.certificate:
        return _largest_certified(claim, wrong, evidence.certificate)
    error = np.abs(wrong.analytic[evidence.directions] - evidence.rulings.numeric)
    ratio = error_over_allowed(error, evidence.rulings.allowed)
    d, r = np.unravel_index(int(np.argmax(ratio)), ratio.shape)
    return float(ratio[d, r]), _name(claim.comparison, int(evidence.directions[d]), int(r))


def _largest_certified(claim: Passed, wrong: Comparison, certificate: Certificate) -> tuple[float, str]:
    """The same where all elements were certified together: over what that leaves possible, and what is tolerated."""
    right, comparison = claim.comparison.analytic, claim.comparison
    scale = comparison.directions.scale[:, None]
    tolerated = claim.limits.rtol * np.fmax(np.abs(right), np.abs(wrong.analytic)) + claim.limits.atol
    allowed = tolerated + promised(certificate, np.abs(right) * scale) / scale
    ratio = error_over_allowed(np.abs(wrong.analytic - right), allowed)
    d, r = np.unravel_index(int(np.argmax(ratio)), ratio.shape)
    return float(ratio[d, r]), _name(comparison, int(d), int(r))


def _is_changed(element: str, pairs: Iterable[tuple[Passed, Comparison]]) -> bool:
    """Whether a fault changed the element of this name; of a random direction, all that it moves."""
    for claim, wrong in pairs:
        changed = wrong.analytic != claim.comparison.analytic
        if changed.all() or any(_name(wrong, int(d), int(r)) == element for d, r in np.argwhere(changed)):
            return True
    return False


def _name(comparison: Comparison, direction: int, readout: int) -> str:
    """Of an element; the rows of the evidence may be random directions."""
    pattern = comparison.sparse.pattern if comparison.sparse else None
    coordinate, output = (pattern.coordinate[direction], pattern.output[direction]) if pattern else (direction, readout)
    return _element_name(comparison.outputs.label(int(output)), comparison.inputs.label(int(coordinate)))


def _element_name(output: str, input_: str) -> str:
    return f"d {output}/d {input_}"


def _inconsistency(missed: Planted) -> str:
    return (
        f"internal inconsistency: with the planted fault '{missed.fault}' the check {missed.check} still passes, though"
        f" the error at {missed.element} is {missed.error_over_bound:.3g} times what the bound of the pass says would"
        " fail; please report this case"
    )


def _remembering(claim: Passed) -> Passed:
    return replace(claim, comparison=replace(claim.comparison, function=remembered(claim.comparison.function)))
