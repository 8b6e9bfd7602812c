"""Axes of a matrix used elsewhere: expressions such as ``2*n + 1`` in shapes, ``"$n"`` in options."""

import ast
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from gradaudit.suite.scalars import Scalar

_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Div: operator.truediv,
}
_LONGEST = 80
_LONGEST_AXIS = 2**40
#: what ast.parse is shown: names, numbers and operators, so that it never warns of other things
_ARITHMETIC = re.compile(r"(?:\s*+(?:[^\W\d]\w*+|(?:\d++(?:\.\d*+)?+|\.\d++)(?![\w.])|//|[-+*/()]))++\s*+")


class SymbolError(ValueError):
    """An expression cannot be evaluated with the axes at hand; ``part`` is the key that it stands under, if known."""

    def __init__(self, message: str, *, part: str = "") -> None:
        super().__init__(message)
        self.part = part


def evaluate(expression: float | int | str, axes: Mapping[str, Scalar]) -> float | int:
    """The value of a number, an axis, or sums, differences, products and quotients of them.

    Raises SymbolError for unknown symbols, for other syntax, and where an axis is no number.
    """
    if not isinstance(expression, str):
        return expression
    text = expression.strip()
    if len(text) > _LONGEST or not _ARITHMETIC.fullmatch(text):
        raise SymbolError(_not_an_expression(expression))
    try:
        value = _value(ast.parse(text, mode="eval").body, expression, axes)
        float(value)  # whole numbers may grow beyond every float
        return value
    except (SyntaxError, RecursionError, MemoryError):
        raise SymbolError(_not_an_expression(expression)) from None
    except (ZeroDivisionError, OverflowError) as error:
        raise SymbolError(f"{expression!r}: {error}") from None


def length(expression: int | str, axes: Mapping[str, Scalar]) -> int:
    """The length of an axis of an array. Raises SymbolError where it is not a whole number, 0 or more."""
    value = evaluate(expression, axes)
    if not 0 <= value <= _LONGEST_AXIS or value != int(value):
        most = " and at most 2**40" if value > _LONGEST_AXIS else ""
        raise SymbolError(f"length {expression!r} is {value:.15g}; allowed: a whole number, 0 or more{most}")
    return int(value)


def substitute(value: object, axes: Mapping[str, Scalar]) -> object:
    """``value`` with every text ``"$n"`` replaced by axis n, in lists and mappings too; ``"$$n"`` stands for ``"$n"``.

    Raises SymbolError for an unknown axis.
    """
    if isinstance(value, dict):
        return {key: substitute(part, axes) for key, part in value.items()}
    if isinstance(value, list):
        return [substitute(part, axes) for part in value]
    if not isinstance(value, str) or not value.startswith("$"):
        return value
    if value.startswith("$$"):
        return value[1:]
    return _axis(value[1:], axes)


def _value(node: ast.AST, expression: str, axes: Mapping[str, Scalar]) -> float | int:
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        left, right = _value(node.left, expression, axes), _value(node.right, expression, axes)
        result: float | int = _OPERATORS[type(node.op)](left, right)
        return result
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand, expression, axes)
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        return node.value
    if isinstance(node, ast.Name):
        return _number(node.id, axes)
    raise SymbolError(_not_an_expression(expression))


def _number(name: str, axes: Mapping[str, Scalar]) -> float | int:
    value = _axis(name, axes)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SymbolError(f"axis {name!r} is {value!r} here, not a number")
    return value


def _axis(name: str, axes: Mapping[str, Scalar]) -> Scalar:
    if name in axes:
        return axes[name]
    known = f"allowed: {', '.join(axes)}" if axes else f"add it, for example matrix: {{{name}: [1, 8, 33]}}"
    raise SymbolError(f"unknown symbol {name!r}: matrix has no such axis; {known}")


def _not_an_expression(expression: str) -> str:
    shown = expression if len(expression) <= _LONGEST else expression[:_LONGEST] + "..."
    return f"{shown!r} is not a length or a parameter; allowed: numbers, axes of matrix, and + - * / // of them"
