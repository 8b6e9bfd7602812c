"""What a run leaves, as plain data: each case with its verdict, and what is true of the whole."""

from collections.abc import Mapping
from dataclasses import dataclass

from gradaudit.judge.verdict import Verdict
from gradaudit.plan.case import Case


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
    duration_s: float
    complete: bool  #: False where the run was interrupted or a backend broke
    seed: int
    arguments: tuple[str, ...]  #: the command line, to run it again
    versions: Mapping[str, str]
    git: Mapping[str, str]  #: commit, branch, dirty; empty outside a repository
    machine: Mapping[str, str]


@dataclass(frozen=True)
class Audit:
    """A finished (or interrupted) run: what every report format renders."""

    run: Run
    results: tuple[Result, ...]  #: in the order of the plan
