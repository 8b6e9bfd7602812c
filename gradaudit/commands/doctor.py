"""Command ``doctor``: what this machine can do, and what is missing."""

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from gradaudit.commands import _speech as speech
from gradaudit.commands import _status as status

if TYPE_CHECKING:
    from gradaudit.commands._examination import Finding

COLOURS = {"ok": "32", "warn": "33", "fail": "1;31"}  #: of the marks, as ANSI has them


@click.command("doctor")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(style: str) -> int:
    """What this machine can do, and what is missing.

    Looks at cores, caches, engines and backends, and whether a worker starts. Exits with 3 where no run can work. What
    is optional and missing is a warning, with the line that installs it.
    """
    from gradaudit.commands import _examination
    from gradaudit.running import runner

    found = list(_examination.examine(reports=runner.REPORTS, terminal=sys.stdout))
    speech.put(_as_json(found) if style == "json" else _as_text(found, colour=speech.takes_colour(sys.stdout)))
    return status.BROKEN if any(one.state == "fail" for one in found) else status.OK


def _as_text(found: "Sequence[Finding]", *, colour: bool) -> str:
    width = max(len(one.subject) for one in found)
    return "".join(_line(one, width=width, colour=colour) for one in found) + _summary(found)


def _line(one: "Finding", *, width: int, colour: bool) -> str:
    mark = f"{one.state:<4}"
    mark = f"\x1b[{COLOURS[one.state]}m{mark}\x1b[0m" if colour else mark
    said = " ".join(f"{one.said}; {one.fix}".split() if one.fix else one.said.split())
    return f"{mark}  {one.subject:<{width}}  {said}\n"


def _summary(found: "Sequence[Finding]") -> str:
    failed = [one.subject for one in found if one.state == "fail"]
    warned = sum(one.state == "warn" for one in found)
    if failed:
        return f"no run can work here: {', '.join(failed)}\n"
    return f"runs work here; {warned} {'warning' if warned == 1 else 'warnings'}\n"


def _as_json(found: "Sequence[Finding]") -> str:
    listed = [{"subject": one.subject, "state": one.state, "said": one.said, "fix": one.fix} for one in found]
    return json.dumps({"format": 1, "kind": "gradaudit doctor", "findings": listed}, indent=1) + "\n"
