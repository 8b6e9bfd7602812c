"""Containers among inputs and outputs: dicts, lists and tuples, taken apart into leaves and built again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Optional

from gradaudit.plan.case import Route


class WrongForm(TypeError):
    """A value is not the container that it should be: what it is, and what is allowed."""


def leaves_of(value: object) -> list[Any]:
    """The leaves of any value; a value that is no container is its own only leaf."""
    tree = Tree.of(value)
    return [value] if tree is None else list(tree.leaves(value, ""))


@dataclass(frozen=True)
class Tree:
    """How a container is made of its parts; None in place of a tree is a leaf."""

    container: type
    parts: tuple[tuple[Any, Optional["Tree"]], ...]  #: by key, index or field, in the container's own order

    @classmethod
    def of(cls, value: object) -> "Tree | None":
        """The tree that ``value`` is; None where it is no container."""
        if not isinstance(value, dict | list | tuple):
            return None
        if isinstance(value, dict):
            return cls(dict, tuple((key, cls.of(part)) for key, part in value.items()))
        return cls(type(value), tuple((k, cls.of(part)) for k, part in enumerate(value)))

    def leaves(self, value: object, what: str) -> Iterator[Any]:
        """The leaves of a value of this form; a list may stand for a tuple. Raises WrongForm where it has another."""
        for key, tree in self.parts:
            part = self._part(value, key, what)
            yield from [part] if tree is None else tree.leaves(part, f"{what}{self._suffix(key)}")

    def build(self, leaves: Iterator[Any]) -> Any:
        """The container over the next of ``leaves``."""
        built = {key: next(leaves) if tree is None else tree.build(leaves) for key, tree in self.parts}
        if self.container is dict:
            return built
        named = hasattr(self.container, "_fields")
        return self.container(*built.values()) if named else self.container(built.values())

    def names(self, name: str) -> Iterator[str]:
        """What the leaves are called: ``params.w``, ``params.0.b``."""
        for key, tree in self.parts:
            own = f"{name}{self._suffix(key)}"
            yield from [own] if tree is None else tree.names(own)

    @property
    def plain(self) -> bool:
        """A tuple or list of leaves: they are numbered."""
        return self.container in (tuple, list) and all(tree is None for _, tree in self.parts)

    def _suffix(self, key: object) -> str:
        fields = getattr(self.container, "_fields", None)
        return f".{fields[key] if fields else key}"

    def _part(self, value: Any, key: Any, what: str) -> Any:
        kind = dict if self.container is dict else (list, tuple)
        if not isinstance(value, kind) or len(value) != len(self.parts) or (kind is dict and key not in value):
            raise WrongForm(f"{what} is {_form(value)}; allowed: {_form(self)}")
        return value[key]


def _form(value: object) -> str:
    """``a dict of 'w', 'b'``, ``a tuple of 2``, ``ndarray``."""
    tree = value if isinstance(value, Tree) else Tree.of(value)
    if tree is None:
        return type(value).__name__
    keys = ", ".join(repr(key) for key, _ in tree.parts) if tree.container is dict else str(len(tree.parts))
    return f"a {tree.container.__name__} of {keys}"


@dataclass(frozen=True)
class Layout:
    """The positional arguments of a call, a tree or a leaf each, over inputs that are leaves throughout."""

    arguments: tuple[Tree | None, ...]

    @classmethod
    def of_routes(cls, routes: Sequence[Route]) -> "Layout":
        """The layout that leads to each leaf: by the argument's position, then keys of dicts and indices of lists."""
        positions = dict.fromkeys(route[0] for route in routes)
        return cls(tuple(_grown([route[1:] for route in routes if route[0] == position]) for position in positions))

    def arranged(self, leaves: Sequence[Any]) -> list[Any]:
        """The arguments over all their leaves."""
        ahead = iter(leaves)
        return [next(ahead) if tree is None else tree.build(ahead) for tree in self.arguments]

    @property
    def size(self) -> int:
        """How many leaves there are."""
        return sum(1 if tree is None else len(list(tree.names(""))) for tree in self.arguments)


def _grown(routes: Sequence[Route]) -> Tree | None:
    if routes == [()]:
        return None
    keys = list(dict.fromkeys(route[0] for route in routes))
    parts = tuple((key, _grown([route[1:] for route in routes if route[0] == key])) for key in keys)
    return Tree(list if isinstance(keys[0], int) else dict, parts)
