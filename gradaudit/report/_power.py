"""The resolving power of a suite: what became of each known fault, over all claims into which it was planted."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from gradaudit.judge.verdict import Catch, Planted
from gradaudit.report import _printable
from gradaudit.running.record import Audit, Result

#: How a fault that applies can end, in the order of the columns.
ENDINGS = (Catch.CAUGHT, Catch.MISSED, Catch.UNDECIDED)
LONGEST = 30  #: contradictions that are named one by one


@dataclass(frozen=True)
class Power:
    """One fault: how many claims it was planted into (``check`` of a case), and how they ended."""

    fault: str
    outcomes: Counter[Catch]

    @property
    def applicable(self) -> int:
        """The claims that the fault changes."""
        return sum(self.outcomes.values()) - self.outcomes[Catch.NOT_APPLICABLE]

    def share(self, outcome: Catch) -> str:
        """How many of those ended so, per cent; a dash where there are none."""
        return f"{self.outcomes[outcome] / self.applicable:.1%}".replace("%", " %") if self.applicable else "–"


def resolving_power(audit: Audit) -> list[Power]:
    """Every fault that was planted, coarse to fine; nothing where the self-test was not asked for."""
    counts: dict[str, Counter[Catch]] = {}
    for _, planted in _all_planted(audit):
        counts.setdefault(planted.fault, Counter())[planted.outcome] += 1
    return [Power(fault, outcomes) for fault, outcomes in counts.items()]


def counts(audit: Audit) -> dict[str, dict[str, dict[str, int]]]:
    """``{"power": {"all zero": {"caught": 40, "missed": 0, …}, …}}``; empty without a self-test."""
    found = {row.fault: {str(outcome): row.outcomes[outcome] for outcome in Catch} for row in resolving_power(audit)}
    return {"power": found} if found else {}


def sentence(audit: Audit) -> str:
    """All faults together, and whether a pass claimed more than it could; empty without a self-test."""
    rows = resolving_power(audit)
    if not rows:
        return ""
    caught, missed, undecided = (sum(row.outcomes[one] for row in rows) for one in ENDINGS)
    total = sum(row.applicable for row in rows)
    against = len(contradictions(audit))
    verdict = f"{against} against the bound of the pass" if against else "none above the bound of its pass"
    ended = f"{caught} were caught, {missed} missed ({verdict}), {undecided} undecided"
    return f"Of {total} known faults planted into claims that pass, {ended}."


def contradictions(audit: Audit) -> list[tuple[Result, Planted]]:
    """The faults that were missed though the bound of the pass says that they would have failed."""
    return [(result, planted) for result, planted in _all_planted(audit) if planted.contradicts_bound]


def as_text(audit: Audit) -> list[str]:
    """The table for a terminal, and the names of the cases that missed a fault above their own bound."""
    rows = resolving_power(audit)
    if not rows:
        return []
    title = "planted fault"
    width = max(len(_printable.one_line(name)) for name in (title, *(row.fault for row in rows)))
    header = f"{title:<{width}}{'caught':>14}{'missed':>14}{'undecided':>14}{'n.a.':>6}"
    return [header, *(_line(row, width) for row in rows), *_named(audit), sentence(audit)]


def _line(row: Power, width: int) -> str:
    cells = (f"{row.outcomes[one]:>6} {row.share(one):>7}" for one in ENDINGS)
    name = _printable.one_line(row.fault)
    return f"{name:<{width}}{''.join(cells)}{row.outcomes[Catch.NOT_APPLICABLE]:>6}"


def _named(audit: Audit) -> Iterator[str]:
    found = contradictions(audit)
    for result, planted in found[:LONGEST]:
        says = f"{planted.error_over_bound:.3g} times what its bound says would fail, at {planted.element}"
        yield _printable.one_line(f"MISSED {result.case.id}  {planted.fault} in {planted.check}: {says}")
    if len(found) > LONGEST:
        yield f"… and {len(found) - LONGEST} more; power.csv has all of them"


def _all_planted(audit: Audit) -> Iterator[tuple[Result, Planted]]:
    return ((result, planted) for result in audit.results for planted in result.verdict.power)
