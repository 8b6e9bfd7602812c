"""The command line: reads arguments, prints, and owns the exit status. Nothing heavy is imported before it is needed.

Exit status: 0 all as expected · 1 audit failures · 2 usage or configuration · 3 the tool or a backend broke, results
partial and kept · 4 nothing selected · 130 interrupted. stdout is results, stderr is everything else.
"""

import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

import click

from gradaudit import __version__

if TYPE_CHECKING:
    from gradaudit.plan import Selection
    from gradaudit.record import Audit

OK, FAILURES, USAGE, BROKEN, NOTHING, INTERRUPTED = 0, 1, 2, 3, 4, 130

STYLES = ("full", "concise", "json", "github", "quiet")  #: of ``gradaudit.terminal.FORMATS``, which is slow to import
VERSION = ".".join(__version__.split(".")[:2])
#: named by the contract, not built yet
PLANNED_COMMANDS = ("show", "compare", "report", "history", "init", "doctor")
PLANNED_OPTIONS = (
    "--last-failed",
    "--shard",
    "--scheduler",
    "--retries",
    "--fail-fast",
    "--resume",
    "--baseline",
    "--fail-on",
    "--max-memory",
)


class Commands(click.Group):
    """A group that knows the commands to come."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and args[0] in PLANNED_COMMANDS:
            ctx.fail(f"gradaudit {args[0]} is not part of {VERSION} yet; it has {', '.join(self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)


class Command(click.Command):
    """A command that knows the options to come."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as problem:
            if problem.option_name in PLANNED_OPTIONS:
                ctx.fail(f"{problem.option_name} is not part of {VERSION} yet")
            raise


def main() -> NoReturn:
    """The console script."""
    signal.signal(signal.SIGTERM, _interrupt)  # what a CI system sends: leave reports, as after Ctrl-C
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a C locale, or half a surrogate pair in a name
    sys.exit(invoke(sys.argv[1:]))


def invoke(arguments: Sequence[str]) -> int:
    """Run one command line and give its exit status."""
    try:
        status = gradaudit.main(list(arguments), "gradaudit", standalone_mode=False, obj=tuple(arguments))
    except click.ClickException as problem:
        return _usage(problem)
    except (click.Abort, KeyboardInterrupt):
        return _stop("interrupted", INTERRUPTED)
    except SystemExit:  # click's answer to a reader of its help that has gone
        return OK
    except Exception as problem:
        return _refusal(problem)
    return status if isinstance(status, int) else OK


def _usage(problem: click.ClickException) -> int:
    if isinstance(problem, click.UsageError) and problem.ctx is not None:
        _say(problem.ctx.get_usage())
    return _stop(problem.format_message(), USAGE)


def _refusal(problem: Exception) -> int:
    """What a stage refuses is for the user to mend; anything else is our fault."""
    from gradaudit.report import OutputError
    from gradaudit.suite import SuiteError

    if isinstance(problem, SuiteError):  # its lines begin with their place, for editors
        _say(str(problem))
        return USAGE
    if isinstance(problem, OutputError):
        return _stop(problem, USAGE)
    _say("".join(traceback.format_exception(problem)))
    return _stop("this is a fault of the tool, not of your suite; please report it with the lines above", BROKEN)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, "-V", "--version", message="gradaudit %(version)s")
def gradaudit() -> None:
    """Audit derivatives: every claim against differences that carry an error bar."""


def _selecting(command: Callable[..., int]) -> Callable[..., int]:
    """SUITE... and the options that choose and change its cases."""
    for decorate in reversed(
        (
            click.argument("suites", metavar="SUITE...", nargs=-1, required=True),
            click.option("-k", "keyword", metavar="EXPR", help="Cases whose id matches: 'conv and not 2d'."),
            click.option("--tag", "tags", metavar="TAG", multiple=True, help="Cases with this tag (repeatable)."),
            click.option(
                "--id", "ids", metavar="ID", multiple=True, help="The case with exactly this id (repeatable)."
            ),
            click.option("--profile", metavar="NAME", help="Settings of the suite's profile NAME."),
            click.option(
                "--set", "settings", metavar="KEY=VALUE", multiple=True, help="Override a setting (repeatable)."
            ),
            click.option("--seed", type=click.IntRange(min=0), help="Override the seed of the suite."),
        )
    ):
        command = decorate(command)
    return command


@gradaudit.command(cls=Command)
@_selecting
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
@click.option("--format", "style", type=click.Choice(STYLES), default="full", show_default=True, help="For stdout.")
@click.option("--strict", is_flag=True, help="Inconclusive cases fail too.")
@click.option("--power", is_flag=True, help="Plant known faults into claims that pass: which would be caught? Slow.")
def run(
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
    **selection: Any,
) -> int:
    """Audit suites; write reports to reports/; set the exit status."""
    from gradaudit import backends, progress, runner

    overrides = _overrides(settings, seed=seed, timeout=timeout)
    chosen = _selection(**selection)
    try:
        with progress.shown_on(sys.stderr) as observe:
            audit = runner.run(
                suites,
                select=chosen,
                overrides=overrides,
                profile=profile,
                jobs=jobs,
                backend=backend,
                power=power,
                outputs=outputs,
                arguments=_arguments(),
                observe=observe,
            )
    except runner.NothingSelected as problem:
        return _stop(problem, NOTHING)
    except backends.BackendError as problem:
        return _stop(problem, USAGE)
    except (runner.RunInterrupted, runner.RunBroken) as stopped:
        _show(stopped.audit, style=style)
        return _unfinished(stopped)
    _show(audit, style=style)
    return exit_status(audit, strict=strict)


