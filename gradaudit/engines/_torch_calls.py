"""A function over tensors, called with arrays: precision and random state are pinned, outputs come back as arrays."""

import hashlib
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gradaudit.engines._arguments import Arguments
from gradaudit.engines._moving import Moving
from gradaudit.engines._torch_forward import forwards_alone
from gradaudit.engines._trees import hollow, leaves_of
from gradaudit.perturb.batching import Batch
from gradaudit.plan.case import Target
from gradaudit.plan.precision import BFLOAT16

Array = NDArray[np.float64]
Tensor = Any  #: torch is imported where it is used, and only there


class Called(Protocol):
    """What is called with tensors: the inputs, and after them those that the function holds."""

    def __call__(self, tensors: Sequence[Any], /) -> Any:
        """The outputs as the function gives them."""

    def name(self, position: int, count: int, /) -> str:
        """What the input at a position of ``count`` is called in a note."""


#: torch has one generator and one default precision for all threads: audits that share a process take turns.
_turn = threading.RLock()


@dataclass(frozen=True)
class Pinned:
    """The surroundings of every call: one thread, the same random numbers, and the inputs' precision by default."""

    seed: int

    @contextmanager
    def __call__(self, *, narrow: bool = False) -> Iterator[None]:
        """Set them, and put back what was there before."""
        import torch

        generator = torch.default_generator
        with _turn:
            state, threads, dtype = generator.get_state(), torch.get_num_threads(), torch.get_default_dtype()
            try:
                # audits run side by side already: threads of torch's own would only wait for each other
                torch.set_num_threads(1)
                torch.set_default_dtype(torch.float32 if narrow else torch.float64)
                generator.manual_seed(self.seed)
                yield
            finally:
                torch.set_default_dtype(dtype)
                torch.set_num_threads(threads)
                generator.set_state(state)


