"""Every known fault in every op, seen by every check: caught above the bound of the pass, at the right element.

Each op brings its vjp, from which all other claims are made; the point is that of its smallest case in the main suite.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import pytest

from gradaudit import ops
from gradaudit.auditor import audit_function
from gradaudit.engines._arguments import Arguments
from gradaudit.engines._differentiable import Differentiable
from gradaudit.judge.verdict import Catch, Planted, Status, Verdict
from gradaudit.plan import make_plan
from gradaudit.plan.case import Case, Drawn, Settings
from gradaudit.plan.draw import draw_inputs
from gradaudit.power.faults import FAULTS
from gradaudit.suite import load_suite

SUITE = Path(__file__).parents[1] / "configs" / "suite.yaml"
OPS = sorted(name for name in ops.__all__ if not name.endswith("_vjp"))
#: Each check with the claims that it is given.
CHECKS = {
    "vjp": ("vjp",),
    "jvp": ("jvp",),
    "jacobian": ("jacobian",),
    "gradient": ("gradient",),
    "hvp": ("gradient", "hvp"),
    "taylor": ("vjp",),
    "adjoint": ("vjp", "jvp"),
    "linearity": ("vjp",),
    "repeat": ("vjp", "jvp", "jacobian"),
}
IDENTITIES = ("adjoint", "linearity", "repeat")
#: Enough elements for two to be swapped.
LEAST = 3
#: Shapes for ops whose points there are large.
SMALLER = {
    "avg_pool2d": {"x": (1, 1, 3, 3)},
    "max_pool2d": {"x": (1, 1, 3, 3)},
    "dropout": {"x": (2, 2), "mask": (2, 2)},
    "squeeze": {"x": (2, 1, 2)},
    "unsqueeze": {"x": (2, 2)},
    "split": {"x": (4, 1)},
    "embedding": {"weight": (1, 3), "indices": (2,)},
    "get_item": {"x": (1, 3), "indices": (2,)},
    "conv2d": {"x": (1, 1, 3, 3), "weight": (1, 1, 2, 2), "bias": (1,)},
    "lstm_cell": {"x": (1, 1), "h": (1, 1), "c": (1, 1), "w_x": (4, 1), "w_h": (4, 1), "b": (4,)},
    "rnn_cell": {"x": (1, 1), "h": (1, 2), "w_x": (2, 1), "w_h": (2, 2), "b": (2,)},
}
#: Above the bound of every pass: it is at most 1e-3 here.
GROSS = tuple(name for name in FAULTS if name != "0.1 % too large")


@dataclass(frozen=True)
class OpAtPoint:
    """An op with its options at one point, and its derivatives in every form that a check takes."""

    case: Case

    @cached_property
    def arguments(self) -> Arguments:
        differentiated = [k for k, input_ in enumerate(self.case.inputs) if input_.differentiate]
        names = [input_.name for input_ in self.case.inputs]
        return Arguments.of(draw_inputs(self.case), names=names, differentiated=differentiated)

    @cached_property
    def weight(self) -> np.ndarray:
        """Of each output in what needs a scalar function: the plain sum of a softmax has no slope."""
        return np.random.default_rng(5).uniform(0.5, 1.5, np.shape(self.value(*self.arguments.inputs)))

    def value(self, *inputs):
        return self._op("")(*inputs, **dict(self.case.target.kwargs))

    def vjp(self, *inputs_and_cotangent):
        return self._op("_vjp")(*inputs_and_cotangent, **dict(self.case.target.kwargs))

    def jvp(self, *inputs_and_tangents):
        count = len(self.arguments.inputs)
        inputs, tangents = inputs_and_tangents[:count], inputs_and_tangents[count:]
        return (self._matrix(inputs) @ self.arguments.flatten(tangents)).reshape(self.weight.shape)

    def jacobian(self, *inputs):
        blocks = np.split(self._matrix(inputs), self.arguments.offsets[1:-1], axis=1)
        shapes = (self.weight.shape + array.shape for array in self.arguments.arrays)
        jacobian = tuple(block.reshape(shape) for block, shape in zip(blocks, shapes, strict=True))
        return jacobian if len(jacobian) > 1 else jacobian[0]

    def scalar(self, *inputs):
        """A weighted sum of cubes, so that linear ops and square roots have second derivatives too."""
        return float((self.weight * self.value(*inputs) ** 3).sum() / 3)

    def gradient(self, *inputs):
        return self.vjp(*inputs, self.weight * self.value(*inputs) ** 2)

    def hvp(self, *inputs_and_vectors):
        """Differences of the gradient, of sixth order: as good as exact, and unlike those of the audit."""
        x = self.arguments.x
        v = self.arguments.flatten(inputs_and_vectors[len(self.arguments.inputs) :])
        size = 1e-5 / np.abs(v).max()
        slopes = np.array(
            [self._flat(self.gradient(*self.arguments.at(x + k * size * v))) for k in (-3, -2, -1, 1, 2, 3)]
        )
        slope = np.array([-1, 9, -45, 45, -9, 1]) @ slopes / (60 * size)
        rounding = 1e-15 * np.abs(slopes).max(axis=0) / size
        return self.arguments.shaped(np.where(np.abs(slope) <= rounding, 0.0, slope))

    def _op(self, ending: str) -> Callable:
        return getattr(ops, self.case.name.partition("/")[0] + ending)

    def _matrix(self, inputs):
        size = self.weight.size
        units = np.eye(size).reshape(size, *self.weight.shape)
        return np.array([self._flat(self.vjp(*inputs, unit)) for unit in units])

    def _flat(self, gradients):
        return self.arguments.flatten(gradients if isinstance(gradients, tuple) else (gradients,))


@cache
def at_points() -> dict[str, OpAtPoint]:
    """Each op at the smallest of its points in the main suite that has enough elements."""
    found: dict[str, OpAtPoint] = {}
    for case in make_plan(load_suite([str(SUITE)])):
        module, _, name = case.target.function.partition(":")
        usual = case.settings.method == "auto" and case.settings.kinks == "undecided" and "float32" not in case.id
        if module == "gradaudit.ops" and usual:
            op = OpAtPoint(replace(smaller(case, SMALLER.get(name, {})), name=name, settings=Settings()))
            if op.arguments.size >= LEAST and (name not in found or op.arguments.size < found[name].arguments.size):
                found[name] = op
    return found


def smaller(case: Case, shapes: dict[str, tuple[int, ...]]) -> Case:
    def shrunk(input_):
        source = input_.source
        if not isinstance(source, Drawn):
            return source
        return replace(source, shape=shapes.get(input_.name, (4,) if source.shape == (8,) else source.shape))

    inputs = [replace(input_, source=shrunk(input_)) for input_ in case.inputs]
    return replace(case, inputs=tuple(inputs))


def audited(name: str, check: str, *, spoil: Callable | None = None) -> Verdict:
    """The verdict of one check on one op; ``spoil`` changes what its vjp gives."""
    op = at_points()[name]
    claims = {kind: getattr(op, kind) for kind in CHECKS[check]}
    if spoil:
        claims["vjp"] = lambda *inputs: spoil(op.vjp(*inputs))
    differentiable = Differentiable("python", op.scalar if "gradient" in claims else op.value, claims)
    return audit_function(replace(op.case, checks=(check,)), differentiable, op.arguments, power=not spoil)


def complaint(verdict: Verdict, planted: Planted) -> str | None:
    if planted.contradicts_bound:
        return "missed, above the bound of the pass"
    if planted.outcome is Catch.UNDECIDED or (planted.fault in GROSS and planted.outcome is Catch.MISSED):
        return planted.outcome
    if planted.outcome is Catch.CAUGHT and not planted.located:
        return "caught at an element that is right"
    return None


def test_every_op_has_a_point_with_enough_elements():
    assert sorted(at_points()) == OPS


def doubled(gradients):
    return tuple(2 * g for g in gradients) if isinstance(gradients, tuple) else 2 * gradients


def guarded(gradients):
    """Kept away from zero, on the way back."""
    parts = gradients if isinstance(gradients, tuple) else (gradients,)
    return tuple(part + 1e-6 * np.sign(part) for part in parts)


@pytest.mark.parametrize("check", IDENTITIES)
def test_no_right_op_breaks_an_identity(check: str):
    assert {name: v.message for name in OPS if (v := audited(name, check)).status is not Status.PASS} == {}


@pytest.mark.parametrize(("check", "spoil"), [("adjoint", doubled), ("linearity", guarded)])
def test_every_op_with_a_wrong_vjp_breaks_the_identity_that_it_stands_in(check: str, spoil: Callable):
    passed = {name for name in OPS if audited(name, check, spoil=spoil).status is not Status.FAIL}
    assert passed == set()


@pytest.mark.parametrize("check", [check for check in CHECKS if check not in IDENTITIES])
def test_every_fault_above_the_bound_is_caught_at_its_place_in_every_op_and_no_right_claim_fails(check: str):
    verdicts = {name: audited(name, check) for name in OPS}
    refused = {name: f"{v.status}: {v.message}" for name, v in verdicts.items() if v.status is not Status.PASS}
    assert refused == {}
    wrong = {
        (name, planted.fault): (said, planted.element, planted.error_over_bound)
        for name, verdict in verdicts.items()
        for planted in verdict.power
        if (said := complaint(verdict, planted))
    }
    assert wrong == {}
    caught = sum(planted.outcome is Catch.CAUGHT for verdict in verdicts.values() for planted in verdict.power)
    assert caught > 0.9 * len(OPS) * len(FAULTS)
