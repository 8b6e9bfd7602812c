"""Command ``report``: render stored runs again, and merge shards."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gradaudit.commands import _speech as speech
from gradaudit.commands import _status as status
from gradaudit.commands._showing import showing

if TYPE_CHECKING:
    from gradaudit.report import Stored
    from gradaudit.running.record import Audit


@click.command("report")
@click.argument("runs", metavar="RUN...", nargs=-1, required=True)
@showing(outputs="Where to write, in place of all reports in the run's folder")
@click.option("--partial", is_flag=True, help="Merge though shards are missing or unfinished.")
def command(
    runs: tuple[str, ...], outputs: tuple[Path, ...], style: str, strict: bool, fail_on: str, partial: bool
) -> int:
    """Render stored runs again; merge shards into one run.

    RUN is a run's folder, its results.jsonl, its id, a suite's folder in reports/, or 'latest'. Nothing is measured.
    The exit status is that of 'run'; 3 where cases are missing and no other fails.
    """
    from gradaudit import history, report
    from gradaudit.running import merge, runner

    report.check(outputs)
    stored = [report.read_stored(report.find_run(run, folder=runner.REPORTS)) for run in dict.fromkeys(runs)]
    audit = merge.merged(stored, partial=partial)
    home = stored[0].path.parent if len(stored) == 1 else runner.run_folder(audit.run)
    if runner.REPORTS.resolve() in home.resolve().parents:  # elsewhere there are no runs to compare with
        audit = replace(audit, history=history.looked_back(audit, home.parent))
    if outputs:
        _write_outputs(audit, outputs, stored)
    else:
        _write_folder(audit, home, alone=len(stored) == 1)
    speech.show(audit, style=style, folder=home if not outputs else None)
    return status.exit_status(audit, strict=strict, fail_on=fail_on) or (
        status.OK if audit.run.complete else status.BROKEN
    )


def _write_outputs(audit: "Audit", outputs: tuple[Path, ...], stored: "list[Stored]") -> None:
    from gradaudit import report

    sources = {one.path.resolve() for one in stored}
    for output in outputs:
        if output.resolve() in sources:
            raise report.OutputError(f"cannot write {output}: it is what is read; choose another place with -o PATH")
        report.render(audit, output)


def _write_folder(audit: "Audit", home: Path, *, alone: bool) -> None:
    from gradaudit import report

    if not alone:  # a run of its own, which history and a later 'report' find like any other
        report.render(audit, home / "results.jsonl")
        report.write_latest(audit, home)
    report.write_all(audit, home)
