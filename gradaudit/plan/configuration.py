"""Everything that a case is given, and where each of it was said: what ``--show-config`` prints."""

from collections.abc import Iterable, Iterator

from gradaudit.plan.case import TIMEOUT, UNSAID, Case
from gradaudit.plan.inputs import precision
from gradaudit.plan.precision import EPSILONS
from gradaudit.plan.settings import Found, all_origins
from gradaudit.plan.written import input_as_written
from gradaudit.suite.quantities import Elements
from gradaudit.suite.suite import Entry, SuiteFile

Row = tuple[str, object, str]


def configuration(case: Case, entry: Entry, found: Found) -> list[Row]:
    """(key, value, origin) of everything, in the words of the suite file; where it says nothing, what is used.

    None is the value of what is not known yet: ``UNSAID`` has words for it.
    """
    return [*_settings(case, entry, found), *_arguments(case, entry), *_surroundings(case, entry)]


def _settings(case: Case, entry: Entry, found: Found) -> Iterator[Row]:
    values = {
        "function": case.target.function,
        **dict(case.target.claims),
        **{key: _used(case, key, setting.value) for key, setting in found.items()},
        "checks": case.checks,
        "tags": case.tags,
        "points": case.points,
        "seed": case.seed,
    }
    notes = {key: _note(case, key) for key, setting in found.items() if setting.value is None}
    for key, origin in all_origins(entry, found):
        yield key, values[key], origin + notes.get(key, "")


def _arguments(case: Case, entry: Entry) -> Iterator[Row]:
    """What the function is called with, the values of axes put in."""
    at_point = (entry.keys.at or {}).get(case.point or "", {})
    for given in case.inputs:
        there = _holder(given.name, at_point)
        stands = ("at", case.point or "", there) if there else ("inputs", _holder(given.name, entry.keys.inputs or {}))
        yield f"inputs.{given.name}", input_as_written(given), _said(entry, *stands)
    yield from ((f"args[{i}]", value, _said(entry, "args", i)) for i, value in enumerate(case.target.args))
    yield from ((f"kwargs.{name}", value, _said(entry, "kwargs", name)) for name, value in case.target.kwargs)
    yield from ((f"matrix.{name}", value, _said(entry, "matrix", name)) for name, value in case.axes)
    if case.expect is not None:
        reason, until = case.expect.reason, case.expect.until
        told = {"status": case.expect.status, "reason": reason or None, "until": until and until.isoformat()}
        yield "expect", {key: value for key, value in told.items() if value}, _said(entry, "expect")
    if case.was:
        yield "was", case.was, _said(entry, "was")


def _surroundings(case: Case, entry: Entry) -> Iterator[Row]:
    """Folders and variables: those of the file, and of the files that include it."""
    files = tuple(entry.file.chain())
    for folder in case.path:
        yield "path", folder, _first(files, "path", folder)
    for name, value in case.env:
        yield f"env.{name}", value, _first(files, "env", name)


def _holder(name: str, said: Iterable[str]) -> str:
    """The input that ``name`` is, or is a leaf of; empty where it is none of those ``said``."""
    return next((other for other in said if f"{name}.".startswith(f"{other}.")), "")


def _said(entry: Entry, *path: str | int) -> str:
    place = entry.file.document.place((*entry.node_path, *path), key=True)
    return f"functions[{entry.index}] ({place})"


def _first(files: tuple[SuiteFile, ...], key: str, wanted: str) -> str:
    """Where the nearest of ``files`` says ``wanted`` below ``key``."""
    for file in files:
        names = [str((file.folder / folder).resolve()) for folder in file.keys.path] if key == "path" else file.keys.env
        if wanted in names:
            step = names.index(wanted) if isinstance(names, list) else wanted
            return f"suite ({file.document.place((key, step), key=True)})"
    raise LookupError(f"{key} {wanted!r} is said nowhere")


def _used(case: Case, key: str, value: object) -> object:
    if isinstance(value, Elements):
        return value.kind if value.count is None else {value.kind: value.count}
    return _left_out(case).get(key) if value is None else value


def _left_out(case: Case) -> dict[str, object]:
    """What null means. Outputs may be narrower than inputs; they, and what a module holds, are not known yet."""
    found: dict[str, object] = {"h": UNSAID["h"], "timeout": TIMEOUT}
    if dtype := precision(case.inputs):
        rtol, resolution = case.settings.tolerance.at_precision(EPSILONS[dtype])
        found |= {"tolerance.rtol": rtol, "tolerance.resolution": resolution}
    return found


def _note(case: Case, key: str) -> str:
    dtype = precision(case.inputs) if key in ("tolerance.rtol", "tolerance.resolution") else None
    return f", by precision ({dtype})" if dtype else ""
