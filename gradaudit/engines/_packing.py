"""Functions of containers, called with their leaves: what an engine differentiates has plain positional arrays."""

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from gradaudit.engines._differentiable import Misfit
from gradaudit.engines._moving import Moving
from gradaudit.engines._trees import Layout, Tree, WrongForm

Function = Callable[..., Any]


def packed(function: Function, layout: Layout) -> Function:
    """``function`` over the leaves of its arguments; engines still see what it is made of."""

    @functools.wraps(function)
    def over_leaves(*leaves: Any, **options: Any) -> Any:
        return function(*layout.arranged(leaves), **options)

    return over_leaves


def packed_claim(kind: str, claim: Function, layout: Layout, moving: Moving) -> Function:
    """A claim about a function of containers, as one about the function of their leaves.

    Containers that it is called with, or returns, per differentiated input have None at leaves that do not move;
    arguments of which no leaf moves are left out. What has another form raises Misfit.
    """

    @functools.wraps(claim)
    def over_leaves(*values: Any, **options: Any) -> Any:
        leaves, extra = values[: layout.size], values[layout.size :]
        moves = _Moves(layout, frozenset(moving.positions(leaves)))
        if kind in ("jvp", "hvp"):
            extra = tuple(moves.arranged(extra))
        returned = claim(*layout.arranged(leaves), *extra, **options)
        if kind == "value_and_gradient" and isinstance(returned, tuple | list) and len(returned) == 2:
            return returned[0], moves.leaves(kind, returned[1])
        return returned if kind in ("jvp", "hessian") else moves.leaves(kind, returned)

    return over_leaves


class _Moves:
    """The arguments that have leaves which move, and which these are."""

    def __init__(self, layout: Layout, positions: frozenset[int]) -> None:
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
            raise Misfit(f"{kind} returned {count} values for {len(self._arguments)} differentiated inputs")
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