def seed_of(target: Target) -> int:
    """The seed of torch's generator: it follows from that of the case, the function and its options."""
    text = repr((target.seed, target.function, target.kwargs)).encode(errors="surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, digest_size=4).digest())


@dataclass(frozen=True)
class Calls:
    """A function of tensors, seen as a function of arrays."""

    called: Called
    moving: Moving
    pinned: Pinned
    notes: list[str]

    def value(self, *inputs: Any) -> object:
        """The outputs as arrays: one, or a tuple where the function gives a container."""
        with self.surroundings(inputs):
            leaves, passed = self.leaves(inputs)
            outputs, several = self.outputs(self.called(passed))
            self._report_writing(inputs, leaves, passed)
            return tuple(map(array_of, outputs)) if several else array_of(outputs[0])

    def batch(self, arguments: Arguments) -> Batch:
        """f at many points in one call of ``vmap``."""
        import torch

        inputs = [tensor_of(value) for value in arguments.inputs]

        def one(*moving: Tensor) -> Tensor | tuple[Tensor, ...]:
            values = list(inputs)
            for position, value in zip(arguments.differentiated, moving, strict=True):
                values[position] = value
            outputs, _ = self.outputs(self.called(values))
            # to take a tuple apart is half of what vmap does beside a small function
            return outputs[0] if len(outputs) == 1 else tuple(outputs)

        # every row draws what a call draws: the same mask at every point
        mapped = torch.func.vmap(one, randomness="same")
        narrow = is_narrow(arguments.arrays)

        def rows(points: Array) -> Array:
            with self.pinned(narrow=narrow), torch.no_grad(), forwards_alone(), quiet():
                outputs = mapped(*map(tensor_of, arguments.stacked(points)))
                parts = outputs if isinstance(outputs, tuple) else (outputs,)
                return np.concatenate([array_of(part).reshape(len(points), -1) for part in parts], axis=1)

        return rows

    def surroundings(self, inputs: Sequence[Any]) -> Any:
        """Pinned random state, and the precision of the inputs by default."""
        return self.pinned(narrow=is_narrow(self.moving.parts(inputs)))

    def leaves(self, inputs: Sequence[Any]) -> tuple[dict[int, Tensor], list[Any]]:
        """Tensors to differentiate by, by position, and what to call with: a function may write into that."""
        positions = self.moving.positions(inputs)
        leaves = {i: tensor_of(inputs[i]).requires_grad_() for i in positions}
        return leaves, [leaves[i].clone() if i in leaves else tensor_of(x) for i, x in enumerate(inputs)]

    def outputs(self, output: Any) -> tuple[list[Tensor], bool]:
        """The real dense outputs that can have a derivative, and whether they came in a container."""
        import torch

        if isinstance(output, torch.Tensor) and output.is_floating_point():  # mostly, and at every call
            return [real(output)], False
        found = [(k, leaf) for k, leaf in enumerate(leaves_of(output)) if isinstance(leaf, torch.Tensor | float)]
        kept = [real(leaf) for k, leaf in found if self._is_kept(k, leaf)]
        if not kept:
            raise TypeError(f"the function returned {_kinds(output)}; allowed: tensors of floating or complex numbers")
        return kept, isinstance(output, tuple | list | dict)

    def note(self, text: str) -> None:
        """Say something once to the reader of the verdict."""
        if text not in self.notes:
            self.notes.append(text)

    def _is_kept(self, k: int, leaf: Any) -> bool:
        if isinstance(leaf, float) or leaf.is_floating_point() or leaf.is_complex():
            return True
        self.note(
            f"output {k} holds {str(leaf.dtype).removeprefix('torch.')}: it has no derivative and is not compared"
        )
        return False

    def _report_writing(self, inputs: Sequence[Any], leaves: dict[int, Tensor], passed: Sequence[Any]) -> None:
        """What the function wrote into its inputs shows in the arrays that it was given, as for any function."""
        import torch

        for i, leaf in leaves.items():
            # another shape (``x.t_()``) is that of the tensor only: the numbers of the array are where they were
            if leaf.shape == passed[i].shape and not torch.equal(leaf.detach(), passed[i].detach()):
                inputs[i][...] = array_of(passed[i])


def is_narrow(arrays: Sequence[Any]) -> bool:
    """Whether the widest numbers in floating or complex arrays, of complex ones their parts, have less than 64 bits."""
    widths = [array.dtype.itemsize // (2 if array.dtype.kind == "c" else 1) for array in arrays]
    return bool(widths) and max(widths) < 8


@contextmanager
def quiet() -> Iterator[None]:
    """Without torch's warnings of what its forward mode uses, and ``vmap`` costs: that is nobody's business here."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`torch.jit", DeprecationWarning)
        warnings.filterwarnings(
            "ignore", "There is a performance drop because we have not yet implemented the batching"
        )
        yield


def tensor_of(value: Any) -> Any:
    """An array as a tensor that shares its memory; anything else as it is."""
    import torch

    if isinstance(value, np.generic):
        value = np.asarray(value)
    if not isinstance(value, np.ndarray):
        return value
    if value.dtype.kind in "fciub":
        return torch.from_numpy(value)
    # the same bits, which torch takes as integers; asked last: NumPy takes a microsecond to name a dtype
    return torch.from_numpy(value.view(np.int16)).view(torch.bfloat16) if value.dtype.name == BFLOAT16 else value


def real(output: Any) -> Tensor:
    """A dense real tensor: a complex one has its real and imaginary parts along a last axis."""
    import torch

    if isinstance(output, float):
        return torch.tensor(output)
    if output.layout is not torch.strided:
        output = output.to_dense()
    return torch.view_as_real(output.resolve_conj()) if output.is_complex() else output


def array_of(tensor: Tensor) -> NDArray[Any]:
    """A dense tensor as an array; formats that NumPy has not come as float32, which holds them."""
    import torch

    narrow = tensor.is_floating_point() and tensor.dtype not in (torch.float16, torch.float32, torch.float64)
    # forced: a tangent may be a tensor of zeros without memory, or stand for its own conjugate or negative
    return np.asarray((tensor.float() if narrow else tensor).numpy(force=True))


def _kinds(output: Any) -> str:
    kinds = [str(getattr(leaf, "dtype", type(leaf).__name__)).removeprefix("torch.") for leaf in leaves_of(output)]
    return ", ".join(kinds) or hollow(output)
