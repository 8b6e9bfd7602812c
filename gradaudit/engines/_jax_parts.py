"""A JAX function of its differentiated inputs alone, with JAX's transformations of it, compiled where possible."""

# mypy: disable-error-code="import-not-found,import-untyped"

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from gradaudit.engines._agreement import agree
from gradaudit.engines._complex import conjugated, is_complex, parted
from gradaudit.engines._jax_operations import pays
from gradaudit.engines._trees import Tree, leaves_of

#: Elements from which on f is evaluated in batches. A call of the compiled function takes 0.1 ms, compiling it for rows
#: 100 ms for each of their numbers.
WORTH_COMPILING = 128
BESIDE = 60  #: evaluations beside two for each element: of the noise, of a curve


@dataclass(frozen=True)
class OfParts:
    """A function of its differentiated inputs alone, ``parts``, with the transformations of it, compiled."""

    function: Callable[..., Any]
    fixed: tuple[Any, ...]  #: values for all positions
    positions: tuple[int, ...]  #: of the parts
    _forms: list[Tree | None] = field(default_factory=list)  #: of the output, once it is known
    _complex: list[bool] = field(default_factory=list)  #: which output leaves are, likewise

    def outputs(self, *parts: Any) -> list[Any]:
        """The output leaves; a complex one has its real and imaginary parts along a last axis."""
        import jax

        moved = dict(zip(self.positions, parts, strict=True))
        output = self.function(*(moved.get(i, value) for i, value in enumerate(self.fixed)))
        leaves = list(map(_array, leaves_of(output)))
        self._forms[:] = [Tree.of(output)]
        self._complex[:] = map(is_complex, leaves)
        return [parted(leaf, jax.numpy) for leaf in leaves]

    def value(self, parts: Sequence[Any], convert: Callable[[Any], Any]) -> Any:
        """The output in its own containers, every leaf converted."""
        leaves = map(convert, self._evaluation(*parts))
        (tree,) = self._forms
        return next(leaves) if tree is None else tree.build(leaves)

    def complex_outputs(self, parts: Sequence[Any]) -> Sequence[bool]:
        """Which output leaves are complex."""
        if not self._forms:
            self._evaluation(*parts)
        return self._complex

    @cached_property
    def _evaluation(self) -> Callable[..., list[Any]]:
        return _Evaluation(self.outputs)

    def pulled(self, parts: Sequence[Any], cotangents: Sequence[Any]) -> Any:
        """The cotangents of the parts for those of the outputs."""
        import jax

        outputs, pullback = jax.vjp(self.outputs, *parts)
        return conjugated(pullback([_cotangent(part, out) for part, out in zip(cotangents, outputs, strict=True)]))

    @cached_property
    def vjp(self) -> Callable[..., Any]:
        """``pulled``, compiled."""
        return _Compiled(self.pulled)

    @cached_property
    def jvp(self) -> Callable[..., Any]:
        """The tangents of the outputs for those of the parts."""
        import jax

        def pushed(parts: Sequence[Any], tangents: Sequence[Any]) -> Any:
            outputs, found = jax.jvp(self.outputs, tuple(parts), tangents)
            pairs = zip(outputs, found, strict=True)
            return [part if _floats(out) else jax.numpy.zeros(out.shape) for out, part in pairs]

        return _Compiled(pushed)

    @cached_property
    def gradient(self) -> "_Compiled":
        """The gradient of the sum of all outputs."""
        import jax

        slopes = jax.grad(lambda parts: sum(out.sum() for out in self.outputs(*parts)))
        return _Compiled(lambda parts: conjugated(slopes(parts)))

    @cached_property
    def hvp(self) -> Callable[..., Any]:
        """The derivative of that gradient along vectors."""
        import jax

        return _Compiled(lambda parts, vectors: jax.jvp(self.gradient.function, (parts,), (vectors,))[1])

    @cached_property
    def weighted_hvp(self) -> Callable[..., Any]:
        """The derivative of ``pulled`` along vectors, the cotangents being held."""
        import jax

        def product(parts: Sequence[Any], vectors: Sequence[Any], cotangents: Sequence[Any]) -> Any:
            return jax.jvp(lambda moved: self.pulled(moved, cotangents), (parts,), (vectors,))[1]

        return _Compiled(product)


class _Evaluation:
    """A function as it is evaluated: compiled where that pays and gives the same values.

    Where it gives others, or another one each time, that is for others to see.
    """

    def __init__(self, function: Callable[..., list[Any]]) -> None:
        self._function = function
        self._chosen: Callable[..., list[Any]] | None = None

    def __call__(self, *parts: Any) -> list[Any]:
        if self._chosen is None:
            called, compiled = self._function(*parts), _Compiled(self._function)
            self._chosen = compiled if self._pays(parts) and _agree(compiled(*parts), called) else self._function
        return self._chosen(*parts)

    def _pays(self, parts: Sequence[Any]) -> bool:
        elements = sum(np.size(part) for part in parts)
        evaluations = BESIDE + 2 * elements if elements < WORTH_COMPILING else BESIDE
        try:
            return pays(self._function, parts, evaluations=evaluations)
        except Exception:  # it looks at the values of its inputs
            return False


class _Compiled:
    """A function compiled by JAX; or called, where it looks at the values of its inputs."""

    def __init__(self, function: Callable[..., Any]) -> None:
        import jax

        self.function = function
        self._call = jax.jit(function)

    def __call__(self, *inputs: Any) -> Any:
        try:
            return self._call(*inputs)
        except Exception:
            if self._call is self.function:
                raise
            found = self.function(*inputs)  # what this raises is the user's
            self._call = self.function
            return found


def _array(leaf: Any) -> Any:
    """An array of JAX; of a random key the numbers that it is made of."""
    import jax

    leaf = jax.numpy.asarray(leaf)
    return jax.random.key_data(leaf) if jax.numpy.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf


def _agree(found: Sequence[Any], called: Sequence[Any]) -> bool:
    narrow = any(np.dtype(part.dtype) != np.float64 for part in called if _floats(part))
    pairs = zip(found, called, strict=True)
    return all(agree(np.asarray(a, np.float64), np.asarray(b, np.float64), narrow=narrow) for a, b in pairs)


def _cotangent(part: Any, output: Any) -> Any:
    """A cotangent as JAX wants it: of the output's own type, and float0 where that is not floating."""
    import jax

    if not _floats(output):
        return np.zeros(output.shape, jax.dtypes.float0)
    return jax.numpy.asarray(part, dtype=output.dtype)


def _floats(array: Any) -> bool:
    import jax

    return bool(jax.numpy.issubdtype(array.dtype, jax.numpy.inexact))
