"""Suite files to a Suite: what can be read of all of them, beside everything that is wrong with them."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from glob import glob, has_magic
from pathlib import Path

from gradaudit.suite import builtin, salvage
from gradaudit.suite import overrides as outside
from gradaudit.suite.available import refusals
from gradaudit.suite.files import ARRAY_SUFFIXES, FileError, read_text
from gradaudit.suite.input_keys import InputKeys
from gradaudit.suite.nodes import compose
from gradaudit.suite.problem import Place, Problem, SuiteError, did_you_mean, one_of
from gradaudit.suite.schema import SuiteKeys
from gradaudit.suite.setting_keys import OverrideKeys
from gradaudit.suite.suite import Entry, Layer, Setting, Suite, SuiteFile


def load_suite(
    files: Sequence[str | Path],
    *,
    overrides: Mapping[str, object] | None = None,
    environment: Mapping[str, str] | None = None,
    profile: str | None = None,
) -> Suite:
    """Read, validate and join suite files, or built-in suites (``builtin:suite``), with what they include.

    ``overrides`` are dotted settings (``tolerance.rtol``) from the command line, text parsed as YAML; ``environment``
    (``os.environ`` if left out) gives ``GRADAUDIT_*`` and, where ``profile`` is None, ``GRADAUDIT_PROFILE``. No user
    code is imported. What is wrong is in the suite's ``problems``: planning finds further ones in what is sound, and a
    user gets them all at once.
    """
    variables = os.environ if environment is None else environment
    asked = Place("--profile" if profile else f"environment {outside.PROFILE}")
    profile = profile or variables.get(outside.PROFILE) or None
    loader = _Loader()
    for file in files:
        loader.load(file, display=str(file), includer=None)
    layers = loader.outside(overrides or {}, variables)
    loader.require_profile(profile, asked)
    entries = [entry for file in loader.files for entry in _entries(file, layers, profile, loader.unknown)]
    loader.require_entries(files, entries)
    entries = [loader.with_what_it_may_have(entry) for entry in entries]
    return Suite(
        name="+".join(dict.fromkeys(loader.titles)),
        files=tuple(map(str, files)),
        entries=tuple(entries),
        problems=tuple(dict.fromkeys(loader.problems)),
    )


class _Loader:
    """Files read so far and what was wrong with them."""

    def __init__(self) -> None:
        self.files: list[SuiteFile] = []
        self.titles: list[str] = []  #: of the files that the user named
        self.problems: list[Problem] = []
        self.unknown = frozenset[str]()  #: settings that something outside the files may set, if it were not wrong

    def load(self, name: str | Path, *, display: str, includer: SuiteFile | None) -> None:
        """Read one file and, after it, the files that it includes."""
        try:
            path = builtin.located(name)
            document = compose(read_text(path), file=display)
        except (FileError, builtin.UnknownSuite) as error:
            self.problems.append(Problem(Place(display), str(error)))
            return
        except SuiteError as error:
            self.problems.extend(error.problems)
            return
        read = salvage.read(document)
        self.problems.extend(document.problems)
        told = {problem.place for problem in document.problems}
        self.problems.extend(problem for problem in read.problems if problem.place not in told)
        if read.keys is not None:
            file = SuiteFile(document, read.keys, path.resolve(), includer, read.lost, read.lacking, read.unknown)
            self.files.append(file)
            if includer is None:
                self.titles.append(read.keys.name or Path(name).stem)
            self.require_folders(file)
            self.include(file, path)

    def include(self, file: SuiteFile, path: Path) -> None:
        for i, pattern in enumerate(file.keys.include):
            found = self.matches(file, pattern, path)
            if not found:
                self.problems.append(file.document.problem(f"include {pattern!r} matches no file", ("include", i)))
            for name in found:
                self.include_one(file, i, name)

    def matches(self, file: SuiteFile, pattern: str, path: Path) -> list[str]:
        if not has_magic(pattern):
            return [pattern]
        try:
            found = sorted(glob(pattern, root_dir=file.folder, recursive=True))
        except (OSError, ValueError):
            return []
        return [name for name in found if (file.folder / name).resolve() != path.resolve()]

    def include_one(self, file: SuiteFile, index: int, name: str) -> None:
        path = file.folder / name
        display = builtin.beside(file.document.file, name)
        if not _is(Path.is_file, path):
            self.problems.append(file.document.problem(f"include {name!r} is not a file", ("include", index)))
        elif any(path.resolve() == above.location for above in file.chain()):
            self.problems.append(file.document.problem(f"include {name!r} comes back to itself", ("include", index)))
        else:
            self.load(path, display=display, includer=file)

    def require_folders(self, file: SuiteFile) -> None:
        for i, folder in enumerate(file.keys.path):
            if not _is(Path.is_dir, file.folder / folder):
                self.problems.append(file.document.problem(f"path {folder!r} is not a folder", ("path", i)))

    def outside(self, overrides: Mapping[str, object], variables: Mapping[str, str]) -> tuple[Layer, ...]:
        from_command_line, problems = outside.command_line(overrides)
        from_environment, more = outside.environment(variables)
        self.problems[:0] = [*problems, *more]
        if problems or more:
            self.unknown = salvage.EVERY_SETTING
        return (*from_command_line, *from_environment)

    def require_profile(self, profile: str | None, asked: Place) -> None:
        known = tuple(dict.fromkeys(name for file in self.files for name in file.keys.profiles))
        if any("profiles" in file.unknown for file in self.files):
            return
        if profile is not None and self.files and profile not in known:
            hint = did_you_mean(profile, known) or (one_of(known) if known else "; the suite has no profiles")
            self.problems.insert(0, Problem(asked, f"unknown profile {profile!r}{hint}"))
            self.unknown = salvage.EVERY_SETTING

    def with_what_it_may_have(self, entry: Entry) -> Entry:
        """The entry without the engine and the checks that cannot be had here."""
        refused = list(_entry_problems(entry))
        self.problems.extend(refused)
        return replace(entry, unknown=entry.unknown | {"engine", "checks"}) if refused else entry

    def require_entries(self, files: Sequence[str | Path], entries: Sequence[Entry]) -> None:
        if not files:
            self.problems.append(Problem(Place("gradaudit"), "no suite file given"))
        elif not entries and not self.problems:
            root = self.files[0].document
            self.problems.append(root.problem("the suite has no functions; add 'functions:' or 'include:'"))


def _entries(
    file: SuiteFile, layers: tuple[Layer, ...], profile: str | None, unknown: frozenset[str]
) -> Iterable[Entry]:
    path, env, seed = _search_path(file), _environment(file), _seed(file, layers)
    unknown = unknown.union(*(above.unknown for above in file.chain()))
    for i, keys in file.functions:
        yield Entry(keys, file, i, layers, profile, seed, path, env, unknown | file.lacking.get(i, frozenset()))


def _search_path(file: SuiteFile) -> tuple[str, ...]:
    folders = (above.folder / folder for above in file.chain() for folder in above.keys.path)
    # a name that no folder can have is refused elsewhere, with its place
    return tuple(dict.fromkeys(str(folder.resolve()) for folder in folders if _is(Path.is_dir, folder)))


def _environment(file: SuiteFile) -> tuple[tuple[str, str], ...]:
    merged: dict[str, str] = {}
    for above in file.chain():
        merged = {**above.keys.env, **merged}
    return tuple(sorted(merged.items()))


def _seed(file: SuiteFile, layers: Sequence[Layer]) -> Setting[int]:
    """The nearest: command line, environment, this file, the including files; 0."""
    for layer in (*layers, *(Layer("suite", above.keys, above.document) for above in file.chain())):
        if isinstance(layer.keys, OverrideKeys | SuiteKeys) and "seed" in layer.keys.model_fields_set:
            return Setting(layer.keys.seed, layer, "seed")
    return Setting(0, None)


def _entry_problems(entry: Entry) -> Iterable[Problem]:
    yield from refusals(entry)
    for path, field in entry.keys.fields():
        yield from _file_problems(entry, field, *path)


def _file_problems(entry: Entry, field: InputKeys, *path: str | int) -> Iterable[Problem]:
    if field.file is None:
        return
    if Path(field.file).suffix.lower() not in ARRAY_SUFFIXES:
        yield entry.problem(f"{field.file!r} is not an array file{one_of(ARRAY_SUFFIXES)}", *path, "file")
    elif not _is(Path.is_file, entry.file.folder / field.file):
        yield entry.problem(f"no file {field.file!r} beside {entry.file.document.file}", *path, "file")


def _is(kind: Callable[[Path], bool], path: Path) -> bool:
    """Whether ``path`` is there and of this kind; a name that no file can have is not."""
    try:
        return kind(path)
    except (OSError, ValueError):
        return False
