"""Where a stored run is: by its folder, its results file, its id, its suite's folder, or as the latest one."""

import json
from collections.abc import Iterator
from pathlib import Path

from gradaudit.report._files import OutputError

RESULTS = "results.jsonl"
LATEST = "latest.json"
NAMED = 3  #: runs that a message names


def find_run(run: str, *, folder: Path) -> Path:
    """The results file that ``run`` means, among the runs of all suites below ``folder`` or anywhere on the disk.

    Raises OutputError where there is none; the message names the last runs that are there.
    """
    if run == "latest":
        return _found(run, max(_latest_of_suites(folder), key=lambda home: home.name, default=None), folder)
    place = Path(run)
    if place.is_file():
        return place
    if place.is_dir():
        return _found(run, place if (place / RESULTS).is_file() else _last_of(place), folder)
    return _found(run, next((home for home in _runs(folder) if home.name == run), None), folder)


def pointed(suite: Path) -> Path | None:
    """The folder of the run that ``latest.json`` in a suite's folder points to, where it is still there."""
    try:
        name = json.loads((suite / LATEST).read_bytes())["run"]
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
    # one of the folders that are there: a file may hold "..", or a way to another place
    return next((home for home in _children(suite) if home.name == name and (home / RESULTS).is_file()), None)


def runs_of(suite: Path) -> list[Path]:
    """Folders of the runs of a suite, the last begun first: ``latest.json`` knows that even if the clock went back."""
    last = pointed(suite)
    homes = sorted(_children(suite), key=lambda home: (home == last, home.name), reverse=True)
    return [home for home in homes if (home / RESULTS).is_file()]


def suites_in(folder: Path) -> list[Path]:
    """Folders of the suites below ``folder`` that have runs."""
    return [suite for suite in _children(folder) if runs_of(suite)]


def _found(run: str, home: Path | None, folder: Path) -> Path:
    if home is not None:
        return home / RESULTS
    known = sorted((path.name for path in _runs(folder)), reverse=True)[:NAMED]
    there = f"the last in {folder} are {', '.join(known)}" if known else f"{folder} has none"
    raise OutputError(f"no run {run!r}; give its folder, its {RESULTS}, its id or 'latest'; {there}")


def _latest_of_suites(folder: Path) -> list[Path]:
    return [runs_of(suite)[0] for suite in suites_in(folder)]


def _last_of(suite: Path) -> Path | None:
    return next(iter(runs_of(suite)), None)


def _runs(folder: Path) -> Iterator[Path]:
    return (home for suite in _children(folder) for home in _children(suite) if (home / RESULTS).is_file())


def _children(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir())
    except OSError:  # no such folder yet
        return []
