"""What can be read of a suite file with something wrong in it: a user wants to mend a file once.

What is wrong is left out, and the rest is read and looked at further. What follows from the keys that are left out is
not judged: nobody is told of a mistake that is gone when another one is mended.
"""

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from gradaudit.suite.messages import parsed
from gradaudit.suite.nodes import Document
from gradaudit.suite.problem import Problem, closest
from gradaudit.suite.schema import COMBINED, FunctionKeys, SuiteKeys
from gradaudit.suite.setting_keys import DefaultKeys, ProfileKeys, SettingKeys

ITEMS = "functions"
EVERY_SETTING = frozenset(DefaultKeys.model_fields)
#: of a file: what no setting of a function follows from
APART = frozenset({"version", "name", "seed", "path", "env", "include", ITEMS})
#: of a file: how deep settings stand below a key, and which there may be
_ABOVE: Mapping[str, tuple[int, type[SettingKeys]]] = {
    "defaults": (1, DefaultKeys),
    "by_dtype": (2, SettingKeys),
    "profiles": (2, ProfileKeys),
}
_FUNCTION_KEYS = tuple(FunctionKeys.model_fields)
#: stands where a function could not be read, so that the others keep their positions
_NOTHING: Mapping[str, Any] = {"function": "nothing:nothing", "inputs": {}}

_Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Salvaged:
    """The keys of a file as far as they could be read, and everything that is wrong with them."""

    keys: SuiteKeys | None
    problems: tuple[Problem, ...] = ()
    lost: frozenset[int] = frozenset()  #: positions of the functions that are not what ``keys`` has there
    lacking: Mapping[int, frozenset[str]] = field(default_factory=dict)  #: by position: keys left out of a function
    unknown: frozenset[str] = frozenset()  #: settings left out above the functions, and ``profiles`` where one is


def read(document: Document) -> Salvaged:
    """The document as a suite file."""
    plain: Any = document.root.plain()
    keys, places, problems = parsed(document, plain, SuiteKeys)
    if keys is not None:
        return Salvaged(keys)
    rest = _Rest(plain)
    rest.leave_out(places)
    # what is wrong with a function as a whole shows when its keys are in order; some are nothing without what is wrong
    for mend in (rest.leave_out, rest.drop):
        keys, places, further = parsed(document, rest.plain, SuiteKeys)
        problems += [problem for place, problem in zip(places, further, strict=True) if rest.shows(place)]
        mend(places)
    keys, _, _ = parsed(document, rest.plain, SuiteKeys)
    return Salvaged(keys, tuple(problems), frozenset(rest.lost), rest.lacking, frozenset(rest.unknown))


class _Rest:
    """A file as plain data, of which parts are left out."""

    def __init__(self, plain: Any) -> None:
        self.plain: dict[str, Any] = deepcopy(plain) if isinstance(plain, dict) else {}
        self.lost: set[int] = set()
        self.lacking: dict[int, frozenset[str]] = {}
        self.unknown: set[str] = set()

    def leave_out(self, places: Iterable[_Path]) -> None:
        """What is wrong at ``places``, and no more than must be."""
        for place in places:
            position = _item(place)
            if position is None:
                self._leave_out_above(place)
            else:
                self._leave_out_of_item(position, place[2:])
        self.plain["version"] = 1

    def drop(self, places: Iterable[_Path]) -> None:
        """The whole functions at ``places``."""
        for position in map(_item, places):
            if position is not None:
                self._drop(position)

    def shows(self, place: _Path) -> bool:
        """Whether what is wrong at ``place`` now is so whatever was left out."""
        position = _item(place)
        return position is not None and self.lacking.get(position, frozenset()).isdisjoint(("inputs", *COMBINED))

    def _drop(self, position: int) -> None:
        self.lost.add(position)
        self.plain[ITEMS][position] = dict(_NOTHING)

    def _leave_out_of_item(self, position: int, place: _Path) -> None:
        if not place:
            self._drop(position)
        elif position not in self.lost:
            key = str(place[0])
            _remove(self.plain[ITEMS][position], place[: 2 if key in ("inputs", "at") else 1])
            meant = closest(key, _FUNCTION_KEYS)
            if meant == "function":  # the one that must be there
                self.plain[ITEMS][position].setdefault(meant, _NOTHING[meant])
            self.lacking[position] = self.lacking.get(position, frozenset()).union({meant} if meant else _FUNCTION_KEYS)

    def _leave_out_above(self, place: _Path) -> None:
        _remove(self.plain, place)
        top = closest(str(place[0]), tuple(SuiteKeys.model_fields)) if place else None
        if top not in APART:
            depth, model = _ABOVE.get(top or "", (len(place), DefaultKeys))
            settings = tuple(model.model_fields)
            key = closest(str(place[depth]), settings) if len(place) > depth else None
            self.unknown |= set(settings) if key is None else {key}
        if top == "profiles" and len(place) < 3:
            self.unknown.add(top)


def _item(place: _Path) -> int | None:
    """The position of the function that ``place`` is in; None for what is in none."""
    return int(place[1]) if place[:1] == (ITEMS,) and len(place) > 1 else None


def _remove(tree: Any, place: Sequence[str | int]) -> None:
    """The deepest key of a mapping on the way to ``place``, with all below it."""
    found: tuple[dict[str, Any], str] | None = None
    for step in place:
        if isinstance(tree, dict) and step in tree:
            found = tree, str(step)
            tree = tree[step]
        elif isinstance(tree, list) and isinstance(step, int) and step < len(tree):
            tree = tree[step]
        else:
            break
    if found is not None:
        del found[0][found[1]]
