"""Functions of containers, called with their leaves: what an engine differentiates has plain positional arrays."""

import functools
import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from gradaudit.engines._count import counted
from gradaudit.engines._differentiable import Misfit, Mutated
from gradaudit.engines._moving import Moving, is_foreign_floating
from gradaudit.engines._trees import Layout, Tree, WrongForm, leaves_of
from gradaudit.plan.precision import BFLOAT16, dtype_of

Function = Callable[..., Any]

_PACKED = "__gradaudit_packed__"  #: on a function of leaves: the function of containers, and their layout


def unpacked(inputs: Sequence[Any]) -> tuple[Layout | None, tuple[str, ...], list[Any]]:
    """Positional inputs as leaves with their names, and their layout; None where none is a container.

    A dict, list or tuple is one where it holds an array. A list of numbers is an array itself, as is a float; other
    values are leaves as they are.
    """
    trees = [Tree.of(value) if _holds_array(value) else None for value in inputs]
    if not any(trees):
        return None, (), list(map(_as_array, inputs))
    named = ["x"] if len(inputs) == 1 else [f"x{i}" for i in range(len(inputs))]
    names, leaves = [], []
    for name, tree, value in zip(named, trees, inputs, strict=True):
        names += [name] if tree is None else list(tree.names(name))
        leaves += [_as_array(value)] if tree is None else list(map(_as_array, tree.leaves(value, name)))
    return Layout(tuple(trees)), tuple(names), leaves


def _holds_array(value: object) -> bool:
    return Tree.of(value) is not None and any(
        hasattr(leaf, "dtype") and hasattr(leaf, "shape") for leaf in leaves_of(value)
    )


def _as_array(value: Any) -> Any:
    """Floats, lists of numbers, and floating arrays of other libraries as arrays of NumPy; anything else as it is."""
    if isinstance(value, np.ndarray):  # mostly: NumPy takes microseconds to name a dtype
        return value
    if isinstance(value, float | list):
        return np.asarray(value, dtype=float)
    if is_foreign_floating(value):
        return np.asarray(value.detach() if hasattr(value, "detach") else value)
    if str(getattr(value, "dtype", "")) == "torch.bfloat16":  # of which torch itself gives no array
        return value.detach().float().numpy().astype(dtype_of(BFLOAT16))
    return value


def packed(function: Function, layout: Layout) -> Function:
    """``function`` over the leaves of its arguments; engines still see what it is made of."""
    called = _first_watched(function, layout, "the function")

    @functools.wraps(function)
    def over_leaves(*values: Any, **options: Any) -> Any:
        return called(values[: layout.size], values[layout.size :], options)

    setattr(over_leaves, _PACKED, (function, layout))
    return over_leaves


def _first_watched(function: Function, layout: Layout, what: str) -> Function:
    """``function`` over (leaves, further arguments, options); its first call raises Mutated where a container that it
    was given has other leaves afterwards."""
    unseen = True

    def called(leaves: Sequence[Any], extra: Sequence[Any], options: dict[str, Any]) -> Any:
        nonlocal unseen
        arguments = layout.arranged(leaves)
        returned = function(*arguments, *extra, **options)
        if unseen:
            unseen = False
            for argument in layout.exchanged(arguments, leaves):
                raise Mutated(f"{what} changed its {argument}; work on a copy of it")
        return returned

    return called


def unwrapped(function: Function) -> tuple[Function, Layout | None]:
    """What ``packed`` made a function of leaves of, with its layout; else the function itself, and None."""
    found: tuple[Function, Layout | None] = (function, None)
    return getattr(function, _PACKED, found) if inspect.isfunction(function) else found


def arranged(layout: Layout, values: Sequence[Any]) -> list[Any]:
    """The arguments of a function of containers; what comes after all their leaves stands as it is."""
    return [*layout.arranged(values[: layout.size]), *values[layout.size :]]


def packed_claim(kind: str, claim: Function, layout: Layout, moving: Moving) -> Function:
    """A claim about a function of containers, as one about the function of their leaves.

    Containers that it is called with, or returns, per differentiated input have None at leaves that do not move;
    arguments of which no leaf moves are left out. What has another form raises Misfit.
    """

    called = _first_watched(claim, layout, kind)

    @functools.wraps(claim)
    def over_leaves(*values: Any, **options: Any) -> Any:
        leaves, extra = values[: layout.size], values[layout.size :]
        moves = _Moves(layout, frozenset(moving.positions(leaves)))
        if kind in ("jvp", "hvp"):
            extra = (*moves.arranged(extra[: moves.count]), *extra[moves.count :])
        returned = called(leaves, extra, options)
        if kind == "value_and_gradient" and isinstance(returned, tuple | list) and len(returned) == 2:
            return returned[0], moves.leaves(kind, returned[1])
        return returned if kind in ("jvp", "hessian") else moves.leaves(kind, returned)

    return over_leaves


class _Moves:
    """The arguments that have leaves which move, and which these are."""

    def __init__(self, layout: Layout, positions: frozenset[int]) -> None:
        self.count = len(positions)
        self._arguments: list[tuple[Tree | None, list[bool]]] = []
        start = 0
        for tree in layout.arguments:
            stop = start + Layout((tree,)).size
            moved = [i in positions for i in range(start, stop)]
            start = stop
            if any(moved):
                self._arguments.append((tree, moved))

    def arranged(self, parts: Sequence[Any]) -> Iterator[Any]:
        """One part for each leaf that moves, in the arguments' own form."""
        ahead = iter(parts)
        for tree, moved in self._arguments:
            leaves = iter([next(ahead) if moves else None for moves in moved])
            yield next(leaves) if tree is None else tree.build(leaves)

    def leaves(self, kind: str, returned: Any) -> tuple[Any, ...]:
        """What a claim returned per argument, leaf by leaf that moves. Raises Misfit where it has another form."""
        single = len(self._arguments) == 1
        wrapped = single and not (isinstance(returned, tuple | list) and len(returned) == 1)
        parts = (returned,) if wrapped else returned
        if not isinstance(parts, tuple | list) or len(parts) != len(self._arguments):
            count = len(parts) if isinstance(parts, tuple | list) else 1
            inputs = counted(len(self._arguments), "differentiated input")
            raise Misfit(f"{kind} returned {counted(count, 'value')} for {inputs}")
        return tuple(
            leaf
            for argument, part in zip(self._arguments, parts, strict=True)
            for leaf in _moved(kind, *argument, part)
        )


def _moved(kind: str, tree: Tree | None, moved: Sequence[bool], part: Any) -> Iterator[Any]:
    try:
        leaves = [part] if tree is None else list(tree.leaves(part, f"what {kind} returned"))
    except WrongForm as problem:
        raise Misfit(str(problem)) from None
    yield from (leaf for leaf, moves in zip(leaves, moved, strict=True) if moves)
