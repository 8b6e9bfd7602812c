"""What a run has changed: the sentence over a report, and how its surroundings differ from those of the baseline."""

from collections import Counter
from collections.abc import Iterator, Mapping
from math import inf, log10, nan

from gradaudit.judge.verdict import Status
from gradaudit.report.text import passes, seeds, summary, unfinished
from gradaudit.running.record import Audit, CaseHistory, Change, History, Result, Run

#: What the suite did not ask for and nobody can be content with; an inconclusive case is none of them.
FAILING = frozenset({Status.FAIL, Status.XPASS, Status.ERROR, Status.TIMEOUT, Status.CRASH})


def case_histories(audit: Audit) -> Mapping[str, CaseHistory]:
    """What is known of each case from earlier runs, by id; cases that are gone are among them."""
    return {found.id: found for found in audit.history.cases} if audit.history else {}


def is_new_failure(result: Result, past: CaseHistory | None) -> bool:
    """It fails now, and did not in the baseline, which may not have had it; False where nothing is compared."""
    if past is None or past.change is None or result.verdict.status not in FAILING:
        return False
    return past.change in (Change.NEW, Change.ADDED)


def is_still_failing(result: Result, past: CaseHistory | None) -> bool:
    """It fails as it did in the baseline, or less badly; False where nothing is compared."""
    if past is None or result.verdict.status not in FAILING:
        return False
    return past.change in (Change.SAME, Change.BETTER)


def headline(audit: Audit) -> str:
    """``3 new failures, 1 worse, 2 fixed; 494 of 500 pass``; without a baseline, how many cases ended how."""
    if audit.history is None or audit.history.baseline is None:
        return summary(audit)
    changed = ", ".join(changes(audit)) or _without_news(audit.history)
    passed = sum(result.verdict.status is Status.PASS for result in audit.results)
    return f"{changed}; {passes(passed, len(audit.results))}{unfinished(audit)}"


def _without_news(history: History) -> str:
    """A case may have come, gone, become better or undecided, though nothing that fails is new."""
    unchanged = {None, Change.SAME}
    return "nothing changed" if {case.change for case in history.cases} <= unchanged else "no new failures"


def removed(audit: Audit) -> list[str]:
    """Ids of cases that the baseline had and this run has not."""
    return [past.id for past in case_histories(audit).values() if past.change is Change.REMOVED]


def decades(result: Result, past: CaseHistory | None) -> float:
    """By how many powers of ten error over tolerance grew since the baseline; NaN where either is not a number."""
    before = past.before.error_over_tolerance if past and past.before else nan
    now = result.verdict.measures.error_over_tolerance
    # their quotient may be too small or too large for a number
    return log10(now) - log10(before) if 0 < before < inf and 0 < now < inf else nan


def surroundings(audit: Audit) -> list[tuple[str, str, str]]:
    """(what, in the baseline, now) for everything around the cases that is not what it was."""
    if audit.history is None or audit.history.baseline is None:
        return []
    before, now = (dict(_facts(run)) for run in (audit.history.baseline, audit.run))
    names = dict.fromkeys([*before, *now])
    return [(name, before.get(name, ""), now.get(name, "")) for name in names if before.get(name) != now.get(name)]


def changes(audit: Audit) -> Iterator[str]:
    """``3 new failures``, ``1 worse``, …: what happened since the baseline, in counts; nothing where nothing did."""
    histories = case_histories(audit)
    pairs = [(result, histories.get(result.case.id)) for result in audit.results]
    new = sum(is_new_failure(result, past) for result, past in pairs)
    still = sum(is_still_failing(result, past) for result, past in pairs)
    counts = Counter(past.change for _, past in pairs if past)
    if new:
        yield f"{new} new failure{'s' if new > 1 else ''}"
    if counts[Change.WORSE]:
        yield f"{counts[Change.WORSE]} worse"
    if still:
        yield f"{still} still failing"
    if counts[Change.FIXED]:
        yield f"{counts[Change.FIXED]} fixed"


def _facts(run: Run) -> Iterator[tuple[str, str]]:
    yield "seed", seeds(run)
    yield "command line", " ".join(run.arguments)
    yield from run.versions.items()
    yield from run.git.items()
    yield from run.machine.items()
