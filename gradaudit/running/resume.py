"""Going on with a run that did not finish: which one, what of it still counts, and what is to run."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from gradaudit import report
from gradaudit.judge.verdict import Status
from gradaudit.plan.fingerprint import Planned
from gradaudit.report import OutputError, Stored
from gradaudit.running.record import Result, Run

LAST = "last"  #: in place of a run's id: the last run of the suite that did not finish
NAMED = 5  #: cases or shards that a sentence names


@dataclass(frozen=True)
class Resumed:
    """A stored run beside the plan of today."""

    stored: Stored
    asked: Run  #: what the command would run, were it not for the stored one
    kept: Mapping[str, Result]  #: by id: what was measured and still is what the suite asks for
    changed: tuple[str, ...]  #: ids that ran, and are no longer the same case, or are expected to pass by now
    gone: tuple[str, ...]  #: ids that the plan has no longer

    @property
    def home(self) -> Path:
        """The folder of the run."""
        return self.stored.path.parent

    @property
    def run(self) -> Run:
        """The run as it goes on from now: its id, its beginning and its command line stay; its cases are today's."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        run = self.stored.run
        return replace(run, complete=False, resumed=(*run.resumed, now), seed=self.asked.seed, whole=self.asked.whole)

    def told(self, total: int) -> list[str]:
        """What a user should know before it goes on; ``total`` cases are asked for."""
        left = total - len(self.kept)
        head = f"resuming {self.stored.run.id}: {len(self.kept)} of {total} cases are there"
        lines = [f"{head}, {left} to run" if left else f"{head}; nothing is missing, the reports are rendered again"]
        if self.changed:
            lines.append(f"changed since then, and run again: {first_few(self.changed)}")
        if self.gone:
            lines.append(f"no longer selected, and left out: {first_few(self.gone)}")
        if left and self.kept and self.asked.git != self.stored.run.git:
            lines.append("the git state is not that of the first part: kept results tell nothing of what changed since")
        return lines


def resumed(which: str, asked: Run, plan: Sequence[Planned], *, suite: Path) -> Resumed:
    """The run to go on with: ``which`` is LAST, or what ``report.find_run`` understands; ``suite`` is its folder.

    ``asked`` and ``plan`` are what the command would run. LAST is the last run of the suite, with this shard, that did
    not finish; or the last run, where it has all that ``plan`` asks for. Raises OutputError where there is none, or
    where ``which`` is a run of something else.
    """
    if which == LAST:
        return _last(asked, plan, suite)
    stored = report.read_stored(report.find_run(which, folder=suite.parent))
    _require_kin(stored, asked)
    found = compared(stored, asked, plan)
    if stored.results and not found.kept:
        remedy = "were --seed, --set, --power or the selection others? Leave --resume out to begin a new run"
        raise OutputError(f"{stored.path}: none of its {len(stored.results)} results is a case of this plan; {remedy}")
    return found


def _last(asked: Run, plan: Sequence[Planned], suite: Path) -> Resumed:
    for number, stored in enumerate(comparable(asked, suite)):
        found = compared(stored, asked, plan)
        if not stored.run.complete and (found.kept or not stored.results):
            return found
        if number == 0 and stored.run.complete and stored.plan == tuple(plan):
            return found
    part = f" (shard {asked.shard})" if asked.shard else ""
    raise OutputError(f"no unfinished run{part} of this suite in {suite}; leave --resume out to begin a new one")


def comparable(asked: Run, suite: Path) -> Iterator[Stored]:
    """The runs in the folder ``suite`` that are of the suite and the shard that are ``asked`` for, the last first."""
    for home in report.runs_of(suite):
        with suppress(OutputError):  # by its name it would be refused, with the reason
            stored = report.read_stored(home / "results.jsonl")
            if stored.run.shard == asked.shard and stored.run.suite == asked.suite and stored.plan:
                yield stored


def _require_kin(stored: Stored, asked: Run) -> None:
    run = stored.run
    if not stored.plan:
        raise OutputError(f"{stored.path}: results of format 1 cannot be resumed; run the suite again")
    if run.suite != asked.suite:
        raise OutputError(f"{stored.path}: a run of suite {run.suite!r}, and this is {asked.suite!r}; give its files")
    if run.shard != asked.shard:
        had, wanted = (f"shard {shard}" if shard else "the whole suite" for shard in (run.shard, asked.shard))
        raise OutputError(f"{stored.path}: it ran {had}, and this command asks for {wanted}; give the same --shard")


def compared(stored: Stored, asked: Run, plan: Sequence[Planned]) -> Resumed:
    """What of a stored run is still what ``plan`` asks for, and as it would be judged today."""
    today = date.today()
    now = {one.id: one.fingerprint for one in plan if asked.shard is None or asked.shard.holds(one.id)}
    had = {one.id: one.fingerprint for one in stored.plan if one.id in stored.results}
    same = (stored.results[id_] for id_ in now if had.get(id_) == now[id_])
    kept = {result.case.id: result for result in same if not _has_lapsed(result, today)}
    return Resumed(
        stored,
        asked,
        kept=kept,
        changed=tuple(id_ for id_ in now if id_ in had and id_ not in kept),
        gone=tuple(id_ for id_ in had if id_ not in now),
    )


def _has_lapsed(result: Result, today: date) -> bool:
    """Whether it ended as the suite expected it to until a day that has gone by: today it would fail."""
    expect = result.case.expect
    return result.verdict.status is Status.XFAIL and expect is not None and not expect.holds_on(today)


def first_few(things: Sequence[object]) -> str:
    """``a, b, c, d, e and 7 more``."""
    more = f" and {len(things) - NAMED} more" if len(things) > NAMED else ""
    return ", ".join(map(str, things[:NAMED])) + more
