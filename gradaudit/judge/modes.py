"""What the agreement of forward and reverse mode adds: it needs no differences, so it tells wrong claims from noise."""

from collections.abc import Iterator, Sequence

from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.element import Outcome
from gradaudit.judge.evidence import Evidence


def what_agreement_adds(evidences: Sequence[Evidence]) -> Iterator[str]:
    """A sentence where both modes agree and something else of the case did not pass."""
    adjoint = [evidence for evidence in evidences if evidence.broken is Diagnosis.NOT_ADJOINT]
    if not adjoint or not all(evidence.rulings.all_decided for evidence in adjoint):
        return
    if any((evidence.rulings.outcome == Outcome.FAIL).any() for evidence in evidences):
        yield "forward and reverse mode agree: both are wrong alike, or are the derivative of another function"
    elif any((evidence.rulings.outcome == Outcome.INCONCLUSIVE).any() for evidence in evidences):
        yield "forward and reverse mode agree to rounding: it is the differences of f that cannot decide"
