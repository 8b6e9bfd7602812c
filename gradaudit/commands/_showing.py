"""The options of every command that shows an audit."""

from collections.abc import Callable
from pathlib import Path

import click

from gradaudit.commands._speech import STYLES


def showing(*, outputs: str) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Give a callback ``outputs``, ``style``, ``strict`` and ``fail_on``; ``outputs`` says what -o is for."""
    endings = ".html .csv .json .jsonl .junit.xml .md"
    options = (
        click.option(
            "-o",
            "outputs",
            metavar="PATH",
            multiple=True,
            type=click.Path(path_type=Path),
            help=f"{outputs}; format by ending: {endings} (repeatable).",
        ),
        click.option(
            "--format", "style", type=click.Choice(STYLES), default="full", show_default=True, help="For stdout."
        ),
        click.option("--strict", is_flag=True, help="Inconclusive cases fail too."),
        click.option(
            "--fail-on",
            type=click.Choice(["failure", "regression"]),
            default="failure",
            show_default=True,
            help="What sets exit status 1: any failure, or only cases that are not as good as in the baseline.",
        ),
    )

    def decorated(command: Callable[..., int]) -> Callable[..., int]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorated
