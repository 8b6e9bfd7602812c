"""Engine ``jax``: functions over ``jax.numpy``; their derivatives are JAX's own, by its rules and the user's.

64-bit numbers are switched on while this engine calls JAX, and nowhere else, unless the suite's ``env`` sets
``JAX_ENABLE_X64``. float32 inputs stay float32; what is bfloat16 inside is noise, and is measured as such.
"""

# mypy: disable-error-code="import-not-found,import-untyped"

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradaudit.engines._arguments import Arguments
from gradaudit.engines._code import code_of, of_package, refers_to
from gradaudit.engines._differentiable import Absent, Differentiable, EngineError
from gradaudit.engines._moving import Moving
from gradaudit.engines._trees import Tree, leaves_of
from gradaudit.engines.python import with_options
from gradaudit.perturb.batching import Batch
from gradaudit.plan.case import Target

Array = NDArray[np.float64]
SWITCH = "JAX_ENABLE_X64"


def recognises(function: object, target: Target) -> bool:
    """Compiled functions of JAX, custom derivatives, and functions that use it; asked without importing JAX.

    A claim about one makes no difference: called by others, such a function would compute in 32 bits.
    """
    return callable(function) and _is_jaxs(function)


def load(target: Target, function: object, claims: Mapping[str, Callable[..., object]]) -> Differentiable:
    """Adapt a function over ``jax.numpy``.

    ``vjp``, ``jvp`` (where it is defined), ``gradient`` of the sum of all outputs, and ``hvp``, the derivative of that
    gradient, are JAX's; what the user claims wins over them. Integers, random keys and other values are passed as they
    are. Raises EngineError where ``function`` cannot be called.
    """
    if not callable(function):
        raise EngineError(f"{target.function} is {type(function).__name__}, not a function")
    own = _Transformed(with_options(function, target), Moving(frozenset(target.constants)))
    given = {kind: _claimed(with_options(claim, target), _is_jaxs(claim)) for kind, claim in claims.items()}
    derivatives = {"vjp": own.vjp, "jvp": own.jvp, "gradient": own.gradient, "hvp": own.hvp}
    return Differentiable("jax", own.value, {**derivatives, **given}, batch=own.batch)


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


