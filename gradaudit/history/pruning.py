"""Deleting the folders of old runs."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gradaudit.history.index import Index, StoredRun


def prune(home: Path, *, keep: timedelta, now: datetime | None = None) -> list[StoredRun]:
    """Delete the runs in ``home`` that began longer than ``keep`` ago, and give what was deleted.

    The last complete run stays whatever its age: it is what the next one is compared with.
    """
    oldest = (now or datetime.now(UTC)) - keep
    with Index(home) as index:
        runs = index.runs()
    baseline = next((run.id for run in reversed(runs) if run.complete), None)
    old = [run for run in runs if run.id != baseline and datetime.fromisoformat(run.started) < oldest]
    for run in old:
        shutil.rmtree(home / run.id, ignore_errors=True)
    with Index(home):  # forgets them
        return old
