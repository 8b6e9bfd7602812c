"""Where a run begins: with nothing, with what an unfinished run has left, or with what was good in the last one."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gradaudit import report
from gradaudit.plan.fingerprint import Planned
from gradaudit.running.record import Result, Run
from gradaudit.running.rerun import Rerun, last_failed
from gradaudit.running.resume import Resumed, resumed


@dataclass(frozen=True)
class Opening:
    """A run before its first case."""

    run: Run
    home: Path  #: its folder
    plan: tuple[Planned, ...]
    earlier: Resumed | None = None  #: the run that it goes on with
    rerun: Rerun | None = None  #: the run whose good verdicts stand

    @property
    def kept(self) -> Mapping[str, Result]:
        """Results that are there already, by id."""
        known = self.earlier or self.rerun
        return known.kept if known else {}

    def told(self, total: int) -> list[str]:
        """What a user should know before it starts; ``total`` cases are asked for."""
        known = self.earlier or self.rerun
        return known.told(total) if known else []

    def results_file(self) -> report.ResultsFile:
        """The results, open and locked; a run that is killed from now on can be resumed.

        Raises OutputError where they cannot be written.
        """
        make = report.ResultsFile.resume if self.earlier else report.ResultsFile.create
        stored = make(self.home / "results.jsonl", self.run, self.plan)
        try:
            report.write_beginning(self.run, self.home)
        except BaseException:
            stored.close()
            raise
        return stored


def opened(described: Run, plan: tuple[Planned, ...], *, home: Path, resume: str | None, only_failed: bool) -> Opening:
    """The beginning of the run ``described``, in the folder ``home``, or of the one that ``resume`` names.

    ``only_failed`` lets verdicts of the last run stand. Raises OutputError where there is no such run.
    """
    if resume is None:
        rerun = last_failed(described, plan, suite=home.parent) if only_failed else None
        return Opening(described, home, plan, rerun=rerun)
    earlier = resumed(resume, described, plan, suite=home.parent)
    return Opening(earlier.run, earlier.home, plan, earlier)
