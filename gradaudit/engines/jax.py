"""Engine ``jax``: functions over ``jax.numpy``; their derivatives are JAX's own, by its rules and the user's.

64-bit numbers are switched on while this engine calls JAX, and nowhere else, unless the suite's ``env`` sets
``JAX_ENABLE_X64``. float32 inputs stay float32; what is bfloat16 inside is noise, and is measured as such.
"""

# mypy: disable-error-code="import-not-found,import-untyped"

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradaudit.engines._arguments import Arguments
from gradaudit.engines._code import code_of, of_package, refers_to
from gradaudit.engines._complex import claimed
from gradaudit.engines._differentiable import Absent, Differentiable, Misfit
from gradaudit.engines._jax_parts import WORTH_COMPILING, OfParts
from gradaudit.engines._moving import Moving
from gradaudit.engines._options import with_options
from gradaudit.engines._trees import converted, leaves_of
from gradaudit.perturb.batching import Batch
from gradaudit.plan.case import Target
from gradaudit.plan.precision import is_floating

Array = NDArray[np.float64]
SWITCH = "JAX_ENABLE_X64"
#: How JAX begins where a custom rule gives something that is no derivative: the claim fails, it is no error.
MISFITS = ("Custom VJP bwd rule ", "Custom JVP rule ")

differentiates = True


def recognises(function: object, target: Target) -> bool:
    """Compiled functions of JAX, custom derivatives, and functions that use it; asked without importing JAX.

    A claim about one makes no difference: called by others, such a function would compute in 32 bits.
    """
    return callable(function) and _is_jaxs(function)


def load(target: Target, function: object, claims: Mapping[str, Callable[..., object]]) -> Differentiable:
    """Adapt a function over ``jax.numpy``.

    ``vjp``, ``jvp`` (where it is defined), ``gradient`` of the sum of all outputs, and ``hvp``, the derivative of that
    gradient, are JAX's; what the user claims wins over them. Integers, random keys and other values are passed as they
    are. Gradients by complex inputs, claimed ones too, are as ``jax.grad`` gives them: ∂f/∂re − i·∂f/∂im. Raises
    EngineError where ``function`` cannot be called.
    """
    own = _Transformed(with_options(function, target), Moving(frozenset(target.constants)))
    given = {
        kind: claimed(kind, _plainly(with_options(claim, target), over_jax=_is_jaxs(claim)), own.complex_outputs)
        for kind, claim in claims.items()
    }
    return Differentiable(
        "jax",
        own.value,
        {"vjp": own.vjp, "jvp": own.jvp, "gradient": own.gradient, "hvp": own.hvp},
        batch=own.batch,
        primal=own.primal,
        batched={"vjp": own.many_vjps},
        weighted_hvp=own.weighted_hvp,
    ).claiming(given)


@contextmanager
def importing() -> Iterator[None]:
    """64-bit numbers, for the constants that users' modules make when they are imported; and for every call."""
    import jax

    if SWITCH in os.environ:
        yield
        return
    # where it is kept, and has been kept
    holder = jax if hasattr(jax, "enable_x64") else jax.experimental
    with holder.enable_x64(True):
        yield


