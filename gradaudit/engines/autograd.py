"""Engine ``autograd``: functions over ``autograd.numpy``; their derivatives are HIPS autograd's own, by its rules."""

# mypy: disable-error-code="import-not-found,import-untyped"

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from operator import mul
from typing import Any

import numpy as np

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
        from autograd.core import make_vjp

        with _quiet():
            _, outputs = make_vjp(self._outputs(inputs), self.moving.parts(inputs))
        return tuple(outputs)

    def vjp(self, *inputs_and_cotangent: Any) -> object:
        """Gradients of ⟨cotangent, output⟩, one for each differentiated input."""
        *inputs, cotangent = inputs_and_cotangent
        return self._pulled(inputs, lambda _: tuple(leaves_of(cotangent)))

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
        return self._pulled(inputs, lambda outputs: tuple(map(np.ones_like, outputs)))

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

    def _pulled(self, inputs: Sequence[Any], cotangents: Callable[[Sequence[Any]], tuple[Any, ...]]) -> tuple[Any, ...]:
        """Gradients of all outputs, each times its cotangent, as the rules give them.

        Every input is a root of its own. In a tuple of them, which ``make_vjp`` would differentiate by, autograd adds
        what a rule gives to zeros: another shape would be broadcast, and look right.
        """
        from autograd.core import VJPNode, backward_pass, vspace
        from autograd.tracer import isbox, new_box, trace_stack

        parts = self.moving.parts(inputs)
        pulled = [vspace(part).zeros() for part in parts]
        roots = [VJPNode.new_root() for _ in parts]
        with _quiet(), trace_stack.new_trace() as trace:
            outputs = self._leaves(inputs, list(map(new_box, parts, repeat(trace), roots)))
        if not isbox(outputs):
            self._say_detached()
            return conjugated(pulled)
        for k, root in enumerate(roots):
            root.vjp = partial(_keep, pulled, k)
        with _quiet():
            backward_pass(cotangents(outputs._value), outputs._node)
        return conjugated(pulled)

    def _leaves(self, inputs: Sequence[Any], parts: Sequence[Any]) -> Any:
        from autograd.builtins import tuple as traced_tuple

        leaves = map(_parted, leaves_of(self.function(*self.moving.replaced(inputs, parts))))
        return traced_tuple(list(leaves))  # at a container that is not autograd's own its trace would end

    def _outputs(self, inputs: Sequence[Any]) -> Callable[[Any], Any]:
        """All output leaves, as a function of the differentiated inputs."""
        from autograd.tracer import isbox

        def outputs(parts: Any) -> Any:
            leaves = self._leaves(inputs, list(parts))
            if not isbox(leaves):
                self._say_detached()
            return leaves

        return outputs

    def _say_detached(self) -> None:
        if DETACHED not in self.notes:
            self.notes.append(DETACHED)

    def _total(self, inputs: Sequence[Any], weights: Sequence[Any] | None = None) -> Callable[[Any], Any]:
        """The sum of all outputs, each times its weights where there are any."""
        from autograd import numpy

        outputs = self._outputs(inputs)

        def total(parts: Any) -> Any:
            leaves = outputs(parts)
            weighted = leaves if weights is None else map(mul, leaves, weights)
            return sum(map(numpy.sum, weighted))

        return total


def _keep(pulled: list[Any], k: int, gradient: Any) -> tuple[()]:
    """The rule of a root, which has no parents to pass anything to."""
    pulled[k] = gradient
    return ()


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
