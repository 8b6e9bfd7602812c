"""The laws of the house, read from the import graph: the path of the data is the path of the imports."""

import ast
import importlib
from pathlib import Path

import pytest

import gradaudit

ROOT = Path(gradaudit.__file__).parent
SHELVES = ["engines", "checks", "backends", "report", "commands"]


def module_name(file):
    parts = ("gradaudit", *file.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(file): file for file in sorted(ROOT.rglob("*.py"))}


def imports(file, *, top_level_only):
    """Modules that a file imports, type checking aside."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    nodes = tree.body if top_level_only else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            named = [f"{node.module}.{alias.name}" for alias in node.names]
            # a package that only hands its parts on is not what is used
            yield from (name if name in MODULES else node.module for name in named)


GRAPH = {
    name: {found for found in imports(file, top_level_only=True) if found in MODULES and found != name}
    for name, file in MODULES.items()
}


def cycle_from(start):
    """A path of imports that leads from ``start`` back to it, or None."""
    trail, seen = [(start, [start])], set()
    while trail:
        name, path = trail.pop()
        for after in GRAPH[name]:
            if after == start:
                return [*path, start]
            if after not in seen:
                seen.add(after)
                trail.append((after, [*path, after]))
    return None


@pytest.mark.parametrize("name", sorted(MODULES))
def test_no_module_imports_itself_in_a_circle(name):
    assert cycle_from(name) is None


def folder(name):
    parts = name.split(".")
    return parts[1] if len(parts) > 1 else ""


@pytest.mark.parametrize("stage", ["perturb", "ops"])
def test_the_numeric_ground_floor_imports_nothing_of_ours(stage):
    above = {
        (name, found)
        for name, file in MODULES.items()
        if folder(name) == stage
        for found in imports(file, top_level_only=False)
        if found.startswith("gradaudit.") and folder(found) != stage
    }
    assert not above


@pytest.mark.parametrize(
    ("stage", "below"),
    [
        ("judge", {"judge", "perturb", "plan"}),
        ("checks", {"checks", "judge", "perturb", "plan", "engines"}),
        ("engines", {"engines", "libraries", "plan", "perturb", "tape", "functions", "pullback"}),
        ("plan", {"plan", "suite"}),
        ("suite", {"suite", "plan", "libraries"}),
        ("power", {"power", "checks", "judge", "perturb", "plan"}),
        ("isolation", {"isolation", "judge", "plan", "engines"}),
    ],
)
def test_a_stage_knows_only_the_stages_before_it(stage, below):
    used = {
        folder(found)
        for name, file in MODULES.items()
        if folder(name) == stage
        for found in imports(file, top_level_only=False)
        if found.startswith("gradaudit.")
    }
    assert used <= below


@pytest.mark.parametrize("package", ["gradaudit", "gradaudit.plan", "gradaudit.suite"])
def test_every_name_that_a_package_promises_is_found_where_it_says(package):
    # a name is loaded when it is first asked for: what has moved would be missed by no import
    front_door = importlib.import_module(package)
    homes = {
        name: getattr(front_door, name).__module__ for name in front_door.__all__ if name not in ("functions", "ops")
    }
    assert {name for name, home in homes.items() if not home.startswith("gradaudit.")} == set()


LIBRARIES = {"torch": "torch", "jax": "jax", "autograd": "autograd"}


@pytest.mark.parametrize("library", LIBRARIES)
def test_only_its_engine_imports_a_framework(library):
    users = {
        name
        for name, file in MODULES.items()
        for found in imports(file, top_level_only=False)
        if found.partition(".")[0] == library
    }
    own = (f"gradaudit.engines.{LIBRARIES[library]}", f"gradaudit.engines._{LIBRARIES[library]}_")
    assert {name for name in users if not name.startswith(own)} == set()


def test_numba_is_imported_only_where_it_is_needed_and_never_on_the_way_to_the_command_line():
    users = {
        name
        for name, file in MODULES.items()
        for found in imports(file, top_level_only=True)
        if found.partition(".")[0] == "numba"
    }
    allowed = {"gradaudit.perturb.kernels", "gradaudit.engines._flat", "gradaudit.ops._compiled"}
    assert users <= allowed


def callers(wanted):
    """Modules that call one of these, by its whole name or by the name of the method."""
    found = {}
    for name, file in MODULES.items():
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if called in wanted or f".{called.rpartition('.')[2]}" in wanted:
                found.setdefault(name, set()).add(called)
    return found


def test_only_the_command_line_prints_or_exits():
    talkers = set(callers({"print", "exit", "quit", "sys.exit", "click.echo"}))
    assert talkers <= {"gradaudit.cli", "gradaudit.commands._speech", "gradaudit.commands._progress"}


def test_only_suite_report_history_and_the_workers_touch_files():
    openers = callers({"open", ".read_text", ".write_text", ".read_bytes", ".write_bytes", ".mkdir", ".unlink"})
    assert {folder(name) for name in openers} <= {
        "suite",
        "report",
        "history",
        "isolation",
        "backends",
        "running",
        "commands",
    }, openers


@pytest.mark.parametrize("shelf", SHELVES)
def test_every_part_of_a_shelf_says_what_it_is(shelf):
    for file in (ROOT / shelf).glob("[a-z]*.py"):
        assert ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))), file
