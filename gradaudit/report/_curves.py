"""Curves: the points of one element over the steps, each beside the element that they are of."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from gradaudit.judge.verdict import CurvePoint, Element


@dataclass(frozen=True)
class Curve:
    """The plain central differences of one element, in the order in which they were measured."""

    check: str
    output: str
    input: str
    points: tuple[CurvePoint, ...]  #: at least one
    element: Element | None = None  #: as it was compared; None where it is not among those that were kept


def curves(points: Sequence[CurvePoint], elements: Sequence[Element] = ()) -> Iterator[Curve]:
    """The curves of a verdict, in its order: that of the first check's worst element comes first."""
    compared = {_place(element): element for element in reversed(elements)}  # of two, the worse
    for place, group in groupby(points, _place):
        yield Curve(*place, points=tuple(group), element=compared.get(place))


def _place(item: CurvePoint | Element) -> tuple[str, str, str]:
    return item.check, item.output, item.input
