"""Containers among inputs and outputs: dicts, lists, tuples, and what is registered with JAX; taken apart into leaves
and built again. None holds nothing: it is a container without leaves, as it is for JAX."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import NoneType
from typing import Any, Optional

import numpy as np

from gradaudit.plan.case import Route


class WrongForm(TypeError):
    """A value is not the container that it should be: what it is, and what is allowed."""


def leaves_of(value: object) -> list[Any]:
    """The leaves of any value; a value that is no container is its own only leaf."""
    tree = Tree.of(value)
    return [value] if tree is None else list(tree.leaves(value, ""))


def hollow(value: object) -> str:
    """What a value without leaves is called."""
    return "None" if value is None else f"a {type(value).__name__} that holds nothing"


def converted(value: object, convert: Callable[[Any], Any]) -> Any:
    """The value in its own containers, with each of its leaves converted."""
    tree = Tree.of(value)
    return convert(value) if tree is None else tree.build(map(convert, tree.leaves(value, "")))


@dataclass(frozen=True)
class Tree:
    """How a container is made of its parts; None in place of a tree is a leaf."""

    container: type
    parts: tuple[tuple[Any, Optional["Tree"]], ...]  #: by key, index or field, in the container's own order
    rebuild: Callable[[Sequence[Any]], Any] | None = field(default=None, compare=False)  #: of a registered node

    @classmethod
    def of(cls, value: object) -> "Tree | None":
        """The tree that ``value`` is; None where it is no container."""
        if value is None:
            return cls(NoneType, ())
        if not isinstance(value, dict | list | tuple):
            node = _opened(value)
            if node is None:
                return None
            return cls(type(value), tuple((key, cls.of(part)) for key, part in node.children), node.rebuild)
        if isinstance(value, dict):
            return cls(dict, tuple((key, cls.of(part)) for key, part in value.items()))
        return cls(type(value), tuple((k, cls.of(part)) for k, part in enumerate(value)))

    def leaves(self, value: object, what: str) -> Iterator[Any]:
        """The leaves of a value of this form; a list may stand for a tuple, and anything for None, which has none.

        Raises WrongForm where it has another.
        """
        if self.container is NoneType:
            return
        for (key, tree), part in zip(self.parts, self._children(value, what), strict=True):
            yield from [part] if tree is None else tree.leaves(part, f"{what}{self._suffix(key)}")

    def build(self, leaves: Iterator[Any]) -> Any:
        """The container over the next of ``leaves``."""
        built = {key: next(leaves) if tree is None else tree.build(leaves) for key, tree in self.parts}
        if self.rebuild is not None:
            return self.rebuild(list(built.values()))
        if self.container is dict:
            return built
        if self.container is NoneType:
            return None
        named = hasattr(self.container, "_fields")
        return self.container(*built.values()) if named else self.container(built.values())

    def is_kept(self, value: Any, leaves: Iterator[Any]) -> bool:
        """Whether ``value``, which was built over the next of ``leaves``, still has them where they were put."""
        if self.rebuild is not None:  # what it is opened to need not be what it holds
            for _ in self.names(""):
                next(leaves)
            return True
        try:
            children = [] if self.container is NoneType else self._children(value, "")
        except WrongForm:
            return False
        return all(
            part is next(leaves) if tree is None else tree.is_kept(part, leaves)
            for (_, tree), part in zip(self.parts, children, strict=True)
        )

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

    def _children(self, value: Any, what: str) -> list[Any]:
        keys = [key for key, _ in self.parts]
        kind: Any = dict if self.container is dict else (list, tuple)
        found = value
        if self.rebuild is not None:
            node = _opened(value)
            kind, found = self.container, dict(node.children) if node else {}
        fits = isinstance(value, kind) and len(found) == len(keys)
        if not fits or (isinstance(found, dict) and not found.keys() >= set(keys)):
            raise WrongForm(f"{what} is {_form(value)}; allowed: {_form(self)}")
        return [found[key] for key in keys]


@dataclass(frozen=True)
class _Node:
    """A container that is registered with JAX, one level deep."""

    children: tuple[tuple[Any, Any], ...]  #: by field, key or index
    rebuild: Callable[[Sequence[Any]], Any]


def _opened(value: object) -> _Node | None:
    """The node that ``value`` is for JAX, which is not imported to ask: nothing is registered with it before."""
    trees = sys.modules.get("jax.tree_util")
    if trees is None or value is None or isinstance(value, np.ndarray | np.generic | float | int):
        return None
    if trees.all_leaves([value]):
        return None
    pairs, structure = trees.tree_flatten_with_path(value, is_leaf=lambda part: part is not value)
    return _Node(tuple((_key(path[0]), child) for path, child in pairs), structure.unflatten)


def _key(step: Any) -> Any:
    """The name of a field, the key of an item, or the number of a child: whatever the node tells."""
    return next(getattr(step, told) for told in ("name", "key", "idx") if hasattr(step, told))


def _form(value: object) -> str:
    """``a dict of 'w', 'b'``, ``a tuple of 2``, ``ndarray``."""
    tree = value if isinstance(value, Tree) else Tree.of(value)
    if tree is None:
        return type(value).__name__
    keyed = tree.container is dict or tree.rebuild is not None
    keys = ", ".join(repr(key) for key, _ in tree.parts) if keyed else str(len(tree.parts))
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

    def exchanged(self, arguments: Sequence[Any], leaves: Sequence[Any]) -> Iterator[str]:
        """Which of ``arguments``, arranged over ``leaves`` before, no longer are what they were, and what they were."""
        ahead = iter(leaves)
        for k, (tree, argument) in enumerate(zip(self.arguments, arguments, strict=True)):
            own = [next(ahead) for _ in range(Layout((tree,)).size)]
            if tree is not None and not tree.is_kept(argument, iter(own)):
                yield f"argument {k + 1}, {_form(tree)}"

    @cached_property
    def size(self) -> int:
        """How many leaves there are: asked for at every call."""
        return sum(1 if tree is None else len(list(tree.names(""))) for tree in self.arguments)


def _grown(routes: Sequence[Route]) -> Tree | None:
    if routes == [()]:
        return None
    keys = list(dict.fromkeys(route[0] for route in routes))
    parts = tuple((key, _grown([route[1:] for route in routes if route[0] == key])) for key in keys)
    return Tree(list if isinstance(keys[0], int) else dict, parts)
