"""Writes docs/reference.md from the code: commands, suite keys, shelves, diagnoses, measures, exit statuses.

``python scripts/make_reference.py`` after any of them has changed; a test says when that is due.
"""

import inspect
import json
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

import click

from gradaudit import backends, checks, commands, engines, report
from gradaudit.commands import _status
from gradaudit.judge import diagnosis
from gradaudit.judge.diagnosis import ADVICE, Diagnosis
from gradaudit.judge.verdict import Counts, CurvePoint, Element, Measures, Planted
from gradaudit.report import csv
from gradaudit.report._certificates import Stratum
from gradaudit.suite import overrides
from gradaudit.suite.schema import json_schema

PAGE = Path(__file__).parents[1] / "docs" / "reference.md"
Schema = Mapping[str, Any]

HEAD = """\
# Reference

Made from the code by `python scripts/make_reference.py`; a test holds it to the code. What the words mean is told in
[What a verdict means](verdicts.md).
"""
MAPPINGS = {
    "A suite": None,
    "A function": "FunctionKeys",
    "Settings of defaults and of functions": "DefaultKeys",
    "Tolerance": "ToleranceKeys",
    "Inputs": "InputKeys",
    "Matrix": "MatrixKeys",
    "Expect": "ExpectKeys",
    "A profile": "ProfileKeys",
    "Avoid": "AvoidKeys",
}
CSV = """\
All tables are UTF-8, which some spreadsheets have to be told when they open one. Numbers that are not finite are `NaN`,
`Infinity` and `-Infinity`, and a text that a spreadsheet would take for a formula begins with `'`.

### results.csv

A row for each case.
"""
TABLES = {
    "Measures": (Measures, "The headline numbers of a case, in `results.csv` and under these names everywhere."),
    "Counts": (Counts, "How many elements ended how, in `results.csv`."),
    "elements.csv": (Element, "A row for each of the worst elements of a case."),
    "curves.csv": (CurvePoint, "A row for each step of a curve."),
    "certificates.csv": (Stratum, "A row for each certificate and decade of |g|·s, of cases along directions."),
    "power.csv": (Planted, "A row for each known fault that `--power` planted."),
}


def reference() -> str:
    """The whole page."""
    parts = [HEAD, _contents(), *_commands(), *_exit_statuses(), *_suite(), *_distributions(), *_outside()]
    parts += [*_shelf("Checks", checks), *_shelf("Engines", engines), *_shelf("Backends", backends)]
    parts += [*_formats(), *_diagnoses(), *_fields()]
    return "\n".join(parts)


def _contents() -> str:
    titles = ["Commands", "Exit status", "The suite file", "Distributions", "Settings from outside", "Checks"]
    titles += ["Engines", "Backends", "Report formats", "Diagnoses", "Measures and columns"]
    return " · ".join(f"[{title}](#{title.lower().replace(' ', '-')})" for title in titles) + "\n"


def _table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def _commands() -> Iterator[str]:
    yield "## Commands\n"
    for name in commands.names():
        command = commands.part(name)
        context = click.Context(command, info_name=f"gradaudit {name}")
        yield f"### {command.get_usage(context).removeprefix('Usage: ').replace('[OPTIONS] ', '')}\n"
        yield " ".join((command.help or "").split()) + "\n"
        options = [option for option in command.params if isinstance(option, click.Option) and not option.hidden]
        if options:
            yield _table(("option", ""), (_option(option, context) for option in options))


def _option(option: click.Option, context: click.Context) -> tuple[str, str]:
    names, help_ = option.get_help_record(context) or ("", "")
    return f"`{names}`", " ".join(help_.split())


def _exit_statuses() -> Iterator[str]:
    said = {str(value): text for value, text in _comments(_status, _status)}
    yield "## Exit status\n"
    yield _table(("status", ""), ((f"`{value}`", said.get(value, "interrupted")) for value in _numbers(_status)))


def _numbers(module: ModuleType) -> Iterator[str]:
    yield from re.findall(r"^[A-Z]+ = (\d+)", inspect.getsource(module), flags=re.MULTILINE)


def _comments(source: object, owner: object) -> Iterator[tuple[object, str]]:
    """(value in ``owner``, what stands behind ``#:``) of every line that has both."""
    for name, text in re.findall(r"^ *(\w+)\b.*#: (.*)$", inspect.getsource(source), flags=re.MULTILINE):
        yield getattr(owner, name, name), text


def _suite() -> Iterator[str]:
    yield "## The suite file\n"
    yield "`gradaudit schema` prints the same as JSON Schema, for editors.\n"
    schema = json_schema()
    for title, definition in MAPPINGS.items():
        keys = schema["$defs"][definition] if definition else schema
        yield f"### {title}\n\n{_plain(keys['description'])}\n"
        rows = (_key(name, of, keys, schema["$defs"]) for name, of in _own(keys, title, schema["$defs"]))
        yield _table(("key", "values", "left out", ""), rows)


def _outside() -> Iterator[str]:
    yield "## Settings from outside\n"
    yield (
        "`--set KEY=VALUE` on the command line and `GRADAUDIT_*` in the environment hold for every case. Of several "
        "values the first of these holds: command line, environment, profile, function, `by_dtype`, `defaults` of the "
        "file, `defaults` of the file that includes it, what is built in. `gradaudit list SUITE --show-config ID` says "
        "which it was.\n"
    )
    variables = {**overrides.VARIABLES, overrides.PROFILE: None}
    rows = ((f"`{name}`", f"`--set {key}=…`" if key else "`--profile`") for name, key in variables.items())
    yield _table(("variable", "as"), rows)


