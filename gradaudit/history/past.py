"""Where a run stands among the earlier ones: what changed since its baseline, and each case's row of ends."""

import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from gradaudit import report
from gradaudit.history.changes import GOOD, change_of
from gradaudit.history.index import Index, StoredEnd, StoredRun, digests, storable
from gradaudit.judge.verdict import Status, Verdict
from gradaudit.plan.case import Case
from gradaudit.running.record import Audit, Before, CaseHistory, History, PastEnd, PastRun, Result, Run

LAST = 30  #: runs, and ends of a case, that a report shows
#: A case is flaky where it changed sides this often over its last runs, its sources being the same.
TURNS = 3
WATCHED = 10  #: runs that are looked at for that


def looked_back(audit: Audit, home: Path, *, baseline: Audit | None = None, compare: bool = True) -> History:
    """The history of ``audit``, whose run's folder lies in ``home`` or will.

    It is compared with ``baseline``; without one, with the last complete run of the whole suite before it; with nothing
    where ``compare`` is False. An index that breaks costs the rows of ends, never the run.
    """
    with suppress(sqlite3.Error):
        return _looked_back(audit, home, baseline, compare)
    return compared(audit, baseline)


def remember(audit: Audit, home: Path) -> None:
    """Index a run whose reports stand in ``home`` now, so that the next one need not read it. Never raises for it."""
    with suppress(sqlite3.Error), Index(home.parent, at_hand={home.name: audit}):
        pass


def _looked_back(audit: Audit, home: Path, baseline: Audit | None, compare: bool) -> History:
    with Index(home, unfinished=audit.run.id) as index:
        # a merged run begins with its first shard, which is a part of it and not a run before it
        earlier = [run for run in index.runs() if run.started < audit.run.started]
        if baseline is None and compare:
            baseline = _baseline(earlier, index, only=_wanted(audit))
        shown = earlier[-LAST:]
        ends = _Ends.of(index.ends_in([run.id for run in shown]), shown)
        runs = {run.id: run for run in earlier}
        history = compared(audit, baseline)
        cases = {result.case.id: result for result in audit.results}
        return replace(
            history,
            runs=tuple(map(_past_run, shown)),
            cases=tuple(
                _with_past(case, cases[case.id], audit.run, ends=ends, index=index, runs=runs)
                if case.id in cases
                else case
                for case in history.cases
            ),
        )


def compared(audit: Audit, baseline: Audit | None) -> History:
    """What changed between two runs, without the runs in between. Cases renamed by ``was`` are the same."""
    if baseline is None:
        return History(cases=tuple(CaseHistory(result.case.id) for result in audit.results))
    before = {result.case.id: result for result in baseline.results}
    cases = [_compared_case(result, _found(before, result.case)) for result in audit.results]
    known = {id_ for result in audit.results for id_ in _ids(result.case)}
    removed = [_removed(result) for id_, result in before.items() if id_ not in known]
    return History(baseline=baseline.run, cases=(*cases, *(removed if _same_extent(audit, baseline) else ())))


def _same_extent(audit: Audit, baseline: Audit) -> bool:
    """Whether what is missing is gone from the suite, and was not merely left out of the run."""
    return audit.run.complete and audit.run.covers_suite and audit.run.files == baseline.run.files


def _compared_case(result: Result, before: Result | None) -> CaseHistory:
    verdict = result.verdict
    if before is None:
        return CaseHistory(result.case.id, change_of(None, _before(verdict)))
    seeded_alike = result.case.seed == before.case.seed
    change = change_of(_before(before.verdict), _before(verdict), same_numbers=seeded_alike)
    old, new = digests(before.verdict.sources), digests(verdict.sources)
    changed = tuple(role for role in new if role in old and new[role] != old[role])
    return CaseHistory(result.case.id, change, _before(before.verdict), changed=changed)


def _removed(result: Result) -> CaseHistory:
    before = _before(result.verdict)
    return CaseHistory(result.case.id, change_of(before, None), before)


