"""Engine ``tape``: functions over Variables; their derivative is the tape's own way back."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradaudit.engines._code import refers_to, takes
from gradaudit.engines._differentiable import Differentiable, Misfit
from gradaudit.engines._options import with_options
from gradaudit.engines._trees import converted, leaves_of
from gradaudit.plan.case import Target
from gradaudit.pullback import WrongPullback
from gradaudit.tape import Primitive, Variable

DETACHED = "the function returned no Variable: the tape ends before its result, and every gradient is zero"

differentiates = True


def recognises(function: object, target: Target) -> bool:
    """Primitives, and functions with a parameter annotated as Variable; without a claim, all that use the tape.

    What computes with ``gradaudit.functions`` serves plain arrays too: where it has a claim, arrays it gets.
    """
    if isinstance(function, Primitive) or takes(function, Variable):
        return True
    return not target.claims and refers_to(function, _is_of_the_tape)


def load(target: Target, function: object, claims: Mapping[str, Callable[..., object]]) -> Differentiable:
    """Adapt a function of Variables: floating arrays go in as Variables, constants and everything else as they are.

    ``vjp`` runs ``backward`` and gives one gradient for each Variable, in order. What the user claims beside it is
    called with arrays, as it was given. Raises EngineError where ``function`` cannot be called.
    """
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
        """The function's output as plain arrays in its own containers."""
        return converted(self.function(*self._variables(inputs)), _data)

    def vjp(self, *inputs_and_cotangent: Any) -> object:
        """Gradients of ⟨cotangent, output⟩: an array for one floating input, else a tuple."""
        *inputs, cotangent = inputs_and_cotangent
        variables = self._variables(inputs)
        self._pull(leaves_of(self.function(*variables)), leaves_of(cotangent))
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


def _is_of_the_tape(found: object) -> bool:
    """A primitive, Variable itself, or the library of functions over Variables."""
    library = sys.modules.get("gradaudit.functions")
    return found is Variable or isinstance(found, Primitive) or (library is not None and found is library)
