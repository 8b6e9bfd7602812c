"""Marks functions that work element by element, so that Numba compiles them on flat arrays.

A compiled array expression costs ten times more to compile at three axes than at one, and more again at four;
``_compiled`` therefore broadcasts the operands of a marked function, lays them flat, and folds the result back.
In plain Python the mark changes nothing.
"""

from collections.abc import Callable
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])

marked: set[Callable[..., Any]] = set()


def elementwise(function: Function) -> Function:
    """Declare that element i of the result depends on element i of the broadcast operands, and on options only."""
    marked.add(function)
    return function