@gradaudit.command("list", cls=Command)
@_selecting
@click.option("--show-config", "config_id", metavar="ID", help="Each setting of one case, and where it came from.")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
def list_cases(
    suites: tuple[str, ...],
    seed: int | None,
    settings: tuple[str, ...],
    profile: str | None,
    config_id: str | None,
    style: str,
    **selection: Any,
) -> int:
    """The cases that would run. Imports no user code."""
    from gradaudit import plan, terminal
    from gradaudit.suite import load_suite

    suite = load_suite(suites, overrides=_overrides(settings, seed=seed), profile=profile)
    if config_id is not None:
        rows = plan.show_config(suite, config_id)
        _print(terminal.configuration_json(rows) if style == "json" else terminal.configuration(rows))
        return OK
    cases = plan.make_plan(suite, select=_selection(**selection))
    _print(terminal.cases_json(cases) if style == "json" else terminal.cases(cases))
    if not cases:
        _say("gradaudit: no case is selected")
    return OK if cases else NOTHING


@gradaudit.command(cls=Command)
@_selecting
@click.option("--imports", is_flag=True, help="Import the functions too: runs the suite's modules, in a worker.")
def validate(
    suites: tuple[str, ...],
    seed: int | None,
    settings: tuple[str, ...],
    profile: str | None,
    imports: bool,
    **selection: Any,
) -> int:
    """Everything that is wrong with the suites, at once. Imports no user code unless asked to."""
    from gradaudit import plan, runner, terminal
    from gradaudit.suite import load_suite

    suite = load_suite(suites, overrides=_overrides(settings, seed=seed), profile=profile)
    cases = plan.make_plan(suite, select=_selection(**selection))
    failed = runner.check_imports(cases) if imports else []
    for result in failed:
        _print(terminal.import_problem(result))
    if not failed:
        _print(f"{', '.join(suites)}: in order, {len(cases)} {'case' if len(cases) == 1 else 'cases'}\n")
    return USAGE if failed else OK


@gradaudit.command(cls=Command)
def schema() -> int:
    """The JSON Schema of the suite file, for editors."""
    import json

    from gradaudit.suite import json_schema

    _print(json.dumps(json_schema(), indent=2) + "\n")
    return OK


def exit_status(audit: "Audit", *, strict: bool) -> int:
    """0 where every case is as expected, 1 where one is not; an inconclusive case alone fails only if ``strict``."""
    from gradaudit.judge.verdict import Status

    accepted = {Status.PASS, Status.XFAIL} | (set() if strict else {Status.INCONCLUSIVE})
    return OK if all(result.verdict.status in accepted for result in audit.results) else FAILURES


def _show(audit: "Audit", *, style: str) -> None:
    from gradaudit import runner, terminal

    text = terminal.FORMATS[style](audit)
    colour = style in ("full", "concise") and sys.stdout.isatty() and "NO_COLOR" not in os.environ
    _print(terminal.coloured(text) if colour else text)
    if style != "quiet":
        _say(f"report: {runner.run_folder(audit.run) / 'report.html'}")


def _unfinished(stopped: BaseException) -> int:
    import shlex

    if isinstance(stopped.__cause__, Exception):
        _say("".join(traceback.format_exception(stopped.__cause__)))
    _say(f"gradaudit: {stopped}; what had finished is kept")
    _say(f"run it again with: {shlex.join(('gradaudit', *_arguments()))}")
    return INTERRUPTED if isinstance(stopped, KeyboardInterrupt) else BROKEN


def _selection(keyword: str | None, tags: tuple[str, ...], ids: tuple[str, ...]) -> "Selection":
    from gradaudit.plan import Selection

    return Selection(keyword=keyword, tags=tags, ids=ids)


def _overrides(settings: tuple[str, ...], **others: object) -> dict[str, object]:
    """``--set`` and the options that are short for it, which win."""
    found: dict[str, object] = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals:
            raise click.UsageError(f"--set {setting}: a value is missing; write --set KEY=VALUE, such as --set h=1e-4")
        found[key.strip()] = value
    return {**found, **{key: value for key, value in others.items() if value is not None}}


def _arguments() -> tuple[str, ...]:
    """The command line of this invocation."""
    given: tuple[str, ...] = click.get_current_context().find_root().obj
    return given


def _stop(problem: object, status: int) -> int:
    _say(f"gradaudit: {problem}")
    return status


def _print(text: str) -> None:
    _write(sys.stdout, text)


def _say(text: str) -> None:
    _write(sys.stderr, text + "\n")


def _write(stream: TextIO, text: str) -> None:
    """Write all of ``text``; a reader that has gone (``| head``) ends the text, never the program."""
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        with open(os.devnull, "w") as nowhere:  # what is still buffered goes there at exit
            os.dup2(nowhere.fileno(), stream.fileno())


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt
