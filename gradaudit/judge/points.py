"""One verdict on a case that was audited at several points: it passes where it passes at every one of them."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, replace
from math import isnan, nan

from gradaudit.judge.judging import WORST
from gradaudit.judge.verdict import Catch, Counts, Element, Measures, Planted, Status, Verdict

#: Worse first: a failure at one point is a failure, whatever happened at the others.
ORDER = (Status.FAIL, Status.ERROR, Status.INCONCLUSIVE, Status.PASS)

#: The more telling first.
CATCHES = (Catch.CAUGHT, Catch.UNDECIDED, Catch.MISSED, Catch.NOT_APPLICABLE)


def at_all_points(verdicts: Sequence[Verdict]) -> Verdict:
    """The verdict of the worst point, with the evaluations, counts, worst elements and largest measures of all.

    ``verdicts`` are those of one case, in the order of its points; the only one of a single point stays as it is.
    """
    if len(verdicts) == 1:
        return verdicts[0]
    worst = min(range(len(verdicts)), key=lambda k: _badness(verdicts[k]))
    found = verdicts[worst]
    return replace(
        found,
        message=f"at {_name(worst, verdicts)}: {found.message}" if found.message else "",
        measures=_measures(found, verdicts),
        counts=_counts(verdicts),
        elements=tuple(_elements(verdicts)),
        curves=tuple(replace(point, input=f"{point.input} at {_name(worst, verdicts)}") for point in found.curves),
        notes=(*_dependence(verdicts), *_notes(verdicts)),
        power=tuple(_power(verdicts)),
    )


def _badness(verdict: Verdict) -> tuple[int, float]:
    error = verdict.measures.error_over_tolerance
    return ORDER.index(verdict.status), 0.0 if isnan(error) else -error


def _name(point: int, verdicts: Sequence[Verdict]) -> str:
    return f"point {point + 1} of {len(verdicts)}"


def _dependence(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """``passes at 4 of 5 points``, and how the other ended, where it depends on the point."""
    ended = Counter(verdict.status for verdict in verdicts)
    if len(ended) == 1:
        return
    others = ", ".join(
        f"{status} at {_numbers(k + 1 for k, verdict in enumerate(verdicts) if verdict.status is status)}"
        for status in ORDER
        if status in ended and status is not Status.PASS
    )
    yield f"the verdict depends on the point: passes at {ended[Status.PASS]} of {len(verdicts)} points, {others}"


def _numbers(points: Iterable[int]) -> str:
    numbers = list(points)
    shown = ", ".join(map(str, numbers[:WORST])) + (", …" if len(numbers) > WORST else "")
    return f"point{'s' if len(numbers) > 1 else ''} {shown}"


def _notes(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """Every note once; with its points, where it is not true of all."""
    true_at: dict[str, list[int]] = {}
    for k, verdict in enumerate(verdicts):
        for note in dict.fromkeys(verdict.notes):
            true_at.setdefault(note, []).append(k + 1)
    for note, points in true_at.items():
        yield note if len(points) == len(verdicts) else f"at {_numbers(points)}: {note}"


def _measures(found: Verdict, verdicts: Sequence[Verdict]) -> Measures:
    """The largest of what bounds the case, the sum of what it cost; the rest is of the worst point."""

    def largest(name: str) -> float:
        values = (float(getattr(verdict.measures, name)) for verdict in verdicts)
        return max((value for value in values if not isnan(value)), default=nan)

    names = ("error_over_tolerance", "max_abs_error", "max_rel_error", "bound")
    return replace(
        found.measures,
        evaluations=sum(verdict.measures.evaluations for verdict in verdicts),
        saved=sum(verdict.measures.saved for verdict in verdicts),
        **{name: largest(name) for name in names},
    )


def _counts(verdicts: Sequence[Verdict]) -> Counts:
    def total(name: str) -> int:
        return sum(getattr(verdict.counts, name) for verdict in verdicts)

    return Counts(**{field.name: total(field.name) for field in fields(Counts)})


def _elements(verdicts: Sequence[Verdict]) -> list[Element]:
    """The worst elements of all points; each says which point it is of."""
    elements = [
        replace(element, input=f"{element.input} at {_name(k, verdicts)}")
        for k, verdict in enumerate(verdicts)
        for element in verdict.elements
    ]
    elements.sort(key=lambda element: (ORDER.index(element.status), -element.error_over_tolerance))
    return elements[:WORST]


def _power(verdicts: Sequence[Verdict]) -> Iterator[Planted]:
    """A fault counts as the case would have ended with it: caught where any point catches it."""
    if not all(verdict.power for verdict in verdicts):
        return
    for same in zip(*(verdict.power for verdict in verdicts), strict=True):
        most_telling = min(same, key=lambda planted: CATCHES.index(planted.outcome))
        yield replace(most_telling, evaluations=sum(planted.evaluations for planted in same))
