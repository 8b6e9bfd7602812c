"""Command ``validate``: everything that is wrong with suites, at once."""

from typing import TYPE_CHECKING, Any

import click

from gradaudit.commands import _speech as speech
from gradaudit.commands import _status as status
from gradaudit.commands._selecting import SUITES, overrides, selecting, selection

if TYPE_CHECKING:
    from gradaudit.running.record import Result
    from gradaudit.suite import Suite
    from gradaudit.suite.problem import Problem


@click.command("validate", epilog=SUITES)
@selecting
@click.option("--imports", is_flag=True, help="Import the functions too: runs the suite's modules, in a worker.")
def command(
    suites: tuple[str, ...],
    seed: int | None,
    settings: tuple[str, ...],
    profile: str | None,
    imports: bool,
    **chosen: Any,
) -> int:
    """Everything that is wrong with the suites, at once. Imports no user code unless asked to."""
    from gradaudit import plan, terminal
    from gradaudit.running import runner
    from gradaudit.suite import load_suite

    suite = load_suite(suites, overrides=overrides(settings, seed=seed), profile=profile)
    choice = plan.choose(suite, selection(**chosen))
    cases = choice.cases
    if not cases:
        return speech.stop(f"in order, but {'; '.join(choice.unknown) or 'no case is selected'}", status.NOTHING)
    failed = runner.check_imports(cases) if imports else []
    for result in terminal.told_once(failed):
        speech.put(terminal.import_problem(result.verdict, _problem(suite, result)))
    if not failed:
        speech.put(f"{', '.join(suites)}: in order, {len(cases)} {'case' if len(cases) == 1 else 'cases'}\n")
    return status.USAGE if failed else status.OK


def _problem(suite: "Suite", result: "Result") -> "Problem":
    """What is wrong, where the suite names the function that cannot be imported; where that is not known, its item."""
    message = result.verdict.message
    entry = next(entry for entry in suite.entries if str(entry.place) == result.case.place)
    references = (("function", entry.keys.function), *entry.keys.claims)
    named = [key for key, reference in references if message.startswith(f"{reference}: ")]
    return entry.problem(message, *named[:1])