def _own(keys: Schema, title: str, definitions: Schema) -> Iterator[tuple[str, Schema]]:
    """Keys that stand in no table of their own: a function has all settings too, an input all distributions."""
    settings = definitions["DefaultKeys"]["properties"] if title in ("A function", "A profile") else {}
    for name, of in keys["properties"].items():
        if name not in settings and not (title == "Inputs" and _is_distribution(of, definitions)):
            yield name, of


def _is_distribution(of: Schema, definitions: Schema) -> bool:
    named = [option["$ref"].rpartition("/")[2] for option in of.get("anyOf", ()) if "$ref" in option]
    return any(name not in MAPPINGS.values() and "Keys" not in name for name in named)


def _key(name: str, of: Schema, keys: Schema, definitions: Schema) -> tuple[str, ...]:
    default = "required" if name in keys.get("required", ()) else _default(of)
    return f"`{name}`", _values(of, definitions), default, _plain(of.get("description", ""))


def _default(of: Schema) -> str:
    default = of.get("default")
    return "" if default in (None, [], {}, "") else f"`{json.dumps(default).strip(chr(34))}`"


def _values(of: Schema, definitions: Schema) -> str:
    """What may be written, in words."""
    options = [option for option in of.get("anyOf", [of]) if option.get("type") != "null"]
    return ", or ".join(dict.fromkeys(_value(option, definitions) for option in options))


def _value(of: Schema, definitions: Schema) -> str:
    if "const" in of:
        return f"`{of['const']}`"
    if "enum" in of:
        return " ".join(f"`{word}`" for word in of["enum"])
    if "$ref" in of:
        return "{" + ", ".join(definitions[of["$ref"].rpartition("/")[2]]["properties"]) + "}"
    if "properties" in of:
        return "{" + ", ".join(of["properties"]) + "}"
    kind = of.get("type", "anything")
    named = " or ".join(kind) if isinstance(kind, list) else kind
    return {"array": "list", "object": "mapping", "boolean": "`true` `false`", "string": "text"}.get(named, named)


def _distributions() -> Iterator[str]:
    yield "## Distributions\n\nOne of them stands beside `shape`; without one, values are standard normal.\n"
    definitions = json_schema()["$defs"]
    inputs = definitions["InputKeys"]["properties"]
    rows = ((name, _parameters(of, definitions)) for name, of in inputs.items() if _is_distribution(of, definitions))
    yield _table(("key", "parameters", ""), ((f"`{name}`", *said) for name, said in rows))


def _parameters(of: Schema, definitions: Schema) -> tuple[str, str]:
    definition = definitions[next(option["$ref"] for option in of["anyOf"] if "$ref" in option).rpartition("/")[2]]
    named = definition.get("properties", {}).items()
    return ", ".join(f"{name}{_equal(parameter)}" for name, parameter in named), _plain(definition["description"])


def _equal(parameter: Schema) -> str:
    return f" = {parameter['default']:g}" if "default" in parameter else ""


def _shelf(title: str, shelf: ModuleType) -> Iterator[str]:
    yield f"## {title}\n"
    names = [part.name for part in iter_modules(shelf.__path__) if not part.name.startswith("_")]
    yield _table(("name", ""), ((f"`{name}`", _about(import_module(f"{shelf.__name__}.{name}"))) for name in names))


def _about(module: ModuleType) -> str:
    """The contract of a part, which is the first line of its docstring, without its own name before the colon."""
    line = (module.__doc__ or "").partition("\n")[0]
    return _plain(re.sub(r"^\w+ ``\w+``: ", "", line))


def _formats() -> Iterator[str]:
    yield "## Report formats\n\nFor `-o PATH`: the ending of PATH chooses.\n"
    yield _table(("ending", ""), ((f"`{suffix}`", _about(part)) for suffix, part in report.formats().items()))


def _diagnoses() -> Iterator[str]:
    yield "## Diagnoses\n\nEverything that can stand beside a status, and what would help where a case is undecided.\n"
    source = inspect.getsource(diagnosis.Diagnosis)
    for heading, body in re.findall(r"^ {4}# (.*)\n((?: {4}[A-Z_]+ = .*\n)+)", source, flags=re.MULTILINE):
        named = [Diagnosis[name] for name in re.findall(r"^ {4}([A-Z_]+) =", body, flags=re.MULTILINE)]
        yield f"### {heading[0].upper()}{heading[1:]}\n"
        if any(said in ADVICE for said in named):
            yield _table(("diagnosis", "advice"), ((said.value, ADVICE.get(said, "")) for said in named))
        else:
            yield ", ".join(said.value for said in named) + ".\n"


def _fields() -> Iterator[str]:
    yield "## Measures and columns\n"
    yield CSV
    yield _table(("name", ""), ((f"`{name}`", about) for name, about in csv.BEFORE.items()))
    yield "Then the [measures](#measures) and the [counts](#counts), then:\n"
    yield _table(("name", ""), ((f"`{name}`", about) for name, about in csv.AFTER.items()))
    for title, (noun, about) in TABLES.items():
        yield f"### {title}\n\n{about}\n"
        said = dict(_comments(noun, None))
        rows = ((f"`{name}`", _plain(said.get(name, ""))) for name in noun.__dataclass_fields__)
        yield _table(("name", ""), rows)


def _plain(text: str) -> str:
    return " ".join(text.replace("``", "`").split())


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
