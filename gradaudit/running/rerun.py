"""``--last-failed``: what ended badly in the last run is run again; its other verdicts stand beside the new ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gradaudit.history.changes import GOOD
from gradaudit.plan.fingerprint import Planned
from gradaudit.report import OutputError
from gradaudit.running.record import Result, Run
from gradaudit.running.resume import comparable, compared, first_few

NOTE = "not run again: the verdict is that of run"  #: begins what is said of a result that stands; its run follows


@dataclass(frozen=True)
class Rerun:
    """What ran before, beside the plan of today."""

    runs: tuple[Run, ...]  #: the last one first; those before it where it ran only some of the cases
    kept: Mapping[str, Result]  #: by id: what was good, and is still the same case

    def told(self, total: int) -> list[str]:
        """What a user should know before it starts; ``total`` cases are asked for."""
        left = total - len(self.kept)
        where = first_few([run.id for run in self.runs])
        standing = f"{len(self.kept)} of {total} were good in {where} and stand as they were"
        return [f"{standing}, {left} to run" if left else f"{standing}; nothing had failed, so nothing runs"]


def last_failed(asked: Run, plan: Sequence[Planned], *, suite: Path) -> Rerun:
    """What stands of the runs of the suite in the folder ``suite``, with the shard that is ``asked`` for.

    A case is run again unless it was good the last time that it ran, and neither its settings nor its inputs have
    changed. Runs of some selected cases are looked behind, as far as the last run of the whole suite: trying one case
    again does not make all others unknown. Raises OutputError where there is no run to go by.
    """
    runs: list[Run] = []
    ended: dict[str, Result | None] = {}
    for stored in comparable(asked, suite):
        runs.append(stored.run)
        kept = compared(stored, asked, plan).kept
        for id_ in stored.results:
            good = id_ in kept and kept[id_].verdict.status in GOOD
            ended.setdefault(id_, _carried(kept[id_], stored.run) if good else None)
        if stored.run.whole:
            break
    if not runs:
        raise OutputError(f"{suite} has no run of this suite to go by; leave --last-failed out")
    return Rerun(tuple(runs), {id_: result for id_, result in ended.items() if result is not None})


def _carried(result: Result, run: Run) -> Result:
    """The result with a note that it was not measured again: a reader must not take it for tonight's."""
    notes = result.verdict.notes
    if any(note.startswith(NOTE) for note in notes):  # that run had it from one before, which measured it
        return result
    return replace(result, verdict=replace(result.verdict, notes=(*notes, f"{NOTE} {run.id}")))
