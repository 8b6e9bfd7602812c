"""What torch's autograd says about a function of tensors, as claims over arrays: vjp, jvp, gradient and hvp."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradaudit.engines._differentiable import Absent, Misfit
from gradaudit.engines._torch_calls import Calls, Tensor, array_of, quiet, real, tensor_of
from gradaudit.engines._trees import leaves_of

#: What torch says where a custom backward gives something that is no gradient: the claim fails, it is no error.
MISFITS = ("returned an invalid gradient", "returned an incorrect number of gradients")
#: What it says where a derivative does not exist in the mode that is asked for.
NO_FORWARD_MODE = ("forward AD", "forward mode AD", "forward-mode AD", "Jacobian-vector product", "jvp")
NO_VMAP = ("functorch", "vmap", "Batching rule", "batched tensor", "saved tensor hooks")
NOT_TWICE = ("is not implemented", "derivative for")


@dataclass(frozen=True)
class Derivatives:
    """The engine's own claims about a function."""

    calls: Calls

    @property
    def claims(self) -> Mapping[str, Callable[..., object]]:
        """The claims by kind."""
        return {"vjp": self.vjp, "jvp": self.jvp, "gradient": self.gradient, "hvp": self.hvp}

    def vjp(self, *inputs_and_cotangent: Any) -> object:
        """Gradients of ⟨cotangent, output⟩ in reverse mode, one for each differentiated input."""
        *inputs, cotangent = inputs_and_cotangent
        with self.calls.surroundings(inputs), _translated(MISFITS, Misfit):
            leaves, outputs, several = self._traced(inputs)
            self._name_cut_outputs(outputs)
            cotangents = leaves_of(cotangent) if several else (cotangent,)
            pulls = [_as(c, output) for c, output in zip(cotangents, outputs, strict=True)]
            gradients = _pulled(leaves, outputs, pulls)
            self._name_missing_gradients(inputs, gradients)
            return self._arrays(inputs, gradients)

    def gradient(self, *inputs: Any) -> object:
        """The gradient of the sum of all outputs."""
        with self.calls.surroundings(inputs), _translated(MISFITS, Misfit):
            leaves, outputs, _ = self._traced(inputs)
            return self._arrays(inputs, _pulled(leaves, outputs, _ones_like(outputs)))

    def jvp(self, *inputs_and_tangents: Any) -> object:
        """The tangent of each output in forward mode. Raises Absent where an operation has none."""
        import torch.autograd.forward_ad as forward

        inputs, tangents = self.calls.moving.split(inputs_and_tangents)
        with self.calls.surroundings(inputs), _translated(NO_FORWARD_MODE, Absent), quiet(), forward.dual_level():
            duals = self._duals(inputs, tangents)
            outputs, several = self.calls.outputs(self.calls.called(duals))
            pushed = tuple(_tangent(output) for output in outputs)
            return pushed if several else pushed[0]

    def hvp(self, *inputs_and_vectors: Any) -> object:
        """The derivative of ``gradient`` along the vectors, by going back twice. Raises Absent where it is refused."""
        return self._twice(inputs_and_vectors, _ones_like)

    def weighted_hvp(self, *inputs_vectors_and_cotangent: Any) -> object:
        """The same of ``vjp`` with the cotangent."""
        *inputs_and_vectors, cotangent = inputs_vectors_and_cotangent

        def weights(outputs: Sequence[Tensor]) -> list[Tensor]:
            return [_as(c, output).clone() for c, output in zip(leaves_of(cotangent), outputs, strict=True)]

        return self._twice(inputs_and_vectors, weights)

    def many_vjps(self, *inputs_and_cotangent: Any) -> object:
        """``vjp`` of many points in one call of ``vmap``, each with its own cotangent: all have a leading axis.

        Raises Absent where an operation has no rule for that.
        """
        import torch

        *inputs, cotangent = inputs_and_cotangent
        positions = self.calls.moving.positions(inputs)
        tensors = dict(enumerate(map(tensor_of, inputs)))

        def one(moving: tuple[Tensor, ...], pulls: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            def outputs(*moved: Tensor) -> tuple[Tensor, ...]:
                values = tensors | dict(zip(positions, moved, strict=True))
                return tuple(self.calls.outputs(self.calls.called(list(values.values())))[0])

            values, pull = torch.func.vjp(outputs, *moving)
            return tuple(pull(tuple(c.to(value.dtype) for c, value in zip(pulls, values, strict=True))))

        with self.calls.surroundings(inputs), _translated(MISFITS, Misfit), _translated(NO_VMAP, Absent), quiet():
            moving, pulls = (
                tuple(map(tensor_of, part)) for part in (self.calls.moving.parts(inputs), leaves_of(cotangent))
            )
            gradients = torch.func.vmap(one, randomness="same")(moving, pulls)
            return tuple(array_of(gradient.resolve_conj()) for gradient in gradients)

    def _twice(
        self, inputs_and_vectors: Sequence[Any], weights: Callable[[Sequence[Tensor]], Sequence[Tensor]]
    ) -> object:
        """The derivative along the vectors of the gradient of all outputs, each times its weights, summed."""
        import torch

        inputs, vectors = self.calls.moving.split(inputs_and_vectors)
        with self.calls.surroundings(inputs), _translated(MISFITS, Misfit), _translated(NOT_TWICE, Absent):
            leaves, outputs, _ = self._traced(inputs)
            # where its cotangent has a graph, a backward that may run only once leaves a trace of that
            pulls = [weight.requires_grad_() for weight in weights(outputs)]
            gradients = _pulled(leaves, outputs, pulls, create_graph=True)
            if _may_run_only_once(gradients):
                raise Absent("a backward in it is marked once_differentiable")
            pairs = [(g, tensor_of(v)) for g, v in zip(gradients, vectors, strict=True) if _is_traced(g)]
            if not pairs:
                return self._arrays(inputs, [None] * len(leaves))
            slope = sum((real(g) * real(v)).sum() for g, v in pairs)
            return self._arrays(inputs, torch.autograd.grad(slope, list(leaves.values()), allow_unused=True))

    def _traced(self, inputs: Sequence[Any]) -> tuple[dict[int, Tensor], list[Tensor], bool]:
        leaves, passed = self.calls.leaves(inputs)
        outputs, several = self.calls.outputs(self.calls.called(passed))
        return leaves, outputs, several

    def _duals(self, inputs: Sequence[Any], tangents: Sequence[Any]) -> list[Any]:
        import torch.autograd.forward_ad as forward

        # primals require a gradient: where they do not, an operation without forward mode drops tangents in silence
        leaves, values = self.calls.leaves(inputs)
        for position, tangent in zip(leaves, tangents, strict=True):
            values[position] = forward.make_dual(values[position], tensor_of(tangent))
        return values

    def _arrays(self, inputs: Sequence[Any], gradients: Sequence[Tensor | None]) -> object:
        """The gradients as arrays, zero where there is none; one by itself where one input is differentiated."""
        arrays = []
        for position, gradient in zip(self.calls.moving.positions(inputs), gradients, strict=True):
            if gradient is None:
                arrays.append(np.zeros_like(inputs[position]))
            else:
                dense = gradient if gradient.layout is tensor_of(inputs[position]).layout else gradient.to_dense()
                arrays.append(array_of(dense.resolve_conj()))
        return arrays[0] if len(arrays) == 1 else tuple(arrays)

    def _name_missing_gradients(self, inputs: Sequence[Any], gradients: Sequence[Tensor | None]) -> None:
        for position, gradient in zip(self.calls.moving.positions(inputs), gradients, strict=True):
            if gradient is None:
                name = self.calls.called.name(position, len(inputs))
                self.calls.note(f"the gradient of {name} is None: it counts as zero")

    def _name_cut_outputs(self, outputs: Sequence[Tensor]) -> None:
        for k, output in enumerate(outputs):
            if not _is_traced(output):
                which = f"output {k}" if len(outputs) > 1 else "the output"
                self.calls.note(f"{which} is detached from the inputs: its gradient is zero by construction")


def _pulled(
    leaves: Mapping[int, Tensor], outputs: Sequence[Tensor], cotangents: Sequence[Tensor], *, create_graph: bool = False
) -> Sequence[Tensor | None]:
    """Gradients by every leaf; None where no output depends on it by its graph."""
    import torch

    pairs = [(o, c) for o, c in zip(outputs, cotangents, strict=True) if _is_traced(o)]
    if not pairs:
        return [None] * len(leaves)
    traced, pulls = zip(*pairs, strict=True)
    return torch.autograd.grad(traced, list(leaves.values()), pulls, allow_unused=True, create_graph=create_graph)


def _ones_like(outputs: Sequence[Tensor]) -> list[Tensor]:
    import torch

    return [torch.ones_like(output) for output in outputs]


def _is_traced(tensor: Tensor | None) -> bool:
    return tensor is not None and tensor.requires_grad


def _may_run_only_once(gradients: Sequence[Tensor | None]) -> bool:
    """Whether the graph of a gradient holds the node that stands for a refusal: it would be passed by in silence."""
    waiting = [g.grad_fn for g in gradients if g is not None]
    seen: set[Any] = set()
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        if node.name().rpartition("::")[2] == "Error":
            return True
        seen.add(node)
        waiting.extend(following for following, _ in node.next_functions)
    return False


def _as(cotangent: Any, output: Tensor) -> Tensor:
    """A cotangent in the output's own precision, which NumPy may not have."""
    return tensor_of(cotangent).to(output.dtype)


def _tangent(output: Tensor) -> np.ndarray[Any, Any]:
    import torch.autograd.forward_ad as forward

    primal, tangent = forward.unpack_dual(output)
    return np.zeros(primal.shape) if tangent is None else array_of(tangent)


@contextmanager
def _translated(phrases: Sequence[str], kind: type[Exception]) -> Iterator[None]:
    """torch raises RuntimeError for everything: what its message says decides whether that is a verdict of ours."""
    try:
        yield
    except (RuntimeError, NotImplementedError) as problem:
        text = str(problem)
        if isinstance(problem, RecursionError) or not any(phrase in text for phrase in phrases):
            raise
        raise kind(text.strip().splitlines()[0]) from None
