"""Deleting the folders of old runs."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gradaudit import report
from gradaudit.history.index import Index, StoredRun
from gradaudit.history.past import baselines


def prune(home: Path, *, keep: timedelta, now: datetime | None = None) -> list[StoredRun]:
    """Delete the runs in ``home`` that began longer than ``keep`` ago, and give those whose folders are gone.

    Whatever its age, the run that the next one would be compared with stays, and one that is still going on.
    """
    oldest = (now or datetime.now(UTC)) - keep
    with Index(home) as index:
        runs = index.runs()
    baseline = baselines(runs)[:1]
    old = [run for run in runs if run not in baseline and datetime.fromisoformat(run.started) < oldest]
    finished = [run for run in old if not report.is_being_written(home / run.id / "results.jsonl")]
    for run in finished:
        shutil.rmtree(home / run.id, ignore_errors=True)
    with Index(home):  # forgets them
        return [run for run in finished if not (home / run.id).exists()]
