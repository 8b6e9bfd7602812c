"""Dataclasses as rows of plain values, by their annotations, and back; ran user code may have sent any row.

A tuple of tuples is written and read in a third of the time that objects take, and holds nothing but values.
"""

import reprlib
from collections.abc import Callable
from dataclasses import dataclass, is_dataclass
from enum import Enum
from functools import cache
from numbers import Integral, Real
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

Change = Callable[[Any], Any]


class Misfit(ValueError):
    """What stands in a row where the annotation allows something else."""


@dataclass(frozen=True)
class Form:
    """How values of one annotation are written and read; ``read`` raises Misfit."""

    write: Change
    read: Change


@cache
def form(kind: Any) -> Form:
    """Of the annotation ``kind``, all the way down. Raises TypeError for an annotation not known.

    Built once a type. NumPy's numbers count as numbers, of whatever width; a boolean is no number.
    """
    if _is_plain(kind):
        return Form(write=_as_it_is, read=_plain_reader(kind))
    if get_origin(kind) is tuple:
        return _tuple(kind)
    if isinstance(kind, type) and is_dataclass(kind):
        return _dataclass(kind)
    raise TypeError(f"no verdict may hold {kind}: it is not known how to look at it")


_PLAIN: dict[Any, Callable[[type], bool]] = {
    str: lambda found: issubclass(found, str),
    bytes: lambda found: issubclass(found, bytes),
    bool: lambda found: found.__name__ in ("bool", "bool_"),  # of NumPy too, which is not imported here
    int: lambda found: issubclass(found, Integral) and not issubclass(found, bool),
    float: lambda found: issubclass(found, Real) and not issubclass(found, bool),
    NoneType: lambda found: found is NoneType,
}


def _is_plain(kind: Any) -> bool:
    """Whether the type of a value alone says that it fits."""
    if get_origin(kind) is UnionType:
        return all(map(_is_plain, get_args(kind)))
    return kind in _PLAIN or (isinstance(kind, type) and issubclass(kind, Enum))


@cache
def _allows(kind: Any, found: Any) -> bool:
    """Whether values of the type ``found`` may stand where the plain ``kind`` should."""
    if get_origin(kind) is UnionType:
        return any(_allows(one, found) for one in get_args(kind))
    return _PLAIN[kind](found) if kind in _PLAIN else found is kind


def _as_it_is(value: Any) -> Any:
    return value


def _plain_reader(kind: Any) -> Change:
    def read(value: Any) -> Any:
        found: Any = type(value)
        if not _allows(kind, found):
            raise _misfit(value, _named(kind))
        return value

    return read


def _tuple(kind: Any) -> Form:
    kinds = get_args(kind)
    if kinds[-1] is Ellipsis:
        return _many(kind, kinds[0])
    forms = tuple(map(form, kinds))

    def read(row: Any) -> Any:
        if type(row) is not tuple or len(row) != len(forms):
            raise _misfit(row, _named(kind))
        return tuple(one.read(value) for one, value in zip(forms, row, strict=True))

    def write(values: Any) -> Any:
        return tuple(one.write(value) for one, value in zip(forms, values, strict=True))

    return Form(write=_as_it_is if all(map(_is_plain, kinds)) else write, read=read)


def _many(kind: Any, one: Any) -> Form:
    each, plain = form(one), _is_plain(one)

    def read(row: Any) -> Any:
        if type(row) is not tuple:
            raise _misfit(row, _named(kind))
        if plain and all(_allows(one, found) for found in set(map(type, row))):
            return row
        return tuple(map(each.read, row))

    return Form(write=_as_it_is if plain else lambda values: tuple(map(each.write, values)), read=read)


def _dataclass(kind: type) -> Form:
    hints = get_type_hints(kind)
    names = tuple(hints)
    pick = attrgetter(*names)
    nested = [(at, name, form(hint)) for at, (name, hint) in enumerate(hints.items()) if not _is_plain(hint)]
    known = set[tuple[type, ...]]()  #: types of the values of rows that were looked at

    def write(value: Any) -> tuple[Any, ...]:
        row: tuple[Any, ...] = pick(value)
        if not nested:
            return row
        values = list(row)
        for at, _, inner in nested:
            values[at] = inner.write(values[at])
        return tuple(values)

    def read(row: Any) -> Any:
        if (types := tuple(map(type, row))) not in known:
            _look(row, kind, hints)
            known.add(types)
        made: Any = object.__new__(kind)
        held = vars(made)
        held.update(zip(names, row))  # noqa: B905 - as many as there are types, which have been looked at
        for _, name, inner in nested:
            try:
                held[name] = inner.read(held[name])
            except Misfit as problem:
                raise Misfit(f"{problem}, in {kind.__name__}.{name}") from None
        return made

    return Form(write=write, read=read)


def _look(row: Any, kind: type, hints: dict[str, Any]) -> None:
    """Raise Misfit where ``row`` has no value for each field, or one whose type alone tells that it does not fit."""
    if len(row) != len(hints):
        raise _misfit(row, kind.__name__)
    for (name, hint), value in zip(hints.items(), row, strict=True):
        found: Any = type(value)
        if _is_plain(hint) and not _allows(hint, found):
            raise _misfit(value, f"{kind.__name__}.{name}")


def _misfit(value: Any, place: str) -> Misfit:
    return Misfit(f"{reprlib.repr(value)} ({type(value).__name__}) where {place} should be")


def _named(kind: Any) -> str:
    return kind.__name__ if isinstance(kind, type) and not get_args(kind) else str(kind)
