"""Engine ``torch`` beside ``torch.autograd.gradcheck``: every derivative by every element, on the same functions.

Both take central differences along every coordinate, parameters of modules included, and compare all of them with
reverse mode: gradcheck the whole Jacobian, one output after the other, gradaudit the products with random cotangents.
Beside them stands what no check by differences at every element can be quicker than: two evaluations of each, as many
in one call of ``vmap`` as the processor's cache holds, and nothing else.
"""

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any

import numpy as np

from benchmarks._table import race, table
from benchmarks.memory import peak
from gradaudit import engines
from gradaudit.auditor import audit_function
from gradaudit.engines._arguments import Arguments
from gradaudit.engines._torch_forward import forwards_alone
from gradaudit.judge.verdict import Status
from gradaudit.plan.case import Case, Given, Input, Target

RIVAL, OWN, FLOOR = "torch gradcheck", "gradaudit", "2 n evaluations"
GOAL = "< 0.25"
ROUNDS = 5
#: Points in one call of the floor.
AT_ONCE = 64


#: One elementwise function of so many elements in a process of its own.
MEMORY_N = 4_000
BARE = """
import numpy as np, torch
from benchmarks.torch_gradcheck import elementwise, own, rival
torch.set_num_threads(1)
x = np.random.default_rng(0).normal(size={n})
"""


def run() -> str:
    """Both tables."""
    if find_spec("torch") is None:
        return "PyTorch is not installed: pip install 'gradaudit[torch]'"
    return "\n\n".join([time_table(), memory_table()])


def memory_table() -> str:
    """Peaks above the imports: gradcheck holds whole Jacobians, gradaudit a few rows."""
    bare = BARE.format(n=MEMORY_N)
    imported = peak(bare)
    rows = [
        (who, f"{peak(f'{bare}{call}(elementwise, [x])()') - imported:.0f}")
        for who, call in ((RIVAL, "rival"), (OWN, "own"))
    ]
    return table(f"Memory, elementwise, n = {MEMORY_N:,}", ("peak above the imports", "MB"), rows)


def time_table() -> str:
    """Milliseconds and their ratio, function by function."""
    import torch

    rng = np.random.default_rng(20261123)
    rows = []
    torch.set_num_threads(1)  # for both: on a busy machine a second one makes gradcheck several times slower
    for name, (function, inputs) in problems(rng).items():
        contestants = {
            RIVAL: rival(function, inputs),
            OWN: own(function, inputs),
            FLOOR: evaluations(function, inputs),
        }
        measured = race(contestants, reference=RIVAL, rounds=ROUNDS)
        n = sum(array.size for array in [*inputs, *parameters(function).values()])
        milliseconds = [f"{1e3 * measured[who][0]:.0f}" for who in contestants]
        ratios = [f"{measured[who][1]:.2f}" for who in (OWN, FLOOR)]
        rows.append((name, str(n), *milliseconds, *ratios, GOAL))
    return table(
        "Every element beside torch.autograd.gradcheck, one thread",
        ("function", "elements", "gradcheck ms", "gradaudit ms", "floor ms", "ratio", "of the floor", "goal"),
        rows,
    )


def problems(rng: np.random.Generator) -> Mapping[str, tuple[Callable[..., Any], list[Any]]]:
    """Functions over tensors, and the arrays that they are differentiated by."""
    import torch

    labels = torch.from_numpy(rng.integers(0, 50, 64))
    mlp = torch.nn.Sequential(torch.nn.Linear(16, 32), torch.nn.Tanh(), torch.nn.Linear(32, 4)).double()
    norm = torch.nn.LayerNorm(64).double()
    conv = torch.nn.Conv2d(3, 4, 3).double()
    return {
        "elementwise, 1,000": (elementwise, [rng.normal(size=1_000)]),
        "elementwise, 4,000": (elementwise, [rng.normal(size=4_000)]),
        "cross entropy 64×50": (lambda x: torch.nn.functional.cross_entropy(x, labels), [rng.normal(size=(64, 50))]),
        "matmul 24×24": (torch.matmul, [rng.normal(size=(24, 24)), rng.normal(size=(24, 24))]),
        "layer norm 16×64": (norm, [rng.normal(size=(16, 64))]),
        "conv 2×3×12×12": (conv, [rng.normal(size=(2, 3, 12, 12))]),
        "MLP 16-32-4, batch 32": (mlp, [rng.normal(size=(32, 16))]),
        "custom function, 1,000": (swish(), [rng.normal(size=1_000)]),
    }


def elementwise(x: Any) -> Any:
    """A smooth function of each element."""
    import torch

    return torch.sin(x) * torch.exp(-x * x)


def swish() -> Callable[..., Any]:
    """A custom autograd function, as most of them are written."""
    import torch

    class Swish(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * torch.sigmoid(x)

        @staticmethod
        def backward(ctx: Any, cotangent: Any) -> Any:
            (x,) = ctx.saved_tensors
            s = torch.sigmoid(x)
            return cotangent * (s + x * s * (1 - s))

    return lambda x: Swish.apply(x)  # as it is when it is called: without its backward where only values are asked for


def parameters(function: Any) -> dict[str, Any]:
    """The parameters of a module as arrays."""
    named = getattr(function, "named_parameters", dict)
    return {name: parameter.detach().numpy() for name, parameter in dict(named()).items()}


def called_with_all(function: Callable[..., Any], inputs: list[Any]) -> Callable[..., Any]:
    """The function of its inputs and, after them, its parameters."""
    import torch

    held = parameters(function)

    def called(*tensors: Any) -> Any:
        if not held:
            return function(*tensors)
        given = dict(zip(held, tensors[len(inputs) :], strict=True))
        return torch.func.functional_call(function, given, tensors[: len(inputs)])

    return called


def evaluations(function: Callable[..., Any], inputs: list[Any]) -> Callable[[], object]:
    """Two evaluations of the function for each of its elements."""
    import torch

    tensors = [torch.from_numpy(array) for array in [*inputs, *parameters(function).values()]]
    rows = [tensor.expand(AT_ONCE, *tensor.shape).contiguous() for tensor in tensors]
    mapped = torch.func.vmap(called_with_all(function, inputs))
    calls = -(-2 * sum(tensor.numel() for tensor in tensors) // AT_ONCE)

    def evaluate() -> None:
        with torch.no_grad(), forwards_alone():
            for _ in range(calls):
                mapped(*rows)

    return evaluate


def rival(function: Callable[..., Any], inputs: list[Any]) -> Callable[[], object]:
    """gradcheck of a function by its inputs and parameters."""
    import torch

    arrays = [*inputs, *parameters(function).values()]
    tensors = [torch.from_numpy(array).clone().requires_grad_() for array in arrays]
    return lambda: torch.autograd.gradcheck(called_with_all(function, inputs), tensors)


def own(function: Callable[..., Any], inputs: list[Any]) -> Callable[[], object]:
    """The audit of the same function; it must pass."""
    target = Target("benchmark", engine="torch")
    named = tuple(Input(f"x{i}", Given(None)) for i in range(len(inputs)))
    case = Case("benchmark", "benchmark", target, named, ("vjp",))

    loaded = engines.adapt(target, function, {})

    def audit() -> None:
        verdict = audit_function(case, loaded, Arguments.of(inputs))
        assert verdict.status is Status.PASS, verdict.message

    return audit
