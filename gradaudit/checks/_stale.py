"""Second calls of a claim that has failed: does it answer for another input than the one it is given?

A claim that keeps something between its calls (a cache under too small a key, an input saved one call late, an input
that only f saves) is wrong at x and right elsewhere. Each sign below is a fact about calls, not a likeness of numbers.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from gradaudit.checks._comparison import OTHER_ENTRIES, Comparison
from gradaudit.checks._identity import Compared
from gradaudit.checks._subject import Subject, Unfit
from gradaudit.engines._arguments import Arguments
from gradaudit.engines._boundary import UserError
from gradaudit.engines._differentiable import Misfit
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.element import Outcome
from gradaudit.judge.evidence import Evidence
from gradaudit.judge.failure import Failure, agree
from gradaudit.perturb.samples import Array

#: All claims of a case at the point of a subject, called anew.
Ask = Callable[[Subject], Sequence[Compared]]

#: Points of a case, each under its number.
Points = Sequence[tuple[int, Arguments]]

#: At most this many points where the case has passed are worth keeping, to be asked for again.
EARLIER = 3
#: The other point is this fraction of the natural scale of x away.
AWAY = 2.0**-4


def asked_again(
    evidences: Sequence[Evidence], comparisons: Sequence[Compared], ask: Ask, *, subject: Subject, earlier: Points
) -> list[Evidence]:
    """``evidences``, of which those that failed say what shows that their claim is stale, if anything does.

    ``comparisons`` are theirs, in the same order; ``earlier`` are the points at which the case has passed before.
    What a claim raises now, and did not raise before, shows nothing.
    """
    try:
        elsewhere = [(number, ask(replace(subject, arguments=at))) for number, at in earlier]
        again = ask(subject)
        evidences = _having_searched(evidences, (again, *(there for _, there in elsewhere)))
        if len(again) != len(evidences):  # another structure was found, by which all are counted
            return evidences
        elsewhere = [(number, there) for number, there in elsewhere if len(there) == len(evidences)]
        return [
            _with_signs(evidence, comparison, again[k], [(number, there[k]) for number, there in elsewhere], subject)
            if isinstance(comparison, Comparison) and evidence.inputs is comparison.inputs  # not by random directions
            else evidence
            for k, (evidence, comparison) in enumerate(zip(evidences, comparisons, strict=True))
        ]
    except (UserError, Unfit, Misfit):
        return list(evidences)


def _having_searched(evidences: Sequence[Evidence], asked: Sequence[Sequence[Compared]]) -> list[Evidence]:
    """The same, with the evaluations that asking took: matrices were looked through for a structure anew."""
    searching = sum(compared.searching for each in asked for compared in each)
    first, *others = evidences
    return [first.after(searching, searching), *others]


def _with_signs(
    evidence: Evidence,
    comparison: Comparison,
    again: Compared,
    elsewhere: Sequence[tuple[int, Compared]],
    subject: Subject,
) -> Evidence:
    if not (evidence.rulings.outcome == Outcome.FAIL).any():
        return evidence
    if not (isinstance(again, Comparison) and comparison.has_entries_of(again)):
        return replace(evidence, recalled=(Diagnosis.NONDETERMINISTIC, OTHER_ENTRIES))
    said = _same_as_elsewhere(comparison, elsewhere) or _right_the_second_time(evidence, again)
    if not said and not comparison.primal:
        said = _follows_f(comparison, subject)
        evidence = replace(evidence, evaluations=evidence.evaluations + 3)
    if said:
        return replace(evidence, recalled=(Diagnosis.STALE, said))
    return replace(evidence, recalled=_another_answer(evidence, comparison, again))


def _same_as_elsewhere(comparison: Comparison, elsewhere: Sequence[tuple[int, Compared]]) -> str:
    for number, there in elsewhere:
        if comparison.analytic.any() and there.analytic.tobytes() == comparison.analytic.tobytes():
            return f"the claim is to the last bit the one at point {number}, where it passes"
    return ""


def _right_the_second_time(evidence: Evidence, again: Compared) -> str:
    failure = Failure.of(evidence)
    analytic = again.analytic[evidence.directions]
    if not agree(analytic[failure.failed], failure.numeric[failure.failed], failure.slack[failure.failed]):
        return ""
    return "asked at x once more, the claim agrees: its first answer was for the input of an earlier call"


def _another_answer(evidence: Evidence, comparison: Comparison, again: Compared) -> tuple[Diagnosis, str] | None:
    changed = np.argwhere(comparison.analytic != again.analytic)
    if not changed.size or not np.isfinite(again.analytic).all():
        return None
    d, r = changed[0]
    element = f"d {evidence.output_label(int(d), int(r))}/d {evidence.input_label(int(d))}"
    values = f"{comparison.analytic[d, r]:.9g} and then {again.analytic[d, r]:.9g}"
    said = f"asked at x twice, the claim gives {element} = {values}; {len(changed)} of {again.analytic.size} differ"
    return Diagnosis.NONDETERMINISTIC, said


def _follows_f(comparison: Comparison, subject: Subject) -> str:
    """Second order: the claimed gradient is called where f was not, and must not mind."""
    there = _nearby(comparison, subject)
    before = comparison.function(there.copy())
    subject.evaluate(there)
    after = comparison.function(there.copy())
    if before is None or after is None or before.tobytes() == after.tobytes():
        return ""
    return "the claimed gradient at another point changed once f was called there: it is that of the last input of f"


def _nearby(comparison: Comparison, subject: Subject) -> Array:
    point = subject.point
    return comparison.confined(np.clip(point.x + AWAY * point.natural, point.lower, point.upper))
