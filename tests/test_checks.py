"""A table of planted faults × checks: every check passes without a fault, and catches those that it is there for."""

from dataclasses import dataclass

import numpy as np
import pytest

from gradaudit import checks
from gradaudit.auditor import audit_function
from gradaudit.engines._arguments import Arguments
from gradaudit.engines._differentiable import Differentiable
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.verdict import Status
from gradaudit.plan.case import Case, Given, Input, Settings, Target

X = np.array([0.3, -1.1, 0.8, 2.0, -0.6])
DEFAULT = ("gradient", "vjp", "jvp", "jacobian", "hessian", "hvp")


def waves(x):
    """Σ sin x_i·x_{i+1}"""
    return float((np.sin(x[:-1]) * x[1:]).sum())


def gradient(x):
    g = np.zeros_like(x)
    g[:-1] += np.cos(x[:-1]) * x[1:]
    g[1:] += np.sin(x[:-1])
    return g


def hessian(x):
    beside = np.cos(x[:-1])
    return np.diag(np.append(-np.sin(x[:-1]) * x[1:], 0.0)) + np.diag(beside, 1) + np.diag(beside, -1)


@dataclass
class Claims:
    """Every derivative of ``waves``, alone and in batches, with one fault in one of them."""

    fault: str = ""
    calls: int = 0

    def wrong(self, kind, value):
        self.calls += 1
        return FAULTS[self.fault][1](value, self.calls) if self.fault.partition(":")[0] == kind else value

    def gradient(self, x):
        return self.wrong("gradient", gradient(x))

    def value_and_gradient(self, x):
        return self.wrong("value", waves(x)), gradient(x)

    def vjp(self, x, cotangent):
        of_one = FAULTS[self.fault][1] if self.fault.startswith("cotangent") else lambda u, _: u
        return self.wrong("vjp", of_one(float(cotangent), 0) * gradient(x))

    def jvp(self, x, tangent):
        return self.wrong("jvp", gradient(x) @ tangent)

    def jacobian(self, x):
        return self.wrong("jacobian", gradient(x))

    def hessian(self, x):
        return self.wrong("hessian", hessian(x))

    def hvp(self, x, vector):
        return self.wrong("hvp", hessian(x) @ vector)

    def primal(self, x):
        return self.wrong("primal", waves(x))

    def vjps(self, x, cotangents):
        return self.wrong("batched", np.stack([u * gradient(row) for row, u in zip(x, cotangents, strict=True)]))


def one_percent(value, _):
    value = np.array(value)
    value.flat[1 if value.size > 1 else 0] *= 1.01
    return value


#: kind of claim: what is wrong -> the checks that must see it, the fault of (value, number of the call)
FAULTS = {
    "": ((), None),
    "gradient: one percent": (("gradient", "hessian", "hvp"), one_percent),
    "vjp: one percent": (("vjp", "adjoint", "batch"), one_percent),
    "jvp: one percent": (("jvp", "adjoint"), one_percent),
    "jacobian: one percent": (("jacobian", "taylor"), one_percent),
    "hessian: one percent": (("hessian",), one_percent),
    "hvp: one percent": (("hvp",), one_percent),
    "vjp: transposed": (("vjp", "adjoint", "batch"), lambda value, _: value[::-1]),
    "cotangent: clipped": (("linearity",), lambda u, _: np.clip(u, -10.0, 10.0)),
    "cotangent: epsilon": (("linearity",), lambda u, _: u + 1e-6 * np.sign(u)),
    "cotangent: square": (("vjp", "linearity", "adjoint", "batch"), lambda u, _: u * abs(u)),
    "vjp: another answer each time": (("repeat",), lambda value, calls: value * (1 + 1e-13 * calls)),
    "value: other": (("primal",), lambda value, _: value + 1e-9),
    "primal: other": (("primal",), lambda value, _: np.float64(np.float32(value))),
    "batched: first for all": (("batch",), lambda value, _: np.broadcast_to(value[:1], value.shape)),
    "batched: summed": (("batch",), lambda value, _: value.sum(axis=0, keepdims=True).repeat(len(value), axis=0)),
}
DIAGNOSES = {
    "adjoint": Diagnosis.NOT_ADJOINT,
    "linearity": Diagnosis.NOT_LINEAR,
    "repeat": Diagnosis.NONDETERMINISTIC,
    "primal": Diagnosis.OTHER_VALUE,
    "batch": Diagnosis.BATCHED,
}


def audited(check, fault="", *, without=()):
    """The verdict of one check on ``waves`` with one fault in its claims."""
    claims = Claims(fault)
    kinds = ["gradient", "vjp", "jvp", "jacobian", "hessian", "hvp"]
    by_pair = fault.startswith("value")
    given = {kind: getattr(claims, kind) for kind in [*kinds, "value_and_gradient"] if kind not in without}
    differentiable = Differentiable(
        "python",
        waves,
        given,
        primal=None if by_pair or "primal" in without else claims.primal,
        batched={} if "batched" in without else {"vjp": claims.vjps},
    )
    arguments = Arguments.of([X])
    case = Case("waves", "waves", Target("waves"), (Input("x", Given(None)),), (check,), Settings())
    return audit_function(case, differentiable, arguments)


@pytest.mark.parametrize("check", checks.names())
def test_every_check_passes_without_a_fault(check):
    verdict = audited(check)
    assert (verdict.status, verdict.message) == (Status.PASS, "")
    assert {element.check for element in verdict.elements} == {check}
    assert not verdict.notes


@pytest.mark.parametrize("check", checks.names())
def test_every_check_sees_exactly_the_faults_that_it_is_there_for(check):
    caught = [fault for fault in FAULTS if audited(check, fault).status is Status.FAIL]
    assert caught == [fault for fault, (seen_by, _) in FAULTS.items() if check in seen_by]
    assert caught


@pytest.mark.parametrize("check", DIAGNOSES)
def test_a_check_without_differences_says_what_does_not_hold_and_where(check):
    for fault, (seen_by, _) in FAULTS.items():
        if check in seen_by:
            verdict = audited(check, fault)
            assert verdict.diagnosis is DIAGNOSES[check]
            assert "numbers differ" in verdict.evidence
            assert verdict.elements[0].status is Status.FAIL
            assert "analytic" in verdict.message
            assert "allowed" in verdict.message
