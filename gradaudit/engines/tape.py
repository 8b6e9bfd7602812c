"""Engine ``tape``: functions over Variables; their derivative is the tape's own way back."""

import functools
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradaudit.engines._differentiable import Differentiable, EngineError, Misfit
from gradaudit.engines.python import with_options
from gradaudit.plan.case import Target
from gradaudit.pullback import WrongPullback
from gradaudit.tape import Primitive, Variable

DETACHED = "the function returned no Variable: the tape ends before its result, and every gradient is zero"

differentiates = True


def recognises(function: object, target: Target) -> bool:
    """Primitives, and functions with a parameter annotated as Variable; without a claim, all that use the tape.

    What computes with ``gradaudit.functions`` serves plain arrays too: where it has a claim, arrays it gets.
    """
    if isinstance(function, Primitive) or _takes_variables(function):
        return True
    return not target.claims and _uses_the_tape(function)


def load(target: Target, function: object, claims: Mapping[str, Callable[..., object]]) -> Differentiable:
    """Adapt a function of Variables: floating arrays go in as Variables, constants and everything else as they are.

    ``vjp`` runs ``backward`` and gives one gradient for each Variable, in order. What the user claims beside it is
    called with arrays, as it was given. Raises EngineError where ``function`` cannot be called.
    """
    if not callable(function):
        raise EngineError(f"{target.function} is {type(function).__name__}, not a function")
    notes: list[str] = []
    taped = _Taped(with_options(function, target), frozenset(target.constants), notes)
    given = {kind: with_options(claim, target) for kind, claim in claims.items()}
    return Differentiable("tape", taped.value, {"vjp": taped.vjp}, notes=notes).claiming(given)


@dataclass(frozen=True)
class _Taped:
    """A function of Variables, seen as a function of arrays."""

    function: Callable[..., Any]
    constants: frozenset[int]  #: positions of floating arrays that are not differentiated
    notes: list[str]

    def value(self, *inputs: object) -> object:
        """The function's output as plain arrays."""
        output = self.function(*self._variables(inputs))
        if isinstance(output, tuple | list):
            return tuple(_data(part) for part in output)
        return _data(output)

    def vjp(self, *inputs_and_cotangent: Any) -> object:
        """Gradients of ⟨cotangent, output⟩: an array for one floating input, else a tuple."""
        *inputs, cotangent = inputs_and_cotangent
        variables = self._variables(inputs)
        output = self.function(*variables)
        several = isinstance(output, tuple | list)
        self._pull(list(output) if several else [output], list(cotangent) if several else [cotangent])
        gradients = tuple(_gradient(x) for x in variables if isinstance(x, Variable))
        return gradients[0] if len(gradients) == 1 else gradients

    def _variables(self, inputs: Sequence[Any]) -> list[object]:
        return [Variable(x) if _is_floating(x) and i not in self.constants else x for i, x in enumerate(inputs)]

    def _pull(self, outputs: Sequence[object], cotangents: Sequence[Any]) -> None:
        for output, cotangent in zip(outputs, cotangents, strict=True):
            if isinstance(output, Variable):
                try:
                    output.backward(cotangent)
                except WrongPullback as problem:
                    raise Misfit(str(problem)) from None
        if not any(isinstance(output, Variable) for output in outputs) and DETACHED not in self.notes:
            self.notes.append(DETACHED)


def _is_floating(x: object) -> bool:
    return isinstance(x, np.ndarray) and x.dtype.kind == "f"


def _data(output: object) -> object:
    return output.data if isinstance(output, Variable) else output


def _gradient(x: Variable) -> object:
    return np.zeros_like(x.data) if x.grad is None else x.grad


def _takes_variables(function: object) -> bool:
    annotations = getattr(_code_of(function), "__annotations__", {})
    return any(
        kind is Variable or (isinstance(kind, str) and kind.rpartition(".")[2] == "Variable")
        for name, kind in annotations.items()
        if name != "return"
    )


def _uses_the_tape(function: object) -> bool:
    """Whether the function's own code names a primitive, Variable, or the library of functions over them."""
    inner = _code_of(function)
    names = getattr(getattr(inner, "__code__", None), "co_names", ())
    known = getattr(inner, "__globals__", {})
    library = sys.modules.get("gradaudit.functions")
    return any(
        found is Variable or isinstance(found, Primitive) or (library is not None and found is library)
        for found in map(known.get, names)
    )


def _code_of(function: object) -> object:
    """The Python function behind partial objects, decorators, methods and callable objects."""
    while isinstance(function, functools.partial):
        function = function.func
    if not inspect.isroutine(function) and not inspect.isclass(function):
        function = getattr(type(function), "__call__", function)  # noqa: B004 - the method, not whether there is one
    inner = inspect.unwrap(function) if callable(function) else function
    return getattr(inner, "__func__", inner)
