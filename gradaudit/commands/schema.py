"""Command ``schema``: the JSON Schemas of the suite file, and of what a run leaves."""

import json

import click

from gradaudit.commands import _speech as speech
from gradaudit.commands import _status as status

WORDS = ("suite", "run", "audit", "results")  #: the suite file, then the names of ``gradaudit.report.schemas``


@click.command("schema")
@click.argument("of", type=click.Choice(WORDS), default="suite", metavar="[suite|run|audit|results]")
def command(of: str) -> int:
    """The JSON Schema of the suite file, for editors.

    Or of run.json, of an audit as -o out.json writes it, or of a line of results.jsonl, for scripts.
    """
    if of == "suite":
        from gradaudit.suite import json_schema

        found = json_schema()
    else:
        from gradaudit.report import schemas

        found = schemas()[of]
    speech.put(json.dumps(found, indent=2) + "\n")
    return status.OK
