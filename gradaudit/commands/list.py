"""Command ``list``: the cases that would run."""

from typing import Any

import click

from gradaudit.commands import _speech as speech
from gradaudit.commands import _status as status
from gradaudit.commands._selecting import SUITES, overrides, selecting, selection


@click.command("list", epilog=SUITES)
@selecting
@click.option("--show-config", "config_id", metavar="ID", help="Each setting of one case, and where it came from.")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(
    suites: tuple[str, ...],
    seed: int | None,
    settings: tuple[str, ...],
    profile: str | None,
    config_id: str | None,
    style: str,
    **chosen: Any,
) -> int:
    """The cases that would run. Imports no user code."""
    from gradaudit import plan, terminal
    from gradaudit.suite import load_suite

    suite = load_suite(suites, overrides=overrides(settings, seed=seed), profile=profile)
    if config_id is not None:
        rows = plan.show_config(suite, config_id)
        speech.put(terminal.configuration_json(rows) if style == "json" else terminal.configuration(rows))
        return status.OK
    choice = plan.choose(suite, selection(**chosen))
    cases = choice.cases
    speech.put(terminal.cases_json(cases) if style == "json" else terminal.cases(cases))
    return status.OK if cases else speech.stop("; ".join(choice.unknown) or "no case is selected", status.NOTHING)
