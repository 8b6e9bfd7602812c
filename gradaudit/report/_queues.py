"""The queues that a reviewer works through, in order: what is new first, what is as expected last."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from gradaudit.judge.verdict import Status
from gradaudit.plan.case import Expectation
from gradaudit.report._since import case_histories, is_new_failure, is_still_failing
from gradaudit.running.record import Audit, CaseHistory, Change, Result

#: An expectation that ends within this time is shown before it fails.
SOON = timedelta(days=14)

_BROKEN = (Status.ERROR, Status.CRASH, Status.TIMEOUT)


def ends_soon(expect: Expectation, today: date) -> bool:
    """Whether the expectation ends so soon that a reader should know before it fails; one that has lapsed fails now."""
    return expect.until is not None and expect.holds_on(today) and expect.until - today <= SOON


@dataclass(frozen=True)
class Queue:
    """One chip over the table."""

    key: str  #: as it stands in links and styles
    label: str
    about: str  #: what is in it, in a sentence
    members: frozenset[int]  #: positions in the list of results


@dataclass(frozen=True)
class _Item:
    """A result as a rule sees it."""

    result: Result
    past: CaseHistory | None
    today: date

    @property
    def status(self) -> Status:
        return self.result.verdict.status

    @property
    def change(self) -> Change | None:
        return self.past.change if self.past else None

    @property
    def expires(self) -> bool:
        expect = self.result.case.expect
        return expect is not None and ends_soon(expect, self.today)


_Rule = tuple[str, str, str, Callable[[_Item], bool]]

_COMPARED: tuple[_Rule, ...] = (
    (
        "new",
        "new failures",
        "fail now, and did not in the run before",
        lambda item: is_new_failure(item.result, item.past),
    ),
    ("worse", "worse", "further from the tolerance than before", lambda item: item.change is Change.WORSE),
    ("still", "still failing", "fail as they did before", lambda item: is_still_failing(item.result, item.past)),
)
_ALONE: tuple[_Rule, ...] = (
    ("fail", "failures", "apart by more than tolerance and error bar", lambda item: item.status is Status.FAIL),
    ("xpass", "unexpected", "not as the suite expects", lambda item: item.status is Status.XPASS),
)
_ALWAYS: tuple[_Rule, ...] = (
    ("error", "errors and crashes", "raised, died or ran past the limit", lambda item: item.status in _BROKEN),
    ("flaky", "flaky", "pass and fail in turn", lambda item: bool(item.past and item.past.flaky)),
    (
        "inconclusive",
        "inconclusive",
        "the differences cannot decide",
        lambda item: item.status is Status.INCONCLUSIVE,
    ),
    ("fixed", "fixed", "failed before, and do not now", lambda item: item.change is Change.FIXED),
    ("expected", "expected", "fail as the suite expects", lambda item: item.status is Status.XFAIL),
    ("expiring", "expiring soon", f"expected to fail for less than {SOON.days} days more", lambda item: item.expires),
    ("all", "all", "every case", lambda item: True),
)


def queues(audit: Audit, results: Sequence[Result]) -> list[Queue]:
    """The queues that are not empty, the most urgent first; "all" is always there, last.

    `results` are those of `audit` in the order of the report, whose positions the queues hold.
    """
    today = date.fromisoformat(audit.run.started[:10])
    histories = case_histories(audit)
    compared = audit.history is not None and audit.history.baseline is not None
    items = [_Item(result, histories.get(result.case.id), today) for result in results]
    found = [
        Queue(key, label, about, frozenset(index for index, item in enumerate(items) if rule(item)))
        for key, label, about, rule in ((_COMPARED if compared else _ALONE) + _ALWAYS)
    ]
    return [queue for queue in found if queue.members or queue.key == "all"]