@dataclass(frozen=True)
class _Transformed:
    """A function over ``jax.numpy`` with JAX's transformations of it, over and to NumPy arrays."""

    function: Callable[..., Any]
    moving: Moving

    @_in_64_bits
    def value(self, *inputs: Any) -> object:
        """The output as plain arrays in its own containers."""
        output = self.function(*map(_array, inputs))
        tree = Tree.of(output)
        return _plain(output) if tree is None else tree.build(map(_plain, leaves_of(output)))

    @_in_64_bits
    def vjp(self, *inputs_and_cotangent: Any) -> object:
        """Gradients of ⟨cotangent, output⟩, one for each differentiated input."""
        import jax

        *inputs, cotangent = inputs_and_cotangent
        outputs, pullback = jax.vjp(self._outputs(inputs), *self.moving.parts(inputs))
        cotangents = [_cotangent(part, out) for part, out in zip(leaves_of(cotangent), outputs, strict=True)]
        return tuple(map(_plain, pullback(cotangents)))

    @_in_64_bits
    def jvp(self, *inputs_and_tangents: Any) -> object:
        """The tangent of each output. Raises Absent where a function inside has a custom_vjp only."""
        import jax

        inputs, tangents = self.moving.split(inputs_and_tangents)
        try:
            _, pushed = jax.jvp(self._outputs(inputs), self.moving.parts(inputs), tuple(tangents))
        except TypeError as refusal:
            if "custom_vjp" not in str(refusal):
                raise
            raise Absent("a custom_vjp inside has no forward mode") from None
        return tuple(_plain(part) if isinstance(part, jax.Array) else np.zeros(part.shape) for part in pushed)

    @_in_64_bits
    def gradient(self, *inputs: Any) -> object:
        """The gradient of the sum of all outputs, one array for each differentiated input."""
        return tuple(map(_plain, self._gradients(inputs)(*self.moving.parts(inputs))))

    @_in_64_bits
    def hvp(self, *inputs_and_vectors: Any) -> object:
        """The Hessian of the sum of all outputs times the vectors, forward over reverse."""
        import jax

        inputs, vectors = self.moving.split(inputs_and_vectors)
        _, products = jax.jvp(self._gradients(inputs), self.moving.parts(inputs), tuple(vectors))
        return tuple(map(_plain, products))

    @_in_64_bits
    def batch(self, arguments: Arguments) -> Batch | None:
        """``jit(vmap(f))`` over rows of points. Compiling raises where f looks at the values of its inputs."""
        import jax

        if self.moving.positions(arguments.inputs) != arguments.differentiated:
            return None
        compiled = jax.jit(jax.vmap(self._outputs(arguments.inputs)))

        @_in_64_bits
        def batch(rows: Array) -> Array:
            outputs = compiled(*arguments.stacked(rows))
            return np.concatenate([_plain(out).reshape(len(rows), -1).astype(np.float64) for out in outputs], axis=1)

        return batch

    def _outputs(self, inputs: Sequence[Any]) -> Callable[..., list[Any]]:
        """The output leaves, as a function of the differentiated inputs."""
        import jax

        values, positions = list(map(_array, inputs)), self.moving.positions(inputs)

        def outputs(*parts: Any) -> list[Any]:
            moved = dict(zip(positions, parts, strict=True))
            output = self.function(*(moved.get(i, value) for i, value in enumerate(values)))
            return list(map(jax.numpy.asarray, leaves_of(output)))

        return outputs

    def _gradients(self, inputs: Sequence[Any]) -> Callable[..., Any]:
        import jax

        outputs, positions = self._outputs(inputs), tuple(range(len(self.moving.positions(inputs))))
        return jax.grad(lambda *parts: sum(part.sum() for part in outputs(*parts)), positions)


def _claimed(claim: Callable[..., Any], over_jax: bool) -> Callable[..., Any]:
    """A user's claim, called with arrays of its own library."""

    @_in_64_bits
    def called(*inputs: Any) -> object:
        returned = claim(*map(_array, inputs) if over_jax else inputs)
        tree = Tree.of(returned)
        return _plain(returned) if tree is None else tree.build(map(_plain, leaves_of(returned)))

    return called


def _array(x: Any) -> Any:
    """An array of JAX over the numbers of NumPy's; every other value as it is."""
    import jax

    if not isinstance(x, np.ndarray):
        return x
    found = jax.numpy.asarray(x)
    if x.dtype == np.float64 and found.dtype != np.float64:
        fix = f"write 'dtype: float32' for the inputs, or leave {SWITCH} out"
        raise TypeError(f"an input is float64, and with {SWITCH}={os.environ.get(SWITCH)} JAX makes it float32; {fix}")
    return found


def _plain(value: Any) -> Any:
    """NumPy's array of a JAX array; floating types that NumPy has not, such as bfloat16, widen to float32."""
    import jax

    if not isinstance(value, jax.Array):
        return value
    floating = jax.numpy.issubdtype(value.dtype, jax.numpy.floating)
    foreign = floating and np.dtype(value.dtype).kind != "f"
    return np.asarray(value, dtype=np.float32) if foreign else np.asarray(value)


def _cotangent(part: Any, output: Any) -> Any:
    """A cotangent as JAX wants it: of the output's own type, and float0 where that is not floating."""
    import jax

    if not jax.numpy.issubdtype(output.dtype, jax.numpy.inexact):
        return np.zeros(output.shape, jax.dtypes.float0)
    return jax.numpy.asarray(part, dtype=output.dtype)


def _is_jaxs(function: object) -> bool:
    return _of_jax(function) or _of_jax(code_of(function)) or refers_to(function, _of_jax)


def _of_jax(found: object) -> bool:
    return of_package(found, "jax") or of_package(found, "jaxlib")