def _before(verdict: Verdict) -> Before:
    return Before(verdict.status, verdict.diagnosis, verdict.measures.error_over_tolerance, verdict.curves)


def _ids(case: Case) -> tuple[str, ...]:
    """Today's id first, then those it had."""
    return (case.id, *case.was)


def _found(before: dict[str, Result], case: Case) -> Result | None:
    return next((before[id_] for id_ in _ids(case) if id_ in before), None)


def baselines(runs: Sequence[StoredRun]) -> list[StoredRun]:
    """Those of ``runs``, oldest first, that a later one may be compared with, the best of them first.

    The last complete run of the whole suite; where none is whole, the last that is complete.
    """
    complete = [run for run in runs if run.complete]
    return [run for run in complete if run.whole][::-1] or complete[::-1]


def _baseline(earlier: Sequence[StoredRun], index: Index, *, only: Collection[str] | None) -> Audit | None:
    for run in baselines(earlier):
        with suppress(report.OutputError):  # damaged since it was indexed
            return index.audit(run.id, only=only)
    return None


def _wanted(audit: Audit) -> Collection[str] | None:
    """The ids of a baseline that a run of a part of its suite is compared with; None: all, for some may be gone."""
    if audit.run.covers_suite:
        return None
    return {id_ for result in audit.results for id_ in _ids(result.case)}


@dataclass(frozen=True)
class _Ends:
    """The ends of the last runs by case."""

    by_id: dict[str, list[StoredEnd]]
    order: dict[str, int]  #: of the runs

    @classmethod
    def of(cls, ends: Iterable[StoredEnd], runs: Sequence[StoredRun]) -> "_Ends":
        found: dict[str, list[StoredEnd]] = defaultdict(list)
        for end in ends:
            found[end.id].append(end)
        return cls(found, {run.id: position for position, run in enumerate(runs)})

    def of_case(self, case: Case) -> list[StoredEnd]:
        """Oldest first, under any name; in a run that had cases of several of its names, under the first of them."""
        lists = [self.by_id[id_] for id_ in map(storable, _ids(case)) if id_ in self.by_id]
        if len(lists) == 1:
            return lists[0]
        one_a_run = {end.run: end for ends in reversed(lists) for end in ends}
        return sorted(one_a_run.values(), key=lambda end: self.order[end.run])


def _with_past(
    case: CaseHistory, result: Result, run: Run, *, ends: _Ends, index: Index, runs: Mapping[str, StoredRun]
) -> CaseHistory:
    past = ends.of_case(result.case)
    case = replace(
        case,
        ends=tuple(PastEnd(end.run, end.status, end.error_over_tolerance) for end in past),
        flaky=_is_flaky(past[-WATCHED:], result.verdict),
    )
    if result.verdict.status in GOOD:
        return case
    trend = [(runs[end.run], end.status) for end in index.trend(_ids(result.case)) if end.run in runs]
    last_good, first_bad = _turning_point(trend)
    this = PastRun(run.id, run.started, run.git.get("commit", ""))
    return replace(
        case,
        last_good=_past_run(last_good) if last_good else None,
        first_bad=_past_run(first_bad) if first_bad else this,
    )


def _turning_point(trend: Sequence[tuple[StoredRun, Status]]) -> tuple[StoredRun | None, StoredRun | None]:
    """The last run in which the case was good, and the first after it in which it was not, of the runs before."""
    last_good, first_bad = None, None
    for run, status in trend:
        if status in GOOD:
            last_good, first_bad = run, None
        elif first_bad is None:
            first_bad = run
    return last_good, first_bad


def _is_flaky(past: Sequence[StoredEnd], now: Verdict) -> bool:
    """Sides changed several times, and no text did: a case that was broken and mended is not flaky."""
    texts = digests(now.sources)
    same = [end for end in past if end.sources == texts]
    sides = [end.status in GOOD for end in same] + [now.status in GOOD]
    return sum(a != b for a, b in pairwise(sides)) >= TURNS


def _past_run(run: StoredRun) -> PastRun:
    return PastRun(run.id, run.started, run.commit)
