"""Reverse mode: Variables remember the functions applied to them, and ``backward`` walks the way back.

The tape knows no function. ``primitive`` lifts any function of arrays with its vector–Jacobian product onto it; the
operators of Variable are the functions of ``gradaudit.ops``, lifted by name. References point from results to arguments
only, so a graph is freed as soon as its last result is dropped.
"""

import functools
import heapq
import inspect
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from gradaudit.operators import Operators
from gradaudit.pullback import Array, Pullback

_recording: ContextVar[bool] = ContextVar("recording", default=True)
_serials = itertools.count(1)

#: Parts of an index that take no element twice.
_ONCE = (int, np.integer, slice, type(None), type(Ellipsis))


@contextmanager
def no_grad() -> Iterator[None]:
    """Inside, operations on Variables give Variables that remember nothing; in this thread or task only."""
    token = _recording.set(False)
    try:
        yield
    finally:
        _recording.reset(token)


class Node:
    """One application of a primitive: what its vjp needs, and the Variables it was applied to."""

    __slots__ = ("arguments", "options", "outputs", "parents", "positions", "pullback", "serial")

    def __init__(
        self, pullback: Pullback, arguments: tuple[Any, ...], options: dict[str, Any], positions: tuple[int, ...]
    ) -> None:
        self.pullback = pullback
        self.options = options
        self.positions = positions
        self.parents = tuple([arguments[position] for position in positions])
        self.arguments = tuple([a.data if isinstance(a, Variable) else a for a in arguments])
        self.serial = next(_serials)  # grows from arguments to results: a topological order for nothing
        self.outputs: Sequence[Any] | None = None  #: what the function returned, where it has several outputs

    @property
    def count(self) -> int:
        """Number of outputs."""
        return 1 if self.outputs is None else len(self.outputs)

    def lift(self, returned: Any, *, recorded: bool) -> Any:
        """What the function returned, as Variables that know this node, if they are to be recorded."""
        node = self if recorded else None
        if not isinstance(returned, tuple | list):
            return _result(returned, node, 0)
        self.outputs = returned
        return _like(returned, [_result(part, node, place) for place, part in enumerate(returned)])

    def pull(self, cotangents: list[Array | None]) -> Iterable[tuple["Variable", Array | None]]:
        """Cotangents of the outputs (None where nothing arrived) to those of the parents."""
        cotangent: Any = cotangents[0]
        if self.outputs is not None:
            pairs = zip(cotangents, self.outputs, strict=True)
            cotangent = _like(self.outputs, [np.zeros_like(y) if c is None else c for c, y in pairs])
        gradients = self.pullback(self.arguments, self.options, cotangent, wanted=self.positions)
        return zip(self.parents, gradients, strict=True)


