"""Command ``show``: one case of a stored run, in the terminal."""

import difflib
from pathlib import Path

import click

from gradaudit.commands import _speech as speech
from gradaudit.commands import _status as status


@click.command("show")
@click.argument("case_id", metavar="ID")
@click.option("--run", "run", metavar="RUN", help="A run's folder or id; left out: the last run that has the case.")
def command(case_id: str, run: str | None) -> int:
    """One case: curve, worst elements, settings, how to run it again.

    ID may be any part of an id that only one case has.
    """
    from gradaudit import history, report
    from gradaudit.running import runner

    files = [report.find_run(run, folder=runner.REPORTS)] if run else _candidates(runner.REPORTS, case_id)
    if not files:
        return speech.stop(f"{runner.REPORTS} has no run yet; make one with: gradaudit run SUITE", status.NOTHING)
    known: list[str] = []
    for file in files:
        audit = report.read(file.parent)
        ids = [result.case.id for result in audit.results]
        meant = [id_ for id_ in ids if id_ == case_id] or [id_ for id_ in ids if case_id in id_]
        if len(meant) > 1:
            several = speech.some(meant)
            return speech.stop(f"{case_id!r} is part of several ids: {several}; give one whole", status.USAGE)
        if meant:
            result = audit.results[ids.index(meant[0])]
            past = {case.id: case for case in history.looked_back(audit, file.parent.parent).cases}
            speech.put(report.card(result, audit.run, past=past.get(result.case.id)))
            if run is None:
                _say_what_is_newer(file.parent, case_id)
            return status.OK
        known += ids
    close = difflib.get_close_matches(case_id, known, n=3)
    named = f"gradaudit list SUITE names them; here are {speech.some(known)}"
    hint = f"did you mean {speech.some(close)}?" if close else named
    places = ", ".join(str(file.parent) for file in files)
    return speech.stop(f"no case {case_id!r} in {places}; {hint}", status.NOTHING)


def _candidates(folder: Path, case_id: str) -> list[Path]:
    """The last run of each suite that has the case under its whole id; without one, the last run of each suite."""
    from gradaudit import report
    from gradaudit.history import Index

    having, last = [], []
    for suite in report.suites_in(folder):
        last += report.runs_of(suite)[:1]
        with Index(suite) as index:
            having += [suite / end.run for end in index.trend([case_id])[-1:]]
    homes = sorted(having or last, key=lambda home: home.name, reverse=True)
    return [home / "results.jsonl" for home in homes]


def _say_what_is_newer(home: Path, case_id: str) -> None:
    """A case that later runs of the suite lack is easily taken for what they said."""
    from gradaudit import report

    last = report.runs_of(home.parent)[0]
    if last.name != home.name:
        alike = [result.case.id for result in report.read(last).results if case_id in result.case.id]
        has = f"; it has {speech.some(alike)}" if alike else ""
        speech.say(f"gradaudit: this is run {home.name}; the last of {home.parent.name} is {last.name}{has}")
