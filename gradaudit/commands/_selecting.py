"""SUITE... and the options that choose and change its cases, for every command that takes them."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from gradaudit.suite import builtin

if TYPE_CHECKING:
    from gradaudit.plan import Selection

_BUILTIN = ", ".join(builtin.PREFIX + name for name in builtin.names())
SUITES = f"SUITE is a file, or a suite that comes with gradaudit: {_BUILTIN}."  #: stands below the options


def selecting(command: Callable[..., int]) -> Callable[..., int]:
    """Give a callback ``suites``, ``keyword``, ``tags``, ``ids``, ``profile``, ``settings`` and ``seed``."""
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
            click.option("--seed", type=click.IntRange(min=0), metavar="N", help="Override the seed of the suite."),
        )
    ):
        command = decorate(command)
    return command


def selection(keyword: str | None, tags: tuple[str, ...], ids: tuple[str, ...]) -> "Selection":
    """What the options choose."""
    from gradaudit.plan import Selection

    return Selection(keyword=keyword, tags=tags, ids=ids)


def overrides(settings: tuple[str, ...], **others: object) -> dict[str, object]:
    """``--set`` and the options that are short for it, which win. Raises UsageError for one without a value."""
    found: dict[str, object] = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals:
            raise click.UsageError(f"--set {setting}: a value is missing; write --set KEY=VALUE, such as --set h=1e-4")
        found[key.strip()] = value
    return {**found, **{key: value for key, value in others.items() if value is not None}}
