"""Command ``history``: the runs of a suite, the trend of a case, and pruning."""

import difflib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gradaudit.commands import _speech as speech
from gradaudit.commands import _status as status

if TYPE_CHECKING:
    from datetime import timedelta

    from gradaudit.history import Index, StoredRun

_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}  #: seconds
_AGE = re.compile(r"([0-9]{1,6})([dhms])")


@click.command("history")
@click.argument("case_id", metavar="[ID]", required=False)
@click.option("--suite", metavar="NAME", help="One suite only; left out: all that have runs here.")
@click.option(
    "--last", type=click.IntRange(min=1), metavar="N", default=30, show_default=True, help="How many runs to show."
)
@click.option("--keep", metavar="AGE", help="Delete runs older than this: 90d, 12h. The next run's baseline stays.")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(case_id: str | None, suite: str | None, last: int, keep: str | None, style: str) -> int:
    """The runs of each suite, or how one case ended in them."""
    from gradaudit.history import Index
    from gradaudit.running import runner

    homes = _homes(runner.REPORTS, suite)
    if not homes:
        place = runner.REPORTS / (suite or "")
        return speech.stop(f"{place} has no runs; make one with: gradaudit run SUITE", status.NOTHING)
    if keep is not None:
        return _prune(homes, keep)
    found = False
    for home in homes:
        with Index(home) as index:
            text = _runs(home, index, last, style) if case_id is None else _trend(home, index, case_id, last, style)
        found |= bool(text)
        speech.put(text)
    return status.OK if found else _without(homes, case_id or "")


def _without(homes: Sequence[Path], case_id: str) -> int:
    """No run has the case: cases of the last runs whose ids hold what was typed, or are nearly it, may be meant."""
    from gradaudit.history import Index

    known: list[str] = []
    for home in homes:
        with Index(home) as index:
            known += [end.id for end in index.ends_in([run.id for run in index.runs()[-1:]])]
    meant = [id_ for id_ in known if case_id in id_] or difflib.get_close_matches(case_id, known, n=3)
    hint = f"; did you mean {speech.some(meant)}?" if meant else ""
    return speech.stop(f"no run here has a case {case_id!r}{hint}", status.NOTHING)


def _homes(folder: Path, suite: str | None) -> list[Path]:
    """The folders of suites that have runs, or of that one."""
    from gradaudit import report

    return [home for home in report.suites_in(folder) if suite in (None, home.name)]


def _runs(home: Path, index: "Index", last: int, style: str) -> str:
    from gradaudit import report

    runs = index.runs()[-last:]
    if style == "json":
        listed = [
            {"id": run.id, "started": run.started, "complete": run.complete, "commit": run.commit, "counts": run.counts}
            for run in runs
        ]
        return json.dumps({"format": 1, "kind": "gradaudit history", "suite": home.name, "runs": listed}) + "\n"
    rows = [("run", "started", "commit", "seconds", "cases"), *map(_run_row, runs)]
    return f"{home.name}\n{report.table(rows)}\n"


def _run_row(run: "StoredRun") -> tuple[str, ...]:
    counts = ", ".join(f"{count} {name}" for name, count in run.counts.items())
    unfinished = "" if run.complete else "; did not finish"
    partial = "" if run.whole else "; not all cases"
    return run.id, run.started, run.commit[:10] or "–", f"{run.duration_s:.1f}", f"{counts}{unfinished}{partial}"


def _trend(home: Path, index: "Index", case_id: str, last: int, style: str) -> str:
    from gradaudit import report
    from gradaudit.report._encoding import plain_number

    ends = index.trend(index.names(case_id))[-last:]
    if not ends:
        return ""
    runs = {run.id: run for run in index.runs()}
    if style == "json":
        listed = [
            {
                "run": end.run,
                "started": runs[end.run].started,
                "commit": runs[end.run].commit,
                "status": end.status,
                "error_over_tolerance": plain_number(end.error_over_tolerance),
                "duration_s": plain_number(end.duration_s),
            }
            for end in ends
        ]
        trend = {"format": 1, "kind": "gradaudit trend", "suite": home.name, "id": case_id, "ends": listed}
        return json.dumps(trend) + "\n"
    rows: Sequence[tuple[str, ...]] = [
        (
            end.run,
            runs[end.run].commit[:10] or "–",
            str(end.status),
            str(end.diagnosis or "–"),
            report.number(end.error_over_tolerance),
            report.number(end.duration_s),
            " ".join(sorted(end.sources.values())),
        )
        for end in ends
    ]
    head = ("run", "commit", "status", "diagnosis", "error ÷ tolerance", "seconds", "digests of the sources")
    return f"{home.name}\n{report.table([head, *rows])}\n"


def _prune(homes: Sequence[Path], keep: str) -> int:
    from gradaudit.history import prune

    age = _age(keep)
    for home in homes:
        gone = prune(home, keep=age)
        speech.put(f"{home.name}: {len(gone)} run{'s' * (len(gone) != 1)} deleted\n")
    return status.OK


def _age(text: str) -> "timedelta":
    from datetime import timedelta

    written = _AGE.fullmatch(text.strip())
    if written is None:
        raise click.BadParameter(f"{text!r} is no age; write 90d, 12h or 30m", param_hint="--keep")
    return timedelta(seconds=int(written[1]) * _UNITS[written[2]])
