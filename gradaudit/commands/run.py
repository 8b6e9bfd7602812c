"""Command ``run``: audit suites."""

import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gradaudit.commands import _speech as speech
from gradaudit.commands import _status as status
from gradaudit.commands._selecting import SUITES, overrides, selecting, selection
from gradaudit.commands._showing import showing

if TYPE_CHECKING:
    from gradaudit.plan.shard import Shard
    from gradaudit.running.record import Audit


@click.command("run", epilog=SUITES)
@selecting
@click.option("--timeout", metavar="TIME", help="Time limit of a case: 500ms, 30s, 10m, 1h.")
@click.option(
    "-j", "--jobs", type=click.IntRange(min=1), metavar="N", help="Cases at once; as many as cores if left out."
)
@click.option("--backend", metavar="NAME", help="loky, threading, sequential, dask or ray; by --jobs if left out.")
@click.option("--scheduler", metavar="ADDR", help="The cluster to run on: tcp://host:8786 for dask, or ray's address.")
@showing(outputs="Write a report too")
@click.option(
    "--retries",
    type=click.IntRange(min=0, max=100),
    default=0,
    metavar="N",
    help="Try cases that end badly N times more, each in a fresh process; a pass among them is flaky, and fails.",
)
@click.option("--max-memory", metavar="SIZE", help="What the process of a case may hold: 500MB, 2GB; none if left out.")
@click.option("--fail-fast", is_flag=True, help="Stop after the first case that is not as expected.")
@click.option(
    "--shard",
    metavar="I/N",
    help="The I-th of N parts, by a hash of the case id; 'gradaudit report RUN...' merges the parts.",
)
@click.option(
    "--resume",
    metavar="[RUN]",
    is_flag=False,
    flag_value="last",
    help="Finish a run of this suite: the last unfinished one, or RUN (its folder or id). Give the same options as "
    "before: cases that are missing, or whose settings or inputs have changed, run; the rest is kept as measured. What "
    "the functions themselves do is not compared.",
)
@click.option(
    "--last-failed", "only_failed", is_flag=True, help="Run what was not good in the last run; the rest stands."
)
@click.option("--baseline", metavar="RUN|none", help="The run to compare with; the last complete one if left out.")
@click.option("--power", is_flag=True, help="Plant known faults into claims that pass: which would be caught? Slow.")
def command(
    suites: tuple[str, ...],
    timeout: str | None,
    seed: int | None,
    settings: tuple[str, ...],
    profile: str | None,
    jobs: int | None,
    backend: str | None,
    scheduler: str | None,
    outputs: tuple[Path, ...],
    style: str,
    strict: bool,
    retries: int,
    max_memory: str | None,
    fail_fast: bool,
    shard: str | None,
    resume: str | None,
    only_failed: bool,
    baseline: str | None,
    fail_on: str,
    power: bool,
    **chosen: Any,
) -> int:
    """Audit suites; write reports to reports/; set the exit status."""
    from gradaudit import backends

    if resume and only_failed:
        raise click.UsageError("--resume finishes a run, --last-failed begins a new one; give one of them")
    click.get_current_context().with_resource(backends.readied(backend=backend, scheduler=scheduler, power=power))
    from gradaudit.commands import _progress
    from gradaudit.running import runner  # in the meantime

    try:
        with _progress.shown_on(sys.stderr) as observe:
            audit = runner.run(
                suites,
                select=selection(**chosen),
                overrides=overrides(settings, seed=seed, timeout=timeout),
                profile=profile,
                jobs=jobs,
                backend=backend,
                scheduler=scheduler,
                power=power,
                retries=retries,
                max_memory=_size(max_memory),
                stop_at=status.unexpected(strict=strict) if fail_fast else (),
                shard=_shard(shard),
                resume=resume,
                only_failed=only_failed,
                baseline=baseline,
                outputs=outputs,
                arguments=speech.arguments(),
                observe=observe,
                tell=lambda sentence: speech.say(f"gradaudit: {sentence}"),
            )
    except runner.NothingSelected as problem:
        return speech.stop(problem, status.NOTHING)
    except backends.BackendError as problem:
        return speech.stop(problem, status.USAGE)
    except (runner.RunInterrupted, runner.RunBroken) as stopped:
        speech.show(stopped.audit, style=style, folder=runner.run_folder(stopped.audit.run))
        return _unfinished(stopped, stopped.audit)
    speech.show(audit, style=style, folder=runner.run_folder(audit.run))
    if not audit.run.complete:
        _say_how_to_finish("stopped after the first case that is not as expected", audit)
    return status.exit_status(audit, strict=strict, fail_on=fail_on)


def _size(text: str | None) -> int | None:
    from gradaudit.isolation import memory

    try:
        return None if text is None else memory.size(text)
    except ValueError as problem:
        raise click.UsageError(f"--max-memory: {problem}") from None


def _shard(text: str | None) -> "Shard | None":
    from gradaudit.plan.shard import ShardError, parse_shard

    try:
        return None if text is None else parse_shard(text)
    except ShardError as problem:
        raise click.UsageError(f"--shard: {problem}") from None


def _unfinished(stopped: BaseException, audit: "Audit") -> int:
    from gradaudit.report import OutputError

    if isinstance(stopped.__cause__, Exception) and not isinstance(stopped.__cause__, OutputError):
        speech.say("".join(traceback.format_exception(stopped.__cause__)))
    _say_how_to_finish(stopped, audit)
    return status.INTERRUPTED if isinstance(stopped, KeyboardInterrupt) else status.BROKEN


def _say_how_to_finish(why: object, audit: "Audit") -> None:
    from gradaudit import report

    speech.say(f"gradaudit: {why}; what had finished is kept")
    speech.say(f"finish it with: {report.resumption(audit.run)}")
