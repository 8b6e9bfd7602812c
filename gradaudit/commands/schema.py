"""Command ``schema``: the JSON Schema of the suite file."""

import json

import click

from gradaudit.commands import _speech as speech
from gradaudit.commands import _status as status


@click.command("schema")
def command() -> int:
    """The JSON Schema of the suite file, for editors."""
    from gradaudit.suite import json_schema

    speech.put(json.dumps(json_schema(), indent=2) + "\n")
    return status.OK
