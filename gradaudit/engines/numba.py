"""Engine ``numba``: functions that Numba compiled, or can compile, measured without Python between evaluations."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from gradaudit.engines._arguments import Arguments
from gradaudit.engines._differentiable import Compiled, Differentiable, flatten_output
from gradaudit.engines._options import callable_of, with_options
from gradaudit.plan.case import Target

Function = Callable[..., object]

#: Measured on the functions of this package: seconds to compile a Python function, and to wrap a compiled one.
COMPILE_SECONDS, WRAP_SECONDS = 1.0, 0.3


def recognises(function: object, target: Target) -> bool:
    """Numba's own functions; asked without importing Numba."""
    return callable(function) and _is_numbas(function)


def load(target: Target, function: object, claims: Mapping[str, Function]) -> Differentiable:
    """Adapt a Numba function, or a Python function that Numba may compile where that pays.

    The claims are called as the user gave them. Raises EngineError where ``function`` cannot be called.
    """
    named = callable_of(function, target)
    notes: list[str] = []
    called = with_options(_with_numbers(named), target)
    adapted = {kind: with_options(_with_numbers(claim), target) for kind, claim in claims.items()}
    compile_ = None if target.args else _Compiler(named, called, dict(target.kwargs), notes)
    return Differentiable("numba", called, adapted, compile=compile_, notes=notes)


def compiles(evaluations: int, seconds_per_call: float, *, cost: float = COMPILE_SECONDS) -> bool:
    """Whether calling ``evaluations`` times takes longer than compiling, which takes ``cost`` seconds."""
    return evaluations * seconds_per_call > cost


@dataclass(frozen=True)
class _Compiler:
    """The ``compile`` of a Differentiable."""

    function: Function  #: as the user gave it
    called: Function  #: with its options
    options: Mapping[str, object]
    notes: list[str]

    def __call__(self, arguments: Arguments, evaluations: int, seconds: float) -> Compiled | None:
        """A flat compiled form of the function, or None where calls are cheaper or nothing else is possible."""
        if not compiles(evaluations, seconds, cost=WRAP_SECONDS if _is_numbas(self.function) else COMPILE_SECONDS):
            return None
        from gradaudit.engines._flat import NotCompiled, flat_function

        base, _ = flatten_output(self.called(*arguments.at(arguments.x)))
        try:
            flat = flat_function(self.function, arguments, base=base, options=self.options)
        except NotCompiled as problem:
            self._note(f"called instead of compiled: {problem}")
            return None
        return Compiled(flat, base.size)

    def _note(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)


def _is_numbas(function: object) -> bool:
    return type(function).__module__.partition(".")[0] == "numba"


def _with_numbers(function: Function) -> Function:
    return _Numbered(function) if _is_numbas(function) else function


@dataclass
class _Numbered:
    """A Numba function, called with numbers for arrays of no axes: compiled scalar code takes nothing else."""

    function: Function
    arrays: bool = False  #: the function turned out to take arrays of no axes, and no numbers

    def __call__(self, *inputs: object, **options: object) -> object:
        numbers = inputs if self.arrays else tuple(map(_number, inputs))
        try:
            return self.function(*numbers, **options)
        except Exception as refusal:
            if not _is_refusal(refusal) or all(map(operator.is_, numbers, inputs)):
                raise
            return self._call_with_arrays(refusal, inputs, options)

    def _call_with_arrays(self, refusal: Exception, inputs: tuple[object, ...], options: dict[str, object]) -> object:
        try:
            output = self.function(*inputs, **options)
        except Exception:
            raise refusal from None
        self.arrays = True
        return output


def _is_refusal(error: Exception) -> bool:
    """Whether Numba would not have these types; nothing was run then."""
    from numba.core.errors import NumbaError

    return isinstance(error, NumbaError) or "No matching definition" in str(error)


def _number(value: object) -> object:
    return value[()] if isinstance(value, np.ndarray) and not value.shape else value
