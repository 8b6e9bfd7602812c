"""The command line: finds the command, and turns everything that can go wrong into an exit status.

Exit status: 0 all as expected · 1 audit failures · 2 usage or configuration · 3 the tool or a backend broke, results
partial and kept · 4 nothing selected · 130 interrupted. stdout is results, stderr is everything else.
"""

import errno
import gc
import os
import signal
import stat
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from difflib import get_close_matches
from io import TextIOWrapper
from typing import NoReturn

import click

from gradaudit import __version__, commands
from gradaudit.commands._speech import say, stop
from gradaudit.commands._status import BROKEN, INTERRUPTED, OK, USAGE

Resolved = tuple[str | None, click.Command | None, list[str]]
#: Objects between two looks for cycles. A run holds millions, none of them in a cycle; at Python's 700 every fifth
#: second of its main process would go into walking over them.
PATIENCE = 50_000
ON_PURPOSE = (signal.SIGINT, signal.SIGTERM)  #: Ctrl-C, and what a CI system sends
#: Leave reports, then end; also when the terminal goes away, which Windows does not say.
STOPPING = (*ON_PURPOSE, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else []))


class Stopped(KeyboardInterrupt):
    """One of STOPPING has come.

    Python remembers a KeyboardInterrupt that leaves an ``exec``, as every dataclass that is being made has one, and
    ends itself by SIGINT in the end, whatever we exit with; of a subclass it remembers nothing.
    """


class Commands(click.Group):
    """The shelf of commands, each imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(commands.names())

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Resolved:
        close = get_close_matches(args[0], commands.names(), n=1)
        if args[0] not in commands.names() and close:
            ctx.fail(f"no command {args[0]!r}; did you mean {close[0]!r}?")
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        return commands.part(name) if name in commands.names() else None


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, "-V", "--version", message="gradaudit %(version)s")
def gradaudit() -> None:
    """Audit derivatives: every claim against differences that carry an error bar."""


def main() -> NoReturn:
    """The console script."""
    gc.set_threshold(PATIENCE, *gc.get_threshold()[1:])
    _hold_closed_streams()
    for number in STOPPING:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup, or a job in the background of a script
            signal.signal(number, _interrupt)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a C locale, or half a surrogate pair in a name
    sys.exit(invoke(sys.argv[1:]))


def _hold_closed_streams() -> None:
    """After ``>&-`` the next file that is opened would be the stdout of all children: nothing stands there instead."""
    held = os.open(os.devnull, os.O_RDWR)
    while held <= 2:
        held = os.open(os.devnull, os.O_RDWR)
    os.close(held)


def invoke(arguments: Sequence[str]) -> int:
    """Run one command line and give its exit status."""
    if not arguments:
        say(click.Context(gradaudit, info_name="gradaudit", **gradaudit.context_settings).get_help())
        return USAGE
    try:
        status = gradaudit.main(list(arguments), "gradaudit", standalone_mode=False, obj=tuple(arguments))
    except click.ClickException as problem:
        return _usage(problem)
    except (click.Abort, KeyboardInterrupt):
        return stop("interrupted", INTERRUPTED)
    except SystemExit:  # click's answer to a reader of its help that has gone
        return OK
    except Exception as problem:
        return _refusal(problem)
    return status if isinstance(status, int) else OK


def _usage(problem: click.ClickException) -> int:
    if isinstance(problem, click.UsageError) and problem.ctx is not None:
        say(problem.ctx.get_usage())
    meant = _report_meant(problem) if isinstance(problem, click.NoSuchOption) else ""
    return stop(meant or problem.format_message(), USAGE)


def _report_meant(problem: click.NoSuchOption) -> str:
    """What other tools call ``--html`` or ``--junit-xml`` is an ending here."""
    takes_reports = problem.ctx is not None and any(option.name == "outputs" for option in problem.ctx.command.params)
    if not takes_reports:
        return ""
    from gradaudit.report import formats

    word = problem.option_name.lstrip("-").replace("-", "")
    meant = [suffix for suffix in formats() if suffix.replace(".", "").startswith(word)]
    return f"No such option {problem.option_name!r}; write -o report{meant[0]}" if meant else ""


def _refusal(problem: Exception) -> int:
    """What a stage refuses is for the user to mend; anything else is our fault."""
    from gradaudit.report import OutputBroken, OutputError
    from gradaudit.suite import SuiteError

    if isinstance(problem, SuiteError):  # its lines begin with their place, for editors
        say(str(problem))
        return USAGE
    if isinstance(problem, OutputError):
        return stop(problem, BROKEN if isinstance(problem, OutputBroken) else USAGE)
    if isinstance(problem, OSError) and problem.errno == errno.ENOSPC:
        return stop(f"{problem.strerror}; make room there, and try again", BROKEN)
    if isinstance(problem, FileNotFoundError) and not _is_somewhere():
        return stop("the current folder is no longer there; change to one that is, and try again", USAGE)
    say("".join(traceback.format_exception(problem)))
    return stop("this is a fault of the tool, not of your suite; please report it with the lines above", BROKEN)


def _is_somewhere() -> bool:
    """Whether the current folder is there: somebody may have removed it, or the checkout that it stood in."""
    try:
        os.getcwd()
    except FileNotFoundError:
        return False
    return True


def _interrupt(number: int, _: object) -> NoReturn:
    for other in STOPPING:
        if signal.getsignal(other) is _interrupt:  # what was ignored stays so
            # a terminal that goes away says it twice, by the kernel and by its shell
            signal.signal(other, _end_at_once if other in ON_PURPOSE else signal.SIG_IGN)
    if number not in ON_PURPOSE:
        _let_go_of_the_terminal()
    raise Stopped


def _let_go_of_the_terminal() -> None:
    """What is written to a terminal that has gone would raise, and decide how we end: nothing stands there instead."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (1, 2):
        with suppress(OSError):
            # a terminal that has gone is still a device, and no terminal
            if stat.S_ISCHR(os.fstat(stream).st_mode) and not os.isatty(stream):
                os.dup2(nowhere, stream)
    os.close(nowhere)


def _end_at_once(*_: object) -> NoReturn:
    """The second Ctrl-C: no report is worth waiting for. Results are on disk, and workers die with their keeper."""
    if sys.stderr is not None and sys.stderr.isatty():
        os.write(2, b"\x1b[?25h")  # the cursor, which a live bar hides
    os.write(2, b"gradaudit: ended at once; what had finished is kept, and --resume finishes it\n")
    os._exit(INTERRUPTED)
