"""An index of the runs of one suite, in SQLite: ``history.db`` beside their folders.

It holds nothing that the folders do not: it may be deleted, or damaged, at any time, and is made anew. What was
indexed is known by the size and time of its results, so that a run that was resumed is read again; so is what could
not be read, that no opening need find it out anew.
"""

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import nan
from pathlib import Path
from types import TracebackType
from typing import Self

from gradaudit import __version__, report
from gradaudit.judge.verdict import Status
from gradaudit.plan.case import Source
from gradaudit.running.record import Audit, Result

NAME = "history.db"
#: Version of the tables, in SQLite's user_version: another one is thrown away and made anew. History: 1 — the first;
#: 2 — what cannot be read is remembered.
FORMAT = 2
PATIENCE = 30.0  #: s to wait for another run that is writing

_TABLES = """
CREATE TABLE runs (
    id TEXT PRIMARY KEY, started TEXT, complete INTEGER, whole INTEGER,
    commit_id TEXT, duration_s REAL, counts TEXT, stamp TEXT
) WITHOUT ROWID;
CREATE TABLE ends (
    run TEXT, id TEXT, status TEXT, diagnosis TEXT, error_over_tolerance REAL, duration_s REAL, sources TEXT,
    PRIMARY KEY (id, run)
) WITHOUT ROWID;
CREATE INDEX ends_by_run ON ends (run);
CREATE TABLE unreadable (id TEXT PRIMARY KEY, stamp TEXT, reader TEXT) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class StoredRun:
    """A run as the index knows it."""

    id: str
    started: str  #: ISO 8601, UTC
    complete: bool
    whole: bool  #: every case of the suite was selected
    commit: str  #: empty outside a repository
    duration_s: float
    counts: dict[str, int]  #: cases by status


@dataclass(frozen=True)
class StoredEnd:
    """How a case ended in a run."""

    run: str
    id: str  #: of the case, as it was called then
    status: Status
    diagnosis: str  #: in the words of that run, which later versions may not know; empty without one
    error_over_tolerance: float
    duration_s: float
    sources: dict[str, str]  #: digest of the text of each function, by role


class Index:
    """The runs in ``home``, a folder of run folders; up to date when it has been entered.

    Never raises for a damaged or locked index, nor for a run that cannot be read, which is left out: history must not
    stop a run. Where ``home`` cannot be written, the index lives in memory. The folder ``unfinished`` is not read yet:
    that of a run that is still writing. Runs ``at_hand``, by the name of their folder, need not be read.
    """

    def __init__(self, home: Path, *, unfinished: str = "", at_hand: Mapping[str, Audit] | None = None) -> None:
        self.home = home
        self._unfinished = unfinished
        self._at_hand = at_hand or {}
        self._database = _opened(home)
        try:
            self._refresh()
        except sqlite3.Error:  # damaged behind its header, or locked for longer than anyone writes
            self._database.close()
            self._database = _emptied(home)
            self._refresh()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()

    def runs(self) -> list[StoredRun]:
        """Every run, oldest first."""
        rows = self._database.execute(
            "SELECT id, started, complete, whole, commit_id, duration_s, counts FROM runs ORDER BY started, id"
        )
        return [
            StoredRun(id_, started, bool(complete), bool(whole), commit, seconds, json.loads(counts))
            for id_, started, complete, whole, commit, seconds, counts in rows
        ]

    def audit(self, run: str, *, only: Collection[str] | None = None) -> Audit:
        """All that a run left, or its cases with ``only`` these ids. Raises OutputError."""
        return report.read(self.home / run, only=only)

    def trend(self, ids: Sequence[str]) -> list[StoredEnd]:
        """Every end of the case that has, or had, one of ``ids``: oldest first.

        A run may have had cases of several of these names: the first name is the case's own.
        """
        names = [storable(id_) for id_ in ids]
        found = self._ends(f"WHERE ends.id IN ({_marks(names)}) ORDER BY runs.started, runs.id", names)
        chosen = {end.run: end for end in sorted(found, key=lambda end: names.index(end.id), reverse=True)}
        return [end for end in found if chosen[end.run] is end]

    def names(self, id_: str) -> tuple[str, ...]:
        """``id_``, then the ids that the case had before, as the last run that has it knows them."""
        for end in reversed(self.trend([id_])):
            with suppress(report.OutputError):  # damaged since it was indexed
                cases = (result.case for result in report.read(self.home / end.run, brief=True).results)
                return (id_, *(former for case in cases if case.id == id_ for former in case.was))
        return (id_,)

    def ends_in(self, runs: Sequence[str]) -> list[StoredEnd]:
        """Every end in these runs, oldest run first."""
        return self._ends(f"WHERE ends.run IN ({_marks(runs)}) ORDER BY runs.started, runs.id", runs)

    def _ends(self, condition: str, values: Sequence[str]) -> list[StoredEnd]:
        rows = self._database.execute(
            "SELECT ends.run, ends.id, status, diagnosis, error_over_tolerance, ends.duration_s, sources"
            f" FROM ends JOIN runs ON runs.id = ends.run {condition}",
            values,
        )
        return [_end(*row) for row in rows]

    def _refresh(self) -> None:
        """Read what is new or has changed since, and forget what is gone."""
        known = dict(
            self._database.execute(
                "SELECT id, stamp FROM runs UNION SELECT id, stamp FROM unreadable WHERE reader = ?", [__version__]
            )
        )
        found = {folder.name: (folder, _stamp(folder)) for folder in _folders(self.home)}
        for runs in (known, found):
            runs.pop(self._unfinished, None)
        changed = sorted(folder for name, (folder, stamp) in found.items() if known.get(name) != stamp)
        gone = known.keys() - found.keys()
        if not changed and not gone:
            return
        with self._database:  # one transaction: another process sees all of it, or none
            self._forget([*gone, *(folder.name for folder in changed)])
            for folder in changed:
                self._take(folder, found[folder.name][1])

    def _take(self, folder: Path, stamp: str) -> None:
        try:
            audit = self._at_hand.get(folder.name) or report.read(folder, brief=True)
        except report.OutputError as problem:  # torn, or of a newer version: no reason to stop
            if not isinstance(problem.__cause__, OSError):  # the disk may give it next time
                row = (folder.name, stamp, __version__)
                self._database.execute("INSERT OR REPLACE INTO unreadable VALUES (?, ?, ?)", row)
        else:
            self._add(audit, name=folder.name, stamp=stamp)

    def _add(self, audit: Audit, *, name: str, stamp: str) -> None:
        run = audit.run
        counts = {str(status): count for status, count in report.count_by_status(audit).items()}
        commit = run.git.get("commit", "")
        row = (name, run.started, run.complete, run.covers_suite, commit, run.duration_s, json.dumps(counts), stamp)
        self._database.execute("INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        self._database.executemany(
            "INSERT OR REPLACE INTO ends VALUES (?, ?, ?, ?, ?, ?, ?)",
            (_row(name, result) for result in audit.results),
        )

    def _forget(self, runs: Iterable[str]) -> None:
        for run in runs:
            for table, column in (("runs", "id"), ("ends", "run"), ("unreadable", "id")):
                self._database.execute(f"DELETE FROM {table} WHERE {column} = ?", (run,))


def digests(sources: Iterable[Source]) -> dict[str, str]:
    """The digest of each function's text, by its role; those without a text are left out."""
    return {source.role: source.digest for source in sources if source.digest}


