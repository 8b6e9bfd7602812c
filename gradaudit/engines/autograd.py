"""Engine ``autograd``: functions over ``autograd.numpy``; their derivatives are HIPS autograd's own, by its rules."""

# mypy: disable-error-code="import-not-found,import-untyped"

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from operator import mul
from typing import Any

from gradaudit.engines._code import code_of, of_package, refers_to
from gradaudit.engines._complex import claimed, conjugated, is_complex, parted
from gradaudit.engines._differentiable import Absent, Differentiable
from gradaudit.engines._moving import Moving
from gradaudit.engines._options import with_options
from gradaudit.engines._trees import converted, leaves_of
from gradaudit.plan.case import Target

DETACHED = "the function's result does not depend on its inputs by autograd's rules: every gradient is zero"

differentiates = True


def recognises(function: object, target: Target) -> bool:
    """Primitives of autograd, and functions that use them or its NumPy; asked without importing autograd.

    Such functions serve plain arrays too: where something is claimed of them, the claim is what is audited.
    """
    if not callable(function) or target.claims:
        return False
    return _is_autograds(code_of(function)) or _is_autograds(function) or refers_to(function, _is_autograds)


def load(target: Target, function: object, claims: Mapping[str, Callable[..., object]]) -> Differentiable:
    """Adapt a function over ``autograd.numpy``.

    ``vjp``, ``jvp`` (where every rule has its ``defjvp``), ``gradient`` of the sum of all outputs, and ``hvp``, the
    derivative of that gradient, are autograd's; what the user claims wins over them. Gradients by complex
    inputs, claimed ones too, are as ``autograd.grad`` gives them: ∂f/∂re − i·∂f/∂im. Raises EngineError where
    ``function`` cannot be called.
    """
    notes: list[str] = []
    traced = _Traced(with_options(function, target), Moving(frozenset(target.constants)), notes)
    given = {kind: claimed(kind, with_options(claim, target), traced.complex_outputs) for kind, claim in claims.items()}
    return Differentiable(
        "autograd",
        traced.value,
        {"vjp": traced.vjp, "jvp": traced.jvp, "gradient": traced.gradient, "hvp": traced.hvp},
        primal=traced.primal,
        weighted_hvp=traced.weighted_hvp,
        notes=notes,
    ).claiming(given)


@dataclass(frozen=True)
class _Traced:
    """A function over ``autograd.numpy`` with autograd's derivatives of it."""

    function: Callable[..., Any]
    moving: Moving
    notes: list[str]

    def value(self, *inputs: Any) -> object:
        """The output; a complex leaf has its real and imaginary parts along a last axis."""
        return converted(self.function(*inputs), _parted)

    def complex_outputs(self, inputs: Sequence[Any]) -> Iterator[bool]:
        """Which leaves of the output are complex."""
        return map(is_complex, leaves_of(self.function(*inputs)))

    def primal(self, *inputs: Any) -> object:
        """The output leaves as the way back computes them."""
        return tuple(self._traced(inputs)[1])

    def vjp(self, *inputs_and_cotangent: Any) -> object:
        """Gradients of ⟨cotangent, output⟩, one for each differentiated input."""
        *inputs, cotangent = inputs_and_cotangent
        return conjugated(self._traced(inputs)[0](tuple(leaves_of(cotangent))))

    def _traced(self, inputs: Sequence[Any]) -> tuple[Callable[..., Sequence[Any]], Sequence[object]]:
        """The pullback, and the output leaves."""
        from autograd.core import make_vjp

        with _quiet():
            pullback, outputs = make_vjp(self._outputs(inputs), self.moving.parts(inputs))
        return pullback, outputs

    def jvp(self, *inputs_and_tangents: Any) -> object:
        """The tangent of each output, in forward mode. Raises Absent where a function inside has no ``defjvp``."""
        from autograd.core import make_jvp

        inputs, tangents = self.moving.split(inputs_and_tangents)
        try:
            with _quiet():
                _, pushed = make_jvp(self._outputs(inputs), self.moving.parts(inputs))(tuple(tangents))
        except NotImplementedError as refusal:
            raise Absent(str(refusal)) from None
        return tuple(pushed)

    def gradient(self, *inputs: Any) -> object:
        """The gradient of the sum of all outputs, one array for each differentiated input."""
        from autograd import grad

        with _quiet():
            return conjugated(grad(self._total(inputs))(self.moving.parts(inputs)))

    def hvp(self, *inputs_and_vectors: Any) -> object:
        """The Hessian of the sum of all outputs times the vectors, reverse over reverse."""
        return self._twice(inputs_and_vectors, None)

    def weighted_hvp(self, *inputs_vectors_and_cotangent: Any) -> object:
        """The same of ⟨cotangent, output⟩."""
        *inputs_and_vectors, cotangent = inputs_vectors_and_cotangent
        return self._twice(inputs_and_vectors, leaves_of(cotangent))

    def _twice(self, inputs_and_vectors: Sequence[Any], weights: Sequence[Any] | None) -> object:
        from autograd import make_hvp

        inputs, vectors = self.moving.split(inputs_and_vectors)
        with _quiet():
            product, _ = make_hvp(self._total(inputs, weights))(self.moving.parts(inputs))
            return conjugated(product(tuple(vectors)))

    def _outputs(self, inputs: Sequence[Any]) -> Callable[[Any], Any]:
        """All output leaves, as a function of the differentiated inputs."""
        from autograd.builtins import tuple as traced_tuple
        from autograd.tracer import isbox

        def outputs(parts: Any) -> Any:
            leaves = list(map(_parted, leaves_of(self.function(*self.moving.replaced(inputs, list(parts))))))
            if not any(map(isbox, leaves)) and DETACHED not in self.notes:
                self.notes.append(DETACHED)
            return traced_tuple(leaves)  # at a container that is not autograd's own its trace would end

        return outputs

    def _total(self, inputs: Sequence[Any], weights: Sequence[Any] | None = None) -> Callable[[Any], Any]:
        """The sum of all outputs, each times its weights where there are any."""
        from autograd import numpy

        outputs = self._outputs(inputs)

        def total(parts: Any) -> Any:
            leaves = outputs(parts)
            weighted = leaves if weights is None else map(mul, leaves, weights)
            return sum(map(numpy.sum, weighted))

        return total


@contextmanager
def _quiet() -> Iterator[None]:
    """Without autograd's warning of what does not depend on x: a note says it of outputs; a slope may be constant."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Output seems independent of input")
        yield


def _parted(leaf: Any) -> Any:
    from autograd import numpy

    return parted(leaf, numpy)


def _is_autograds(found: object) -> bool:
    return bool(getattr(found, "_is_autograd_primitive", False)) or of_package(found, "autograd")
