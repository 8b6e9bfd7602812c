"""Writes configs/torch_opinfo.yaml: a few small samples of every operator in PyTorch's own database of operators.

    pip install torch==2.13.0 expecttest
    python scripts/make_opinfo_suite.py

What cannot pass, and why, stands in the two tables below; everything else is taken as the database has it.
"""

import sys
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

CONFIGS = Path(__file__).parent.parent / "configs"
sys.path.insert(0, str(CONFIGS))

import opinfo  # noqa: E402
import torch  # noqa: E402
from torch.utils._pytree import tree_leaves  # noqa: E402

#: Samples of one operator, and the elements that one may have beside smaller ones; of a larger one 24 are checked.
SAMPLES, SMALL, SAMPLED = 2, 40, 24

#: Derivatives below this are rounding residues of those that cancel.
ROUNDING = 1e-9

STAIRS = "rounds to sixteen bits: differences of it are those of a staircase"
OVERLAPS = "its windows may point at one place, and each is given the gradient of the last; the variants /grad stay"
SIGNS = "by its target it is defined at 1 and -1 only"

#: Operators that are left out, and why; with them go those whose derivative is zero wherever it exists.
LEFT_OUT: dict[str, str] = {
    "as_strided/partial_views": "reads the storage around its input, which is no part of the input",
    "bfloat16": STAIRS,
    "chalf": STAIRS,
    "half": STAIRS,
    "linalg.norm/subgradients_at_zero": "stands at kinks on purpose: what is asked for is one of many subgradients",
    "nn.functional.max_unpool1d": OVERLAPS,
    "nn.functional.max_unpool2d": OVERLAPS,
    "nn.functional.max_unpool3d": OVERLAPS,
    "sparse.mm/reduce": "differentiates by sparse tensors, which are no arrays",
    "sparse.sampled_addmm": "differentiates by sparse tensors, which are no arrays",
}

#: Statuses that are known, by ``operator`` or ``operator#sample``, with their reasons.
EXPECTED: dict[str, tuple[str, str]] = {
    "as_strided_scatter": ("fail", "docs/findings.md: by its input, the gradient is that of what was overwritten"),
    "cholesky_inverse": ("fail", "docs/findings.md: forward mode is wrong"),
    "masked.logaddexp#1": ("fail", "docs/findings.md: its second derivative is NaN beside what the mask leaves out"),
    "nn.functional.hinge_embedding_loss": ("inconclusive", SIGNS),
    "special.i1e#2": ("inconclusive", "its first derivative has a kink at 0, and the sample is 0"),
    "nn.functional.cosine_embedding_loss#0": ("inconclusive", SIGNS),
    "nn.functional.multi_head_attention_forward": (
        "inconclusive",
        "its samples are so large that the softmax is one to the last digit",
    ),
    "nn.functional.scaled_dot_product_attention#0": (
        "inconclusive",
        "the softmax of some queries is one to the last digit, and the rest of its gradient is rounding",
    ),
    "special.ndtr#0": ("inconclusive", "it saturates at 1, where its slope is below the spacing of doubles"),
}

#: Operators that are dear: eight elements of each sample.
DEAR = frozenset(
    """
    cholesky_inverse linalg.eig linalg.eigvals nn.functional.multi_head_attention_forward
    nn.functional.normalize nn.functional.scaled_dot_product_attention __rmod__ pca_lowrank
    """.split()  # noqa: SIM905 - a list would be seventy lines
)

#: Operators of every kind, for a quick look: tag ``fast``.
FAST = frozenset(
    """
    abs add addmm amax atan2 cat cholesky_inverse clamp cumprod diff digamma dist einsum exp fft.rfft gather
    index_select kron lerp linalg.det linalg.householder_product linalg.solve logcumsumexp logsumexp masked.mean
    mean nn.functional.conv1d nn.functional.glu nn.functional.gelu nn.functional.layer_norm
    nn.functional.mse_loss nn.functional.unfold norm/nuc pow prod scatter_add sinc sort std svd take_along_dim
    trace tril xlogy where as_strided_scatter view_as_complex polygamma/polygamma_n_0 special.erfcx cross cov
    logdet
    """.split()  # noqa: SIM905 - a list would be seventy lines
)

HEAD = """\
# Operators of PyTorch by its own samples (OpInfo): every operator with a derivative in float64, in reverse mode, in
# forward mode and twice where PyTorch says that it has these. Written by scripts/make_opinfo_suite.py; do not edit.
#
#   pip install 'gradaudit[torch]' expecttest
#   gradaudit run configs/torch_opinfo.yaml               # --tag fast: a part of every kind
#
# A case is one sample: opinfo.py makes a module of it whose parameters are the tensors that it is differentiated by.
# The number of a sample is its place in the database of PyTorch {version}; with another version it may be another.

version: 1
name: torch_opinfo
seed: 20261123
path: [.]                               # opinfo.py stands beside this file
defaults: {{engine: torch, tags: [torch, opinfo], timeout: 60s}}

functions:
"""


def main() -> None:
    """Write the suite, and say what is in it."""
    torch.set_default_dtype(torch.float64)  # as the engine has it
    entries = {name: list(entries_of(name)) for name in sorted(opinfo.operators()) if name not in LEFT_OUT}
    text = HEAD.format(version=torch.__version__.partition("+")[0]) + "".join(chain.from_iterable(entries.values()))
    (CONFIGS / "torch_opinfo.yaml").write_text(text, encoding="utf-8")
    flat = [name for name, lines in entries.items() if not lines]
    print(f"{len(entries) - len(flat)} of {len(opinfo.operators())} operators")
    print(f"left out, without a derivative other than zero at a finite sample: {', '.join(flat)}")