def _opened(home: Path) -> sqlite3.Connection:
    try:
        return _with_tables(sqlite3.connect(home / NAME, timeout=PATIENCE))
    except sqlite3.Error:
        return _emptied(home)


def _emptied(home: Path) -> sqlite3.Connection:
    """A new index, in the place of one that cannot be used; in memory where nothing can be written there."""
    with suppress(OSError, sqlite3.Error):
        (home / NAME).unlink(missing_ok=True)
        return _with_tables(sqlite3.connect(home / NAME, timeout=PATIENCE))
    return _with_tables(sqlite3.connect(":memory:"))


def _with_tables(database: sqlite3.Connection) -> sqlite3.Connection:
    try:
        with database:
            database.execute("BEGIN IMMEDIATE")  # of two that come at once, one makes the tables
            (version,) = database.execute("PRAGMA user_version").fetchone()
            if version != FORMAT:
                _make_tables(database)
    except BaseException:
        database.close()
        raise
    return database


def _make_tables(database: sqlite3.Connection) -> None:
    for table in ("runs", "ends", "unreadable"):
        database.execute(f"DROP TABLE IF EXISTS {table}")
    for statement in _TABLES.split(";")[:-1]:
        database.execute(statement)
    database.execute(f"PRAGMA user_version = {FORMAT}")


def _folders(home: Path) -> Iterator[Path]:
    with suppress(OSError):
        for entry in home.iterdir():
            if (entry / "run.json").is_file() and (entry / "results.jsonl").is_file():
                yield entry


def _stamp(folder: Path) -> str:
    """What changes when a run is written to again."""
    marks = []
    for name in ("run.json", "results.jsonl"):
        with suppress(OSError):
            status = (folder / name).stat()
            marks.append(f"{status.st_size}.{status.st_mtime_ns}")
    return "/".join(marks)


def _row(run: str, result: Result) -> tuple[object, ...]:
    verdict = result.verdict
    ratio, seconds = verdict.measures.error_over_tolerance, verdict.measures.duration_s
    sources = json.dumps(digests(verdict.sources))
    return (run, storable(verdict.id), str(verdict.status), verdict.diagnosis, ratio, seconds, sources)


def storable(text: str) -> str:
    """``text`` as the index knows it."""
    return text.encode("utf-8", errors="backslashreplace").decode()  # SQLite refuses half a surrogate pair


def _end(
    run: str, id_: str, status: str, diagnosis: str | None, ratio: float | None, seconds: float | None, sources: str
) -> StoredEnd:
    return StoredEnd(
        run=run,
        id=id_,
        status=Status(status),
        diagnosis=diagnosis or "",
        error_over_tolerance=nan if ratio is None else ratio,  # SQLite stores NaN as NULL
        duration_s=nan if seconds is None else seconds,
        sources=json.loads(sources),
    )


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))