class Variable(Operators):
    """A real array, and how it came about.

    ``data`` is a floating ndarray of any shape; floating arrays are kept as they are (not copied), other real
    numbers become float64. ``grad`` is None until ``backward`` of a result has reached this Variable, and then an
    ndarray of the shape and dtype of ``data``; later passes add to it until ``clear_grad``. It is kept by Variables
    that somebody made, not by results of operations, unless ``backward(retain_grad=True)`` asks for it.

    Raises TypeError where data is complex, text, None or another Variable.
    """

    __slots__ = ("__weakref__", "_node", "_output", "data", "grad", "name")

    def __init__(self, data: ArrayLike, name: str | None = None) -> None:
        array = np.asarray(data)
        if array.dtype.kind not in "fiub":
            kind = type(data).__name__ if array.dtype.kind == "O" else str(array.dtype)
            raise TypeError(f"Variable of {kind}; allowed: real numbers and arrays of them")
        self.data: NDArray[Any] = array if array.dtype.kind == "f" else array.astype(np.float64)
        self.grad: NDArray[Any] | None = None
        self.name = name
        self._node: Node | None = None
        self._output = 0

    def backward(self, cotangent: "ArrayLike | Variable | None" = None, *, retain_grad: bool = False) -> None:
        """Add the gradient of ⟨cotangent, self⟩ to ``grad`` of every Variable that this one was computed from.

        ``cotangent`` has the shape of ``data``; left out, it is one, which needs a single element. With
        ``retain_grad``, results in between keep their gradients too. Raises ValueError where the cotangent is
        missing or of another shape, and where a vjp on the way returned the wrong number or shape of gradients.
        """
        pending: dict[int, list[Array | None]] = {}
        queue: list[tuple[int, Node]] = []
        arrivals: Iterable[tuple[Variable, Array | None]] = [(self, self._seed(cotangent))]
        while True:
            for variable, gradient in arrivals:
                if gradient is not None:
                    variable._arrive(gradient, pending, queue, retain_grad)
            if not queue:
                return
            # the latest node first: all that was computed from it has been walked already
            _, node = heapq.heappop(queue)
            arrivals = node.pull(pending.pop(node.serial))

    def clear_grad(self) -> None:
        """Forget the accumulated gradient."""
        self.grad = None

    def _seed(self, cotangent: "ArrayLike | Variable | None") -> Array:
        if cotangent is None:
            if self.data.size != 1:
                raise ValueError(
                    f"backward of a Variable of shape {self.shape} without a cotangent; allowed: a single element; "
                    f"sum it first, or call backward(cotangent) with an array of shape {self.shape}"
                )
            return np.ones_like(self.data)
        seed = Variable(cotangent.data if isinstance(cotangent, Variable) else cotangent).data
        if seed.shape != self.shape:
            raise ValueError(f"backward: cotangent of shape {seed.shape}, allowed {self.shape}, the Variable's own")
        return seed

    def _arrive(
        self, gradient: Array, pending: dict[int, list[Array | None]], queue: list[tuple[int, Node]], retain: bool
    ) -> None:
        node = self._node
        if node is None or retain:
            self._accumulate(gradient)
        if node is None:
            return
        cotangents = pending.get(node.serial)
        if cotangents is None:
            cotangents = pending[node.serial] = [None] * node.count
            heapq.heappush(queue, (-node.serial, node))
        held = cotangents[self._output]
        cotangents[self._output] = gradient if held is None else held + gradient

    def _accumulate(self, gradient: Array) -> None:
        # always a new array: a vjp may hand the same one to two inputs, and users scale .grad in place
        total = gradient if self.grad is None else self.grad + gradient
        self.grad = np.array(total, dtype=self.data.dtype)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.data.shape

    @property
    def ndim(self) -> int:
        return self.data.ndim

    @property
    def size(self) -> int:
        return self.data.size

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.data.dtype

    def __repr__(self) -> str:
        text = np.array2string(self.data, separator=", ", prefix="Variable(") if self.ndim else str(self.data)
        return f"Variable({text})" if self.name is None else f"Variable({text}, name={self.name!r})"

    def __len__(self) -> int:
        if not self.ndim:
            raise TypeError("len() of a Variable without axes")
        return len(self.data)

    def __bool__(self) -> bool:
        raise TypeError("the truth of a Variable is not defined; compare its values: variable.data")

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        raise TypeError(
            "a Variable does not become an array by itself, because the derivative would be lost there; "
            "use a function of gradaudit.functions or gradaudit.primitive, or variable.data"
        )

    def __iter__(self) -> Iterator["Variable"]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, key: Any) -> "Variable":
        """Any NumPy index; elements that are taken more than once get the sum of their gradients."""
        taken: Variable = _take(self, key)
        return taken

    @classmethod
    def _apply(cls, name: str, /, *arguments: Any, **options: Any) -> Self:
        result: Self = lift(name)(*arguments, **options)
        return result


