"""PyTorch's own samples of its operators (OpInfo) as modules: the tensors of a sample are parameters and buffers.

Needs ``pip install torch expecttest``: the database stands beside PyTorch's own tests.
"""

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.testing._internal.common_methods_invocations import op_db
from torch.utils import _pytree as tree

SEED = 20261123


def sample(op: str, index: int) -> nn.Module:
    """One sample of an operator, named as by ``operators``; its parameters are what it is differentiated by.

    Raises KeyError where PyTorch has no such operator, IndexError where it has fewer samples.
    """
    info = operators()[op]
    return Sample(info, samples(info)[index])


@cache
def operators() -> Mapping[str, Any]:
    """Every operator with a derivative in float64 on the CPU, as ``name`` or ``name/variant``."""
    return {
        "/".join(filter(None, (info.name, info.variant_test_name))): info
        for info in op_db
        if info.supports_autograd and torch.float64 in info.supported_backward_dtypes("cpu")
    }


def samples(info: Any) -> list[Any]:
    """The samples of an operator: the same numbers each time, whatever else has drawn random ones."""
    with _seeded():
        return list(info.sample_inputs("cpu", torch.float64, requires_grad=True))


class Sample(nn.Module):
    """A call of an operator as PyTorch's own gradient tests make it, every argument held."""

    def __init__(self, info: Any, sample: Any) -> None:
        """Hold the tensors of a sample under the names of their arguments."""
        super().__init__()
        self.info, self.process = info, sample.output_process_fn_grad
        arguments = {"input": sample.input, "arg": list(sample.args), **sample.kwargs}
        found, self.spec = tree.tree_flatten_with_path(arguments)
        self.names = [self._hold("_".join(_key(part) for part in path), leaf) for path, leaf in found]
        self.constants = [None if name else leaf for name, (_, leaf) in zip(self.names, found, strict=True)]
        outputs = self.call()
        # PyTorch marks some as not differentiable, such as the statistics that batch normalisation saves
        self.kept = [k for k, output in enumerate(outputs) if getattr(output, "requires_grad", False)]

    def forward(self) -> tuple[Tensor, ...]:
        """The operator's differentiable outputs."""
        outputs = self.call()
        return tuple(outputs[k] for k in self.kept)

    def call(self) -> list[Any]:
        """All outputs of the operator, as far as their derivative is defined."""
        pairs = zip(self.names, self.constants, strict=True)
        leaves = [getattr(self, name) if name else constant for name, constant in pairs]
        arguments = tree.tree_unflatten(leaves, self.spec)
        first, rest = arguments.pop("input"), arguments.pop("arg")
        output = self.info.gradcheck_wrapper(self.info.op, first, *rest, **arguments)
        return tree.tree_leaves(self.process(output) if self.process else output)

    def _hold(self, name: str, leaf: Any) -> str | None:
        """Keep a tensor under its name; anything else has none."""
        if not isinstance(leaf, Tensor):
            return None
        value = leaf.detach().clone()
        if leaf.requires_grad:
            self.register_parameter(name, nn.Parameter(value))
        else:
            self.register_buffer(name, value)
        return name


def _key(part: Any) -> str:
    return str(part.key if isinstance(part, tree.MappingKey) else part.idx)


@contextmanager
def _seeded() -> Iterator[None]:
    """Samples come from three global generators; all are put back as they were."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    random.seed(SEED)
    np.random.seed(SEED)  # noqa: NPY002
    torch.manual_seed(SEED)
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        torch.set_rng_state(states[2])
