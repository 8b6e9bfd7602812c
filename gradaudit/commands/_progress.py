"""How far a run is, on stderr: a live bar on a terminal, a line every few seconds elsewhere."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TextIO

from gradaudit.judge.verdict import Status
from gradaudit.running.runner import Observe, Progress
from gradaudit.terminal import UNREMARKABLE

EVERY = 5.0  #: s between lines in a log


@contextmanager
def shown_on(stream: TextIO | None) -> Iterator[Observe]:
    """Something to ``observe`` a run with, fit for ``stream``; None is one that was closed before the program began."""
    if stream is None:
        yield lambda progress: None
    elif stream.isatty() and os.environ.get("TERM") != "dumb":
        with _bar(stream) as observe:
            yield observe
    else:
        yield counter_lines(stream)


def counter_lines(stream: TextIO, *, clock: Callable[[], float] = time.monotonic) -> Observe:
    """``120 of 500 cases, 2 not as expected, 1 inconclusive, 12 s``: at both ends, and every few seconds between."""
    started = spoke = clock()

    def observe(progress: Progress) -> None:
        nonlocal spoke
        now = clock()
        if 0 < progress.done < progress.total and now - spoke < EVERY:
            return
        spoke = now
        with contextlib.suppress(OSError):  # whoever read stderr has gone; the run goes on
            stream.write(f"{_line(progress)}, {now - started:.0f} s\n")
            stream.flush()

    return observe


def _line(progress: Progress) -> str:
    head = f"{progress.done} of {progress.total} {'case' if progress.total == 1 else 'cases'}"
    return ", ".join(filter(None, (head, remarkable(progress.tally))))


def remarkable(tally: Mapping[str, int]) -> str:
    """How many cases so far the run fails for, and how many are undecided, which it fails for only with --strict."""
    undecided = tally.get(Status.INCONCLUSIVE, 0)
    others = sum(count for status, count in tally.items() if status not in UNREMARKABLE) - undecided
    counts = {"not as expected": others, "inconclusive": undecided}
    return ", ".join(f"{count} {words}" for words, count in counts.items() if count)


@contextmanager
def _bar(stream: TextIO) -> Iterator[Observe]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Bar(*columns, console=Console(file=stream), transient=True) as bar:
        task = bar.add_task("starting", total=None)

        def observe(progress: Progress) -> None:
            description = remarkable(progress.tally) or "cases"
            bar.update(task, total=progress.total, completed=progress.done, description=description)

        yield observe
