"""Operators and methods of an array-like object, each written as the name of a function of ``gradaudit.ops``."""

from typing import Any, Self

import numpy as np


class Operators:
    """Mixin: ``+ - * / ** @``, unary minus and the usual methods, by way of ``_apply``.

    Constants (numbers and arrays) may stand on either side. Comparison is left out on purpose: it has no derivative.
    """

    __slots__ = ()
    __array_ufunc__ = None  # so that ndarray + object asks the object

    @classmethod
    def _apply(cls, name: str, /, *arguments: Any, **options: Any) -> Self:
        """The function ``name`` of the arguments, at least one of which is such an object."""
        raise NotImplementedError

    def __neg__(self) -> Self:
        return self._apply("neg", self)

    def __add__(self, other: Any) -> Self:
        return self._apply("add", self, other)

    def __radd__(self, other: Any) -> Self:
        return self._apply("add", other, self)

    def __sub__(self, other: Any) -> Self:
        return self._apply("sub", self, other)

    def __rsub__(self, other: Any) -> Self:
        return self._apply("sub", other, self)

    def __mul__(self, other: Any) -> Self:
        return self._apply("mul", self, other)

    def __rmul__(self, other: Any) -> Self:
        return self._apply("mul", other, self)

    def __truediv__(self, other: Any) -> Self:
        return self._apply("div", self, other)

    def __rtruediv__(self, other: Any) -> Self:
        return self._apply("div", other, self)

    def __pow__(self, other: Any) -> Self:
        return self._apply("pow", self, other)

    def __rpow__(self, other: Any) -> Self:
        return self._apply("pow", other, self)

    def __matmul__(self, other: Any) -> Self:
        return self._apply("matmul", self, other)

    def __rmatmul__(self, other: Any) -> Self:
        return self._apply("matmul", other, self)

    def sum(self, axis: Any = None, keepdims: bool = False) -> Self:
        return self._apply("sum", self, axis=axis, keepdims=keepdims)

    def mean(self, axis: Any = None, keepdims: bool = False) -> Self:
        return self._apply("mean", self, axis=axis, keepdims=keepdims)

    def reshape(self, *shape: Any) -> Self:
        return self._apply("reshape", self, _sequence(shape))

    def transpose(self, *axes: Any) -> Self:
        return self._apply("transpose", self, _sequence(axes) or None)

    @property
    def T(self) -> Self:
        return self.transpose()


def _sequence(entries: tuple[Any, ...]) -> tuple[int, ...]:
    """``(2, 3)`` from either way of writing it: ``reshape(2, 3)`` and ``reshape((2, 3))``."""
    if len(entries) == 1 and not isinstance(entries[0], int | np.integer):
        entries = tuple(entries[0]) if entries[0] is not None else ()
    return entries