def _in_64_bits(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def wide(*arguments: Any) -> Any:
        with importing():
            return method(*arguments)

    return wide


def _derivative(method: Callable[..., Any]) -> Callable[..., Any]:
    """``_in_64_bits``; where a user's rule gives what JAX refuses as a derivative, Misfit: the claim fails."""

    @_in_64_bits
    @wraps(method)
    def translated(*arguments: Any) -> Any:
        try:
            return method(*arguments)
        except (TypeError, ValueError) as problem:
            if not str(problem).startswith(MISFITS):
                raise
            raise Misfit(" ".join(str(problem).split())) from None

    return translated


@dataclass(frozen=True)
class _Transformed:
    """A function over ``jax.numpy`` with JAX's transformations of it, over and to NumPy arrays."""

    function: Callable[..., Any]
    moving: Moving
    _seen: dict[object, OfParts] = field(default_factory=dict)

    @_in_64_bits
    def value(self, *inputs: Any) -> object:
        """The output as plain arrays in its own containers."""
        return self._at(inputs).value(self.moving.parts(inputs), _plain)

    @_derivative
    def primal(self, *inputs: Any) -> object:
        """The output leaves as the way back computes them: a custom_vjp has a forward rule of its own."""
        import jax

        outputs, _ = jax.vjp(self._at(inputs).outputs, *self.moving.parts(inputs))
        return _plain_all(outputs)

    @_derivative
    def vjp(self, *inputs_and_cotangent: Any) -> object:
        """Gradients of ⟨cotangent, output⟩, one for each differentiated input."""
        *inputs, cotangent = inputs_and_cotangent
        return _plain_all(self._at(inputs).vjp(self.moving.parts(inputs), leaves_of(cotangent)))

    @_in_64_bits
    def complex_outputs(self, inputs: Sequence[Any]) -> Sequence[bool]:
        """Which leaves of the output are complex."""
        return self._at(inputs).complex_outputs(self.moving.parts(inputs))

    @_derivative
    def jvp(self, *inputs_and_tangents: Any) -> object:
        """The tangent of each output. Raises Absent where a function inside has a custom_vjp only."""
        inputs, tangents = self.moving.split(inputs_and_tangents)
        try:
            return _plain_all(self._at(inputs).jvp(self.moving.parts(inputs), tuple(tangents)))
        except TypeError as refusal:
            if "custom_vjp" not in str(refusal):
                raise
            raise Absent("a custom_vjp inside has no forward mode") from None

    @_derivative
    def gradient(self, *inputs: Any) -> object:
        """The gradient of the sum of all outputs, one array for each differentiated input."""
        return _plain_all(self._at(inputs).gradient(self.moving.parts(inputs)))

    @_derivative
    def hvp(self, *inputs_and_vectors: Any) -> object:
        """The Hessian of the sum of all outputs times the vectors, forward over reverse."""
        inputs, vectors = self.moving.split(inputs_and_vectors)
        return _plain_all(self._at(inputs).hvp(self.moving.parts(inputs), tuple(vectors)))

    @_derivative
    def weighted_hvp(self, *inputs_vectors_and_cotangent: Any) -> object:
        """The same of ⟨cotangent, output⟩."""
        *inputs_and_vectors, cotangent = inputs_vectors_and_cotangent
        inputs, vectors = self.moving.split(inputs_and_vectors)
        product = self._at(inputs).weighted_hvp
        return _plain_all(product(self.moving.parts(inputs), tuple(vectors), leaves_of(cotangent)))

    @_derivative
    def many_vjps(self, *inputs_and_cotangent: Any) -> object:
        """``vmap`` of the vjp: differentiated inputs and cotangents have a leading axis of points."""
        import jax

        *inputs, cotangent = inputs_and_cotangent
        return _plain_all(jax.vmap(self._at(inputs).pulled)(self.moving.parts(inputs), leaves_of(cotangent)))

    @_in_64_bits
    def batch(self, arguments: Arguments) -> Batch | None:
        """``jit(vmap(f))`` over rows of points, where there are enough to pay for compiling it a few times.

        Compiling raises where f looks at the values of its inputs.
        """
        import jax

        few = arguments.size < WORTH_COMPILING
        if few or self.moving.positions(arguments.inputs) != arguments.differentiated:
            return None
        compiled = jax.jit(jax.vmap(self._at(arguments.inputs).outputs))

        @_in_64_bits
        def batch(rows: Array) -> Array:
            outputs = compiled(*arguments.stacked(rows))
            return np.concatenate([_plain(out).reshape(len(rows), -1).astype(np.float64) for out in outputs], axis=1)

        return batch

    def _at(self, inputs: Sequence[Any]) -> OfParts:
        """The function with everything but its differentiated inputs fixed; what it compiles to is kept."""
        positions = self.moving.positions(inputs)
        _require_64_bits(inputs, positions)
        key = tuple(None if i in positions else _identity(value) for i, value in enumerate(inputs))
        if key not in self._seen:
            self._seen[key] = OfParts(self.function, tuple(map(_array, inputs)), positions)
        return self._seen[key]


def _plainly(claim: Callable[..., Any], *, over_jax: bool) -> Callable[..., Any]:
    """A user's claim over and to NumPy's arrays; JAX's are what one ``over_jax`` is called with."""

    @_in_64_bits
    def called(*inputs: Any) -> object:
        return converted(claim(*map(_array, inputs) if over_jax else inputs), _plain)

    return called


def _array(x: Any) -> Any:
    """An array of JAX over the numbers of NumPy's; every other value as it is."""
    import jax

    return jax.numpy.asarray(x) if isinstance(x, np.ndarray) else x


def _require_64_bits(inputs: Sequence[Any], positions: Sequence[int]) -> None:
    """Raises TypeError where a step would be rounded away: JAX without 64-bit numbers takes float64 for float32."""
    import jax

    if not jax.config.jax_enable_x64 and any(inputs[i].dtype in (np.float64, np.complex128) for i in positions):
        fix = f"write 'dtype: float32' for the inputs, or leave {SWITCH} out"
        raise TypeError(f"an input has 64 bits, and with {SWITCH}={os.environ.get(SWITCH)} JAX makes them 32; {fix}")


def _identity(value: Any) -> object:
    """What tells two values of an input that is not differentiated apart."""
    return (value.shape, value.dtype.str, value.tobytes()) if isinstance(value, np.ndarray) else id(value)


def _plain_all(values: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(map(_plain, values))


def _plain(value: Any) -> Any:
    """NumPy's array of a JAX array; floating types that are not known here, such as float8, widen to float32."""
    import jax

    if not isinstance(value, jax.Array):
        return value
    floating = jax.numpy.issubdtype(value.dtype, jax.numpy.floating)
    foreign = floating and not is_floating(np.dtype(value.dtype))
    return np.asarray(value, dtype=np.float32) if foreign else np.asarray(value)


def _is_jaxs(function: object) -> bool:
    code = code_of(function)
    return _of_jax(function) or (code is not function and _of_jax(code)) or refers_to(function, _of_jax)


def _of_jax(found: object) -> bool:
    return of_package(found, "jax", "jaxlib")
