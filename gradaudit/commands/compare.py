"""Command ``compare``: what changed between two stored runs."""

from dataclasses import replace

import click

from gradaudit.commands import _speech as speech
from gradaudit.commands import _status as status


@click.command("compare")
@click.argument("before", metavar="A")
@click.argument("after", metavar="[B]", required=False)
@click.option("--fail-on", type=click.Choice(["regression"]), help="Exit 1 where a case is not as good as it was.")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(before: str, after: str | None, fail_on: str | None, style: str) -> int:
    """What changed from run A to B: new, fixed, worse, better, same.

    A run is a folder, an id, or 'latest'; B left out is the last run of A's suite.
    """
    from gradaudit import history, report
    from gradaudit.running import runner

    first = report.find_run(before, folder=runner.REPORTS)
    suite = str(first.parent.parent) if after is None else after
    second = report.find_run(suite, folder=runner.REPORTS)
    if first == second:
        same = f"{first.parent} is both sides; name an older run as A, or give B ('gradaudit history' lists them)"
        return speech.stop(same, status.USAGE)
    audit = report.read(second.parent)
    audit = replace(audit, history=history.compared(audit, report.read(first.parent)))
    speech.put(report.comparison_json(audit) if style == "json" else report.comparison(audit))
    return status.FAILURES if fail_on and history.regressions(audit) else status.OK
