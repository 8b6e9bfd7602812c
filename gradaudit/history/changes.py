"""What became of a case between two runs: one word for it, by rules that stand here alone."""

from math import isnan
from typing import Protocol

from gradaudit.judge.verdict import Status
from gradaudit.running.record import Audit, Change

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


def change_of(before: Ended | None, now: Ended | None, *, same_numbers: bool = True) -> Change:
    """The change from ``before`` to ``now``, at least one of which is there.

    Sizes of errors are compared only where both were measured at the ``same_numbers``: with another seed they differ by
    chance. Raises ValueError where both are missing.
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
    moved = _moved(before, now) if same_numbers else None
    return Change.SAME if moved is None else moved


def regressions(audit: Audit, *, strict: bool = False) -> list[str]:
    """Ids of the cases that are not as good as in the baseline: new, worse, or added and bad.

    An inconclusive case counts only if ``strict``, as for the exit status.
    """
    changes = {case.id: case.change for case in audit.history.cases} if audit.history else {}
    accepted = GOOD if strict else GOOD | {Status.INCONCLUSIVE}
    bad = [result.case.id for result in audit.results if result.verdict.status not in accepted]
    return [id_ for id_ in bad if changes.get(id_) in (Change.NEW, Change.WORSE, Change.ADDED)]


def _moved(before: Ended, now: Ended) -> Change | None:
    """Worse or better within the good, or within the bad; None where nothing speaks for either."""
    undecided = before.status is Status.INCONCLUSIVE, now.status is Status.INCONCLUSIVE
    if undecided[0] != undecided[1]:
        return Change.WORSE if undecided[0] else Change.BETTER
    old, new = before.error_over_tolerance, now.error_over_tolerance
    if isnan(old) or isnan(new) or max(old, new) < NOTICEABLE:
        return None
    if new > DECADE * old:
        return Change.WORSE
    return Change.BETTER if old > DECADE * new else None
