"""The noun of this stage: every function of every file, with the layers that its settings are resolved from."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from gradaudit.suite.nodes import Document
from gradaudit.suite.problem import Place, Problem
from gradaudit.suite.schema import FunctionKeys, SuiteKeys
from gradaudit.suite.setting_keys import DefaultKeys, ProfileKeys, ToleranceKeys

Value = TypeVar("Value", covariant=True)

BUILT_IN = "built in"


@dataclass(frozen=True)
class Layer:
    """One source of settings: what it is called, and where its keys stand."""

    title: str  #: ``defaults``, ``profile 'pr'``, ``--set``
    keys: BaseModel = field(repr=False)
    document: Document = field(repr=False)
    path: tuple[str | int, ...] = ()  #: of these keys in the document

    def place(self, key: str) -> Place:
        """Where the dotted ``key`` stands."""
        return self.document.place((*self.path, *key.split(".")), key=True)

    def problem(self, message: str, *path: str | int) -> Problem:
        """A problem with the value at ``path`` below these keys."""
        return self.document.problem(message, (*self.path, *path))


@dataclass(frozen=True)
class Setting(Generic[Value]):
    """A resolved value and where it came from."""

    value: Value
    layer: Layer | None  #: None: built in
    key: str = ""

    @property
    def origin(self) -> str:
        """``defaults (configs/a.yaml:4:3)``, ``--set h``, ``built in``."""
        if self.layer is None:
            return BUILT_IN
        place = self.layer.place(self.key)
        return f"{self.layer.title} ({place})" if place.line else str(place)


@dataclass(frozen=True)
class SuiteFile:
    """One validated file; ``includer`` is the file that included it."""

    document: Document = field(repr=False)
    keys: SuiteKeys = field(repr=False)
    location: Path  #: absolute
    includer: "SuiteFile | None" = None
    lost: frozenset[int] = frozenset()  #: positions of items of ``functions:`` that could not be read: see problems
    lacking: Mapping[int, frozenset[str]] = field(default_factory=dict)  #: by position: their keys that could not be
    unknown: frozenset[str] = frozenset()  #: settings above them that could not be; ``profiles`` where one could not

    @property
    def functions(self) -> Iterator[tuple[int, FunctionKeys]]:
        """The items of ``functions:`` that could be read, each with its position in the file."""
        return ((i, keys) for i, keys in enumerate(self.keys.functions) if i not in self.lost)

    @property
    def folder(self) -> Path:
        """What the paths in this file are relative to."""
        return self.location.parent

    def chain(self) -> Iterator["SuiteFile"]:
        """This file, the file that includes it, and so on to the one that the user named."""
        current: SuiteFile | None = self
        while current is not None:
            yield current
            current = current.includer

    def defaults(self) -> Iterator[Layer]:
        """Defaults of this file, then of the including ones."""
        for file in self.chain():
            if file.keys.defaults is not None:
                yield Layer("defaults", file.keys.defaults, file.document, ("defaults",))

    def by_dtype(self, dtype: str) -> Iterator[Layer]:
        """Settings for ``dtype`` of this file, then of the including ones."""
        for file in self.chain():
            for name, keys in file.keys.by_dtype.items():
                if name == dtype:
                    yield Layer(f"by_dtype {dtype}", keys, file.document, ("by_dtype", dtype))

    def profile(self, name: str | None) -> Iterator[Layer]:
        """Settings of the profile in this file, then in the including ones."""
        for file in self.chain():
            if name is not None and name in file.keys.profiles:
                yield Layer(f"profile {name!r}", file.keys.profiles[name], file.document, ("profiles", name))


@dataclass(frozen=True)
class Entry:
    """One item of ``functions:`` with everything that its cases follow from."""

    keys: FunctionKeys
    file: SuiteFile
    index: int
    overrides: tuple[Layer, ...] = ()  #: command line, then environment
    profile: str | None = None
    seed: Setting[int] = field(default_factory=lambda: Setting(0, None))
    path: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    unknown: frozenset[str] = (
        frozenset()
    )  #: keys, its own or of settings above it, that could not be read: see problems

    @property
    def place(self) -> Place:
        """Where the item begins."""
        return self.file.document.place(self.node_path)

    @property
    def node_path(self) -> tuple[str | int, ...]:
        """Path of the item in its document."""
        return ("functions", self.index)

    def knows(self, *keys: str) -> bool:
        """Whether what follows from ``keys`` can be judged."""
        return self.unknown.isdisjoint(keys)

    @property
    def root(self) -> str:
        """The file that the user named, which leads to this entry."""
        return list(self.file.chain())[-1].document.file

    def problem(self, message: str, *path: str | int) -> Problem:
        """A problem with the value at ``path`` below the item."""
        return self.file.document.problem(message, (*self.node_path, *path))

    def layers(self, dtype: str | None) -> tuple[Layer, ...]:
        """The sources of settings, the one that wins first."""
        return (
            *self.overrides,
            *self.file.profile(self.profile),
            Layer(f"functions[{self.index}]", self.keys, self.file.document, self.node_path),
            *(self.file.by_dtype(dtype) if dtype else ()),
            *self.file.defaults(),
        )

    def settings(self, dtype: str | None = None) -> dict[str, Setting[Any]]:
        """Every setting under its dotted key, for a case whose narrowest differentiated input has ``dtype``."""
        layers = self.layers(dtype)
        plain = [name for name in DefaultKeys.model_fields if name not in ("tolerance", "tags")]
        found = {name: _first(layers, name) for name in plain}
        for name in ToleranceKeys.model_fields:
            found[f"tolerance.{name}"] = _first(layers, f"tolerance.{name}")
        return found

    @property
    def tags(self) -> dict[str, Setting[str]]:
        """Labels of the function, then those of the file and the including ones: tags add up."""
        found: dict[str, Setting[str]] = {}
        for layer in self.layers(None):
            for tag in getattr(layer.keys, "tags", ()):
                found.setdefault(tag, Setting(tag, layer, "tags"))
        return found

    @property
    def select(self) -> Setting[str] | None:
        """The selection of the profile, where it has one."""
        for layer in self.file.profile(self.profile):
            if isinstance(layer.keys, ProfileKeys) and layer.keys.select is not None:
                return Setting(layer.keys.select, layer, "select")
        return None


@dataclass(frozen=True)
class Suite:
    """What could be read of suite files: what ``make_plan`` expands to cases, or refuses with all that is wrong."""

    name: str
    files: tuple[str, ...]  #: as the user named them
    entries: tuple[Entry, ...] = field(repr=False)
    problems: tuple[Problem, ...] = ()  #: with what is not among ``entries``, or not known there


def _first(layers: Sequence[Layer], key: str) -> Setting[Any]:
    """The value of the dotted ``key`` in the first layer that sets it."""
    for layer in layers:
        keys, name = layer.keys, key
        if "." in key:
            outer, name = key.split(".")
            keys = getattr(keys, outer, None) or ToleranceKeys()
        if name in keys.model_fields_set:
            return Setting(getattr(keys, name), layer, key)
    return Setting(_built_in(key), None)


@cache
def _built_in(key: str) -> object:
    model: type[BaseModel] = ToleranceKeys if key.startswith("tolerance.") else DefaultKeys
    return model.model_fields[key.rpartition(".")[2]].default