class Primitive:
    """A function of arrays that also works on Variables: what ``primitive`` returns."""

    def __init__(self, forward: Callable[..., Any], pullback: Pullback) -> None:
        functools.update_wrapper(self, forward, updated=())
        self.__name__ = pullback.name
        self.forward = forward
        self.pullback = pullback

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Variables where an argument is one (recorded, outside ``no_grad``); else what the function returns."""
        if options and any(isinstance(value, Variable) for value in options.values()):
            arguments, options = self._by_position(arguments, options)
        positions = tuple([i for i, argument in enumerate(arguments) if isinstance(argument, Variable)])
        if not positions:
            return self.forward(*arguments, **options)
        if positions[-1] >= self.pullback.inputs:
            raise TypeError(
                f"{self.__name__}: argument {positions[-1]} is a Variable, but an option without a derivative; "
                "pass its value (variable.data)"
            )
        node = Node(self.pullback, arguments, options, positions)
        return node.lift(self.forward(*node.arguments, **options), recorded=_recording.get())

    def __repr__(self) -> str:
        return f"<primitive {self.__name__}>"

    def _by_position(
        self, arguments: tuple[Any, ...], options: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Variables that were passed by keyword, moved to their positions: the tape finds inputs by position."""
        try:
            bound = inspect.signature(self.forward).bind(*arguments, **options)
        except ValueError:  # a builtin that does not tell its parameters
            raise TypeError(f"{self.__name__}: pass Variables by position, not by keyword") from None
        return bound.args, bound.kwargs


def primitive(function: Callable[..., Any], vjp: Callable[..., Any], *, name: str | None = None) -> Primitive:
    """Lift ``function(*inputs, **options)`` onto the tape, with ``vjp(*inputs, cotangent, **options)``.

        my_sin = primitive(np.sin, lambda x, cotangent: cotangent * np.cos(x))

    Both see plain arrays. The function returns an array, or a tuple or list of arrays; the vjp gets a cotangent of the
    same structure and returns one gradient of each input's shape: an array for one input, else a tuple in order.
    Integer and boolean inputs may be left out of it. Raises TypeError where the vjp has no place for the cotangent.
    """
    own_name: str = getattr(function, "__name__", type(function).__name__)
    return Primitive(function, Pullback.of(vjp, name or own_name))


@functools.cache
def lift(name: str) -> Primitive:
    """``gradaudit.ops.<name>`` with its ``<name>_vjp``, as a primitive. Raises AttributeError where there is none."""
    from gradaudit import ops  # by need: a primitive of one's own runs without the library

    return primitive(getattr(ops, name), getattr(ops, f"{name}_vjp"), name=name)


def _result(value: Any, node: Node | None, output: int) -> Any:
    data = np.asarray(value)
    if data.dtype.kind != "f":
        return value  # counts, indices and masks have no derivative: they stay arrays
    variable = Variable.__new__(Variable)  # without the checks of Variable(): this runs once an operation
    variable.data = data
    variable.grad = None
    variable.name = None
    variable._node = node
    variable._output = output
    return variable


def _like(sequence: Sequence[Any], parts: list[Any]) -> Any:
    return parts if isinstance(sequence, list) else tuple(parts)


def _taken(x: Array, key: Any) -> Array:
    return np.array(x[key])  # a copy: data of a result must not change with that of its source


def _taken_vjp(x: Array, cotangent: Array, key: Any) -> Array:
    gradient = np.zeros(x.shape, cotangent.dtype)
    if _may_repeat(key):
        np.add.at(gradient, key, cotangent)
    else:
        gradient[key] = cotangent  # a hundred times faster
    return gradient


def _may_repeat(key: Any) -> bool:
    """Whether an element may be taken twice: by integers in any sequence, tuples inside of a key included."""
    parts = key if isinstance(key, tuple) else (key,)
    sequences = (part for part in parts if not isinstance(part, _ONCE))
    return any(np.asarray(part).dtype.kind != "b" for part in sequences)


_take = primitive(_taken, _taken_vjp, name="getitem")
