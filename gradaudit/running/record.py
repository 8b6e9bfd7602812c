"""What a run leaves, as plain data: each case with its verdict, what is true of the whole, and what was before."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import nan

from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.verdict import CurvePoint, Status, Verdict
from gradaudit.plan.case import Case
from gradaudit.plan.fingerprint import Planned
from gradaudit.plan.shard import Shard


@dataclass(frozen=True)
class Result:
    """A case and how it ended: one line of ``results.jsonl``."""

    case: Case
    verdict: Verdict


@dataclass(frozen=True)
class Run:
    """What is true of a whole run: ``run.json``."""

    id: str  #: ``20261123-001500-ab12cd``
    suite: str  #: name of the suite
    files: tuple[str, ...]  #: suite files, as the user named them
    started: str  #: ISO 8601, UTC
    duration_s: float  #: in all its parts, where it was cut off and gone on with
    complete: bool  #: every case that was to run has a verdict: it was neither interrupted, nor stopped, nor broke
    seed: int | tuple[int, ...]  #: of all its cases; every one there is, where it ran suites of several
    arguments: tuple[str, ...]  #: the command line, to run it again
    versions: Mapping[str, str]
    git: Mapping[str, str]  #: commit, branch, dirty; empty outside a repository
    machine: Mapping[str, str]
    shard: Shard | None = None  #: which part of the selected cases this run has; None: all of them
    resumed: tuple[str, ...] = ()  #: when it was gone on with, ISO 8601, UTC
    whole: bool = True  #: every case of the suite was selected, in all shards together: one that is missing is gone

    @property
    def seeds(self) -> tuple[int, ...]:
        """Every seed that a case of it has."""
        return self.seed if isinstance(self.seed, tuple) else (self.seed,)

    @property
    def covers_suite(self) -> bool:
        """Whether a case that is not in this run is gone from the suite."""
        return self.whole and self.shard is None


class Change(StrEnum):
    """What became of a case since the baseline. Good is: pass, or as the suite expects; all else is bad."""

    NEW = "new"  #: good then, bad now
    FIXED = "fixed"  #: bad then, good now
    WORSE = "worse"  #: its error over tolerance grew, or its status did: from inconclusive to fail
    BETTER = "better"  #: the same, the other way
    ADDED = "added"  #: the baseline had no such case
    REMOVED = "removed"  #: the baseline had it, this run has not
    SAME = "same"  #: none of these: as good as it was, or as bad


@dataclass(frozen=True)
class PastRun:
    """An earlier run of the suite, as far as a trend names it."""

    id: str
    started: str  #: ISO 8601, UTC
    commit: str = ""  #: empty outside a repository


@dataclass(frozen=True)
class PastEnd:
    """How a case ended in an earlier run."""

    run: str  #: id of the run
    status: Status
    error_over_tolerance: float = nan


@dataclass(frozen=True)
class Before:
    """A case as the baseline had it."""

    status: Status
    diagnosis: Diagnosis | None = None
    error_over_tolerance: float = nan
    curves: tuple[CurvePoint, ...] = ()  #: drawn under the curve of this run


@dataclass(frozen=True)
class CaseHistory:
    """What is known of a case from earlier runs."""

    id: str  #: of the case, under today's name
    change: Change | None = None  #: since the baseline; None where there is none
    before: Before | None = None  #: in the baseline; None where it had no such case
    ends: tuple[PastEnd, ...] = ()  #: earlier runs that had the case, oldest first, at most 30, this run left out
    last_good: PastRun | None = None  #: of a case that is bad now: the last run in which it was good
    first_bad: PastRun | None = None  #: and the first after it in which it was not; it may be this run
    changed: tuple[str, ...] = ()  #: sources that are not what they were in the baseline: ``function``, ``gradient``
    flaky: bool = False  #: good and bad in turn over its last runs, though its sources stayed as they were


@dataclass(frozen=True)
class History:
    """What a run is compared with, and where it stands in the row of runs before it."""

    baseline: Run | None = None  #: None: no earlier run was complete, or none was to be compared with
    runs: tuple[PastRun, ...] = ()  #: oldest first, at most 30, this run left out
    cases: tuple[CaseHistory, ...] = ()  #: the cases of this run, and those that were removed


@dataclass(frozen=True)
class Audit:
    """A finished (or interrupted) run: what every report format renders."""

    run: Run
    results: tuple[Result, ...]  #: in the order of the plan
    #: None: nobody looked; no report speaks of earlier runs
    history: History | None = field(default=None, compare=False, repr=False)
    plan: tuple[Planned, ...] = ()  #: every selected case, those of other shards and unfinished ones too; () unknown
