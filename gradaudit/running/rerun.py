"""``--last-failed``: what ended badly in the last run is run again; its other verdicts stand beside the new ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gradaudit.history.changes import GOOD
from gradaudit.plan.fingerprint import Planned
from gradaudit.report import OutputError
from gradaudit.running.record import Result, Run
from gradaudit.running.resume import comparable, compared

NOTE = "not run again: the verdict is that of run"  #: begins what is said of a result that stands; its run follows


@dataclass(frozen=True)
class Rerun:
    """The last run beside the plan of today."""

    last: Run
    kept: Mapping[str, Result]  #: by id: what was good, and is still the same case

    def told(self, total: int) -> list[str]:
        """What a user should know before it starts; ``total`` cases are asked for."""
        left = total - len(self.kept)
        standing = f"{len(self.kept)} of {total} were good in {self.last.id} and stand as they were"
        return [f"{standing}, {left} to run" if left else f"{standing}; nothing had failed, so nothing runs"]


def last_failed(asked: Run, plan: Sequence[Planned], *, suite: Path) -> Rerun:
    """The last run of the suite in the folder ``suite``, with the shard that is ``asked`` for.

    A case is run again unless it was good there and neither its settings nor its inputs have changed. Raises
    OutputError where there is no run to go by.
    """
    for stored in comparable(asked, suite):
        kept = compared(stored, asked, plan).kept
        good = {id_: _carried(result, stored.run) for id_, result in kept.items() if result.verdict.status in GOOD}
        return Rerun(stored.run, good)
    raise OutputError(f"{suite} has no run of this suite to go by; leave --last-failed out")


def _carried(result: Result, run: Run) -> Result:
    """The result with a note that it was not measured again: a reader must not take it for tonight's."""
    notes = result.verdict.notes
    if any(note.startswith(NOTE) for note in notes):  # that run had it from one before, which measured it
        return result
    return replace(result, verdict=replace(result.verdict, notes=(*notes, f"{NOTE} {run.id}")))
