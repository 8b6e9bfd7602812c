"""What an engine gives to the checks: a function over arrays beside its claimed derivatives.

An engine is one file of this shelf with

    recognises(function: object, target: Target) -> bool    # is this function mine, though no engine was named?
    load(target: Target, function: object, claims: Mapping[str, Callable]) -> Differentiable
    differentiates = True     # it needs no claim; a literal, which the plan reads without importing the file

``engines.load`` resolves the references (``module:attribute``) before it hands them over, an engine only adapts.
Libraries are imported inside these functions, never at the top of the file.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from gradaudit.engines._arguments import Arguments
from gradaudit.engines._trees import hollow, leaves_of
from gradaudit.perturb.batching import Batch
from gradaudit.plan.case import Source
from gradaudit.plan.precision import is_real

Function = Callable[..., object]

#: The shapes of the outputs of a function that gives a number.
NUMBER: tuple[tuple[int, ...], ...] = ((),)


class EngineError(Exception):
    """A target cannot be loaded: its message says which, why, and the fix."""


class Misfit(Exception):
    """A derivative inside the function has a wrong count, shape or dtype: the case fails, it is no error."""


class Mutated(Misfit):
    """A function changed an argument that it was given, and that is not its own: the case fails."""


class Absent(Exception):
    """A derivative that an engine offers does not exist for this function: its check is left out, with a note."""


@dataclass(frozen=True)
class Compiled:
    """A function over flat vectors that a Numba kernel can call."""

    #: first-class ``int64(float64[::1] x, float64[::1] y)``: fills y, returns 0, or not 0 if it raised
    function: object
    outputs: int  #: length m of y


@dataclass(frozen=True)
class Differentiable:
    """A function and what is claimed about its derivative.

    ``function(*inputs)`` returns a number, an array, or several in a tuple, list or dict, nested as they are; None
    among them holds nothing. The claims are

        gradient(*inputs), value_and_gradient(*inputs)      an array, or a tuple, one per differentiated input
        vjp(*inputs, cotangent)                             likewise; cotangent as the output: array or container
        jvp(*inputs, *tangents)                             the output's tangent, like it or a tuple of its leaves; a
                                                            tangent per differentiated input
        jacobian(*inputs)                                   output shape + input shape; dense or SciPy sparse
        hessian(*inputs)                                    input shape + input shape
        hvp(*inputs, *vectors)                              as gradient

    with NumPy arrays, keyword options already frozen in. Both may raise anything: the callers are prepared.
    """

    engine: str
    function: Function
    claims: Mapping[str, Function]
    #: compile(arguments, evaluations, seconds) -> Compiled, or None where calling is cheaper than compiling;
    #: ``evaluations`` are those expected, ``seconds`` is one measured call of ``function``
    compile: Callable[[Arguments, int, float], Compiled | None] | None = None
    #: batch(arguments) -> f at many points in one call (``perturb.batching.Batch``), or None where f has no such form.
    #: Rows are flat points as ``arguments.x`` and flat values as ``flatten_output`` gives; ``arguments.stacked(rows)``
    #: cuts the rows into one array (k, *shape) per differentiated input. Calls have as many rows as one of ``sizes``
    #: there, and no more than keeps k·(n + m) small. It may raise: then, and where it does not give f(x), f is called
    #: instead, and a note says so.
    batch: Callable[[Arguments], Batch | None] | None = None
    #: held(arguments) -> arrays that the function holds (parameters of a module), by name: they are further inputs,
    #: differentiated, after those of the case
    held: Callable[[Arguments], Mapping[str, NDArray[np.floating]]] | None = None
    #: primal(*inputs) -> the output as the route that differentiates computes it; None where that is ``function``
    primal: Function | None = None
    #: claims ("vjp", "gradient") of many points in one call: every differentiated input and cotangent, and every
    #: gradient, has a leading axis of points; other inputs are as they are
    batched: Mapping[str, Function] = field(default_factory=dict)
    #: weighted_hvp(*inputs, *vectors, cotangent) -> as hvp, of ⟨cotangent, output⟩, whose gradient ``vjp`` claims: in
    #: the sum of all outputs, which ``hvp`` is of, those of a softmax cancel
    weighted_hvp: Function | None = None
    notes: list[str] = field(default_factory=list)  #: what a reader of the verdict should know
    sources: tuple[Source, ...] = ()  #: where the function and its claims are written

    def claiming(self, given: Mapping[str, Function]) -> "Differentiable":
        """The same with a user's claims, which win over the engine's own: what belongs to those goes with them."""
        return replace(
            self,
            claims={**self.claims, **given},
            batched={kind: product for kind, product in self.batched.items() if kind not in given},
            weighted_hvp=None if given.keys() & {"vjp", "gradient", "hvp"} else self.weighted_hvp,
        )


def flatten_output(output: object) -> tuple[NDArray[np.float64], tuple[tuple[int, ...], ...]]:
    """All outputs as one flat float64 vector (a copy), and their shapes.

    Raises TypeError where an output is not a real number or array: complex, object, text; and where there is none.
    """
    if isinstance(output, float):  # most functions, millions of times
        return np.array([output]), NUMBER
    if isinstance(output, np.ndarray):
        array = _real_array(output)
        return array.astype(np.float64).ravel(), (array.shape,)
    parts = leaves_of(output)
    if not parts:
        allowed = f"a number, an array, or a container of arrays{'; does it lack a return?' if output is None else ''}"
        raise TypeError(f"the function returned {hollow(output)}; allowed: {allowed}")
    arrays = [_real_array(part) for part in parts]
    flat = np.concatenate([np.asarray(array, dtype=np.float64).ravel() for array in arrays])
    return flat, tuple(array.shape for array in arrays)


def _real_array(value: object) -> NDArray[np.generic]:
    array = np.asarray(value)
    if not is_real(array.dtype):
        name = type(value).__name__ if array.dtype.kind == "O" else str(array.dtype)
        raise TypeError(f"the function returned {name}; allowed: real numbers (float16 or bfloat16 to float64)")
    return array