def entries_of(name: str) -> Iterator[str]:
    """An entry for the samples that pass, and one for each whose status is known to be another."""
    groups: dict[tuple[str, str, str], list[int]] = {}
    for index, module in choice(name).items():
        known = EXPECTED.get(f"{name}#{index}") or EXPECTED.get(name)
        expect = f", expect: {{status: {known[0]}, reason: {quoted(known[1])}}}" if known else ""
        most = 8 if name in DEAR else SAMPLED if elements(module) > 8 * SMALL else 0
        sampled = f", elements: {{sample: {most}}}" if most else ""
        groups.setdefault((checks_of(module), sampled, expect), []).append(index)
    for (checks, sampled, expect), indices in groups.items():
        tags = ", tags: [fast]" if name in FAST else ""
        yield entry(name, indices, f"inputs: {{}}, checks: [{checks}]{sampled}{tags}{expect}")


def entry(name: str, indices: Iterable[int], rest: str) -> str:
    """One line of the suite."""
    label = quoted(name)
    options = f"kwargs: {{op: {label}, index: $index}}, matrix: {{index: [{', '.join(map(str, indices))}]}}"
    return f"  - {{name: {label}, function: opinfo:sample, {options}, {rest}}}\n"


def choice(name: str) -> dict[int, opinfo.Sample]:
    """First and last of the small samples with a finite value and a derivative; of large ones the smallest."""
    info = opinfo.operators()[name]
    found = {index: opinfo.Sample(info, sample) for index, sample in enumerate(opinfo.samples(info)) if held(sample)}
    small = [index for index, module in found.items() if elements(module) <= SMALL]
    order = small + sorted(found.keys() - set(small), key=lambda index: elements(found[index]))
    first = next((index for index in order if has_derivative(found[index])), None)
    if first is None:
        return {}
    chosen = [first]
    for index in reversed(small):
        if len(chosen) < SAMPLES and index not in chosen and has_derivative(found[index]):
            chosen.append(index)
    return {index: found[index] for index in sorted(chosen)}


def held(sample: Any) -> int:
    """How many tensors a sample is differentiated by."""
    leaves = tree_leaves((sample.input, sample.args, sample.kwargs))
    return sum(leaf.numel() > 0 for leaf in leaves if isinstance(leaf, torch.Tensor) and leaf.requires_grad)


def elements(module: opinfo.Sample) -> int:
    """How many numbers a sample is differentiated by."""
    return sum(parameter.numel() for parameter in module.parameters())


def has_derivative(module: opinfo.Sample) -> bool:
    """Whether all outputs are finite, and a derivative that is not zero everywhere, for that needs no audit."""
    outputs = [out.to_dense() for out in module() if out.is_floating_point() or out.is_complex()]
    if not outputs or not all(values.isfinite().all() for values in (*outputs, *module.parameters())):
        return False
    found = torch.autograd.grad(slope(outputs), list(module.parameters()), allow_unused=True)
    return any(map(is_seen, found))


def slope(outputs: Iterable[torch.Tensor], *, power: int = 1) -> torch.Tensor:
    """A sum of the outputs in which none cancels another, nor those of a sum with another power."""
    return total_of((output * weights_like(output) ** power).sum() for output in outputs)


def total_of(parts: Iterable[torch.Tensor]) -> torch.Tensor:
    """A real sum; of complex numbers their real and imaginary parts."""
    return sum(part.real + part.imag if part.is_complex() else part for part in parts)


def weights_like(output: torch.Tensor) -> torch.Tensor:
    """Weights between 1 and 2."""
    return torch.linspace(1, 2, output.numel()).reshape(output.shape).to(output.dtype)


def checks_of(module: opinfo.Sample) -> str:
    """The derivatives that PyTorch says the operator has; the second where it is not zero."""
    info = module.info
    return ", ".join(["vjp", *["jvp"] * info.supports_forward_ad, *["hvp"] * is_curved(module)])


def is_curved(module: opinfo.Sample) -> bool:
    """Whether the gradient of a weighted sum of the outputs, which is what ``hvp`` differentiates, has a derivative."""
    if not module.info.supports_gradgrad:
        return False
    parameters = list(module.parameters())
    outputs = [out.to_dense() for out in module()]
    first = torch.autograd.grad(slope(outputs), parameters, create_graph=True, allow_unused=True)
    traced = [gradient for gradient in first if gradient is not None and gradient.requires_grad]
    if not traced:
        return False
    try:
        total = slope((gradient.to_dense() for gradient in traced), power=2)
        second = torch.autograd.grad(total, parameters, allow_unused=True)
    except RuntimeError:  # not implemented for this sample, whatever the database says of the operator
        return False
    return any(map(is_seen, second))


def is_seen(gradient: torch.Tensor | None) -> bool:
    """Whether it is more than the rounding of what cancels, or NaN."""
    return gradient is not None and not bool((gradient.to_dense().abs() <= ROUNDING).all())


def quoted(text: str) -> str:
    """A YAML scalar for any text."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


if __name__ == "__main__":
    main()
