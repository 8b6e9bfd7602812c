"""Command ``run``: audit suites."""

import shlex
import sys
import traceback
from pathlib import Path
from typing import Any

import click

from gradaudit.commands import _speech as speech
from gradaudit.commands import _status as status
from gradaudit.commands._selecting import overrides, selecting, selection


@click.command("run")
@selecting
@click.option("--timeout", metavar="TIME", help="Time limit of a case: 500ms, 30s, 10m, 1h.")
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="Cases at once; as many as cores if left out.")
@click.option("--backend", metavar="NAME", help="loky, threading or sequential; chosen by --jobs if left out.")
@click.option(
    "-o",
    "outputs",
    metavar="PATH",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Write a report too; format by ending: .html .csv .json .jsonl .junit.xml .md (repeatable).",
)
@click.option(
    "--format", "style", type=click.Choice(speech.STYLES), default="full", show_default=True, help="For stdout."
)
@click.option("--strict", is_flag=True, help="Inconclusive cases fail too.")
@click.option("--power", is_flag=True, help="Plant known faults into claims that pass: which would be caught? Slow.")
def command(
    suites: tuple[str, ...],
    timeout: str | None,
    seed: int | None,
    settings: tuple[str, ...],
    profile: str | None,
    jobs: int | None,
    backend: str | None,
    outputs: tuple[Path, ...],
    style: str,
    strict: bool,
    power: bool,
    **chosen: Any,
) -> int:
    """Audit suites; write reports to reports/; set the exit status."""
    from gradaudit import backends, progress, runner

    try:
        with progress.shown_on(sys.stderr) as observe:
            audit = runner.run(
                suites,
                select=selection(**chosen),
                overrides=overrides(settings, seed=seed, timeout=timeout),
                profile=profile,
                jobs=jobs,
                backend=backend,
                power=power,
                outputs=outputs,
                arguments=speech.arguments(),
                observe=observe,
            )
    except runner.NothingSelected as problem:
        return speech.stop(problem, status.NOTHING)
    except backends.BackendError as problem:
        return speech.stop(problem, status.USAGE)
    except (runner.RunInterrupted, runner.RunBroken) as stopped:
        speech.show(stopped.audit, style=style, folder=runner.run_folder(stopped.audit.run))
        return _unfinished(stopped)
    speech.show(audit, style=style, folder=runner.run_folder(audit.run))
    return status.exit_status(audit, strict=strict)


def _unfinished(stopped: BaseException) -> int:
    if isinstance(stopped.__cause__, Exception):
        speech.say("".join(traceback.format_exception(stopped.__cause__)))
    speech.say(f"gradaudit: {stopped}; what had finished is kept")
    speech.say(f"run it again with: {shlex.join(('gradaudit', *speech.arguments()))}")
    return status.INTERRUPTED if isinstance(stopped, KeyboardInterrupt) else status.BROKEN
