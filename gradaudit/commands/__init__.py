"""The shelf of commands: each file is one, and its name is the word the user types.

A command is one file with ``command``, a ``click.Command`` whose callback gives the exit status; it may raise click's
usage errors and whatever the stages refuse with. Only click is imported at the top: ``--help`` reads every file.
"""

import importlib
import pkgutil
from functools import cache

import click


@cache
def names() -> tuple[str, ...]:
    """The commands on the shelf, without importing any."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")))


def part(name: str) -> click.Command:
    """The command called ``name``, which is on the shelf."""
    found: click.Command = importlib.import_module(f"{__name__}.{name}").command
    return found
