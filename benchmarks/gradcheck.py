"""Verdicts and time beside the checks of PyTorch, JAX and autograd, over the same functions at the same points.

The functions are those of ``configs/``: PyTorch's own samples of its operators, every ``STRIDE``-th of them and all
that are known to fail, and the functions of JAX and autograd whose arguments are arrays. Each is asked about reverse
mode and, where the suite does so, forward mode, with its own defaults: what disagrees stands below the table, a line
each.
"""

import importlib
import importlib.util
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks._table import table
from gradaudit import engines
from gradaudit.auditor import audit_function
from gradaudit.engines._arguments import Arguments
from gradaudit.judge.verdict import Status, Verdict
from gradaudit.plan import make_plan
from gradaudit.plan.case import Case
from gradaudit.plan.draw import draw_inputs
from gradaudit.suite import load_suite

CONFIGS = Path(__file__).parent.parent / "configs"
STRIDE = 15
MODES = {"vjp": "rev", "jvp": "fwd"}

Check = Callable[[], bool]


@dataclass(frozen=True)
class Compared:
    """One function, as both see it."""

    case: Case
    verdict: Verdict
    agrees: bool  #: what the rival says
    seconds: tuple[float, float]  #: ours, the rival's

    @property
    def disputed(self) -> bool:
        """Whether one passes what the other does not."""
        return self.agrees != (self.verdict.status is Status.PASS)


def run() -> str:
    """A table for each rival that is installed."""
    return "\n\n".join(_of(name) for name in RIVALS)


def _of(name: str) -> str:
    library, suite, check, stride = RIVALS[name]
    if absent := [module for module in library if importlib.util.find_spec(module) is None]:
        return f"{name}: pip install {' '.join(absent)}"
    compared = [_compare(case, check) for case in cases(suite, stride)]
    lines = [f"- {found.case.id}: {_account(found)}" for found in compared if found.disputed]
    return "\n".join([_matrix(name, compared), "", *(lines or ["No disagreement."]), "", _times(compared)])


def cases(suite: str, stride: int) -> Iterator[Case]:
    """Cases with arrays for arguments, by their first derivatives alone, as nothing was expected of them."""
    for number, case in enumerate(make_plan(load_suite([CONFIGS / f"{suite}.yaml"], environment={}))):
        sys.path += [folder for folder in case.path if folder not in sys.path]
        checks = tuple(check for check in case.checks if check in MODES)
        if checks and not case.target.routes and (number % stride == 0 or case.expect):
            yield replace(case, checks=checks, expect=None)


def _compare(case: Case, check: Callable[[Case, Sequence[Any]], Check]) -> Compared:
    loaded, inputs = engines.load(case.target), draw_inputs(case)
    rival = check(case, inputs)
    began = time.perf_counter()
    verdict = audit_function(case, loaded, _arguments(case, inputs))
    between = time.perf_counter()
    agrees = rival()
    return Compared(case, verdict, agrees, (between - began, time.perf_counter() - between))


def _arguments(case: Case, inputs: Sequence[Any]) -> Arguments:
    differentiated = [i for i, given in enumerate(case.inputs) if given.differentiate]
    return Arguments.of(inputs, names=[given.name for given in case.inputs], differentiated=differentiated)


def _torch(case: Case, _: Sequence[Any]) -> Check:
    """``gradcheck`` of a module by its parameters; batched and undefined gradients, which are no numbers, left out."""
    import torch

    module: Any = engines.resolve(case.target.function)(**dict(case.target.kwargs))  # type: ignore[operator]
    names, tensors = zip(*module.named_parameters(), strict=True)

    def function(*values: Any) -> Any:
        torch.manual_seed(0)  # a random operator is the same function at every point
        return torch.func.functional_call(module, dict(zip(names, values, strict=True)), ())

    forward = "jvp" in case.checks
    return lambda: _holds(
        lambda: torch.autograd.gradcheck(function, tensors, check_forward_ad=forward, check_undefined_grad=False)
    )


def _jax(case: Case, inputs: Sequence[Any]) -> Check:
    """``check_grads`` in 64 bits."""
    import jax
    import jax.test_util

    function, moving = _of_arrays(case, inputs)
    modes = [MODES[check] for check in case.checks]

    def check() -> None:
        with jax.enable_x64(True):
            jax.test_util.check_grads(function, moving, order=1, modes=modes)

    return lambda: _holds(check)


def _autograd(case: Case, inputs: Sequence[Any]) -> Check:
    """``check_grads``; its directions come from NumPy's own generator."""
    from autograd.test_util import check_grads

    function, moving = _of_arrays(case, inputs)
    modes = [MODES[check] for check in case.checks]

    def check() -> None:
        np.random.seed(0)  # noqa: NPY002
        check_grads(function, modes=modes, order=1)(*moving)

    return lambda: _holds(check)


def _of_arrays(case: Case, inputs: Sequence[Any]) -> tuple[Callable[..., Any], list[Any]]:
    """The function of its differentiated arguments, and these."""
    called: Any = engines.resolve(case.target.function)
    arguments = _arguments(case, inputs)

    def function(*moved: Any) -> Any:
        values = dict(enumerate(inputs)) | dict(zip(arguments.differentiated, moved, strict=True))
        return called(*values.values(), *case.target.args, **dict(case.target.kwargs))

    return function, list(arguments.arrays)


def _holds(check: Callable[[], object]) -> bool:
    """An exception is a failure: that is what a user sees."""
    try:
        check()
    except Exception:
        return False
    return True


#: Name → libraries, the suite, how it is asked, and how many cases go by for each that is taken.
RIVALS: dict[str, tuple[Sequence[str], str, Callable[[Case, Sequence[Any]], Check], int]] = {
    "torch.autograd.gradcheck": (("torch", "expecttest"), "torch_opinfo", _torch, STRIDE),
    "jax.test_util.check_grads": (("jax",), "jax_nn", _jax, 1),
    "autograd.test_util.check_grads": (("autograd",), "autograd", _autograd, 1),
}


def _matrix(name: str, compared: Sequence[Compared]) -> str:
    """How often each verdict of ours met each answer of the rival."""
    found = [(str(one.verdict.status), one.agrees) for one in compared]
    rows = [
        (status, str(found.count((status, True))), str(found.count((status, False))))
        for status in ("pass", "fail", "inconclusive", "error")
    ]
    return table(f"{len(compared)} functions beside {name}", ("gradaudit", "it passes", "it fails"), rows)


def _account(found: Compared) -> str:
    said = "passes" if found.agrees else "fails"
    return f"it {said}; gradaudit: {found.verdict.status}, {found.verdict.message or 'every element agrees'}"


def _times(compared: Sequence[Compared]) -> str:
    ours, theirs = (sum(times) for times in zip(*(one.seconds for one in compared), strict=True))
    ratio = median(one.seconds[0] / one.seconds[1] for one in compared)
    return f"All of them: gradaudit {ours:.1f} s, it {theirs:.1f} s; the median of the ratios is {ratio:.2f}."
