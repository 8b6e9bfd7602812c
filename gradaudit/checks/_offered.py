"""The claims that a check needs, and what is said where an engine or a suite gives none of them."""

from gradaudit.checks._limits import HALF
from gradaudit.checks._subject import Subject
from gradaudit.engines._differentiable import Absent


def need(subject: Subject, *kinds: str) -> None:
    """Raises Absent unless all these kinds of claim are there."""
    claims = subject.differentiable.claims
    missing = [kind for kind in kinds if kind not in claims]
    if missing:
        has = ", ".join(sorted(claims)) or "none"
        raise Absent(f"it needs {' and '.join(missing)}; there is {has}")


def first_of(subject: Subject, *kinds: str) -> str:
    """The first of these kinds of claim that is there. Raises Absent where none is."""
    for kind in kinds:
        if kind in subject.differentiable.claims:
            return kind
    has = ", ".join(sorted(subject.differentiable.claims)) or "none"
    raise Absent(f"it needs one of {', '.join(kinds)}; there is {has}")


def need_gradient_beside(kind: str, subject: Subject) -> None:
    """Raises Absent where a second derivative is claimed, and not the gradient that it is compared with."""
    claims = subject.differentiable.claims
    if kind in claims and "gradient" not in claims and "value_and_gradient" not in claims:
        raise Absent("there is no gradient, differences of which it is checked against; add 'gradient'")


def need_digits_of_a_gradient(subject: Subject) -> None:
    """Raises Absent in half precision, where what a gradient has lost by cancelling is no rounding of its value."""
    if subject.epsilon > HALF:
        raise Absent("a gradient in half precision has no digits to take differences of; ask in float32")
