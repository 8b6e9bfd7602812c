"""What became of a case between two runs: one word for it, by rules that stand here alone."""

from math import isnan
from typing import Protocol

from gradaudit.judge.verdict import Status
from gradaudit.record import CaseHistory, Change

GOOD = frozenset({Status.PASS, Status.XFAIL})
#: An error has grown, or shrunk, where it is this many times what it was ...
DECADE = 10.0
#: ... and takes, then or now, more than this part of the tolerance: below it lies rounding.
NOTICEABLE = 0.1


class Ended(Protocol):
    """How a case ended in some run."""

    @property
    def status(self) -> Status: ...
    @property
    def error_over_tolerance(self) -> float: ...


def change_of(before: Ended | None, now: Ended | None) -> Change:
    """The change from ``before`` to ``now``, at least one of which is there.

    Raises ValueError where both are missing.
    """
    if before is None and now is None:
        raise ValueError("a case that was in neither run cannot have changed; give one of its two ends")
    if before is None:
        return Change.ADDED
    if now is None:
        return Change.REMOVED
    good = before.status in GOOD, now.status in GOOD
    if good == (True, False):
        return Change.NEW
    if good == (False, True):
        return Change.FIXED
    moved = _moved(before, now)
    return moved if moved is not None else Change.SAME if good[0] else Change.STILL


def is_regression(case: CaseHistory, now: Status) -> bool:
    """A case that is not as good as in the baseline: new, worse, or added and bad."""
    if case.change is Change.ADDED:
        return now not in GOOD
    return case.change is Change.NEW or (case.change is Change.WORSE and now not in GOOD)


def _moved(before: Ended, now: Ended) -> Change | None:
    """Worse or better within the good, or within the bad; None where nothing speaks for either."""
    undecided = before.status is Status.INCONCLUSIVE, now.status is Status.INCONCLUSIVE
    if undecided[0] != undecided[1] and now.status not in GOOD:
        return Change.WORSE if undecided[0] else Change.BETTER
    old, new = before.error_over_tolerance, now.error_over_tolerance
    if isnan(old) or isnan(new) or max(old, new) < NOTICEABLE:
        return None
    if new > DECADE * old:
        return Change.WORSE
    return Change.BETTER if old > DECADE * new else None
