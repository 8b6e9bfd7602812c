"""A claim that answers for another input than the one it is given is told from one that is wrong."""

from functools import partial

import numpy as np
import pytest

import gradaudit as ga
from gradaudit.auditor import _at_each_point
from gradaudit.engines._differentiable import Differentiable
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.points import at_all_points
from gradaudit.judge.verdict import Status
from gradaudit.plan.case import Case, Drawn, Input, Target

X = np.array([0.3, -1.1, 0.8, 2.0])


def waves(x):
    return float(np.sin(x).sum())


class Late:
    """The gradient of ``waves`` at the input of the call before."""

    def __init__(self, kept):
        self.kept = kept

    def gradient(self, x):
        kept, self.kept = self.kept, x.copy()
        return np.cos(kept)

    def vjp(self, x, cotangent):
        return cotangent * self.gradient(x)


class First:
    """The gradient of ``waves`` at the first input that ever came."""

    def __init__(self):
        self.kept = None

    def gradient(self, x):
        self.kept = np.cos(x) if self.kept is None else self.kept
        return self.kept


class Layer:
    """Saves its input on the way forward; the way back relies on that, and not on what it is given."""

    def value(self, x):
        self.kept = x.copy()
        return float((x**4).sum())

    def gradient(self, x):
        return 4 * self.kept**3

    def hessian(self, x):
        return np.diag(12 * x**2)


@pytest.mark.parametrize("kind", ["gradient", "vjp"])
def test_a_claim_that_is_one_call_late_is_stale(kind):
    verdict = ga.audit(waves, X, **{kind: getattr(Late(X + 1), kind)})
    assert (verdict.status, verdict.diagnosis) == (Status.FAIL, Diagnosis.STALE)
    assert "asked at x once more, the claim agrees" in verdict.message


def at_points(claim):
    """The verdict on ``waves`` at five points."""
    case = Case("c", "c", Target("waves"), (Input("x", Drawn((3,))),), ("gradient",), points=5)
    differentiable = Differentiable("python", waves, {"gradient": claim})
    return at_all_points(list(_at_each_point(case, differentiable, threads=1, power=False)))


def test_a_claim_that_keeps_its_first_answer_is_stale_at_the_points_after_it():
    verdict = at_points(First().gradient)
    assert (verdict.status, verdict.diagnosis) == (Status.FAIL, Diagnosis.STALE)
    assert verdict.evidence == "the claim is to the last bit the one at point 1, where it passes"


def test_a_claim_that_is_right_only_at_the_first_point_is_not_stale():
    first = []

    def gradient(x):
        first.append(x) if not first else None
        return np.cos(x) * (1 if np.array_equal(x, first[0]) else 2)

    assert at_points(gradient).diagnosis is Diagnosis.CONSTANT_FACTOR


def test_a_gradient_that_answers_for_the_last_input_of_f_is_stale_in_second_order():
    layer = Layer()
    assert ga.audit(layer.value, X, gradient=layer.gradient).status is Status.PASS
    verdict = ga.audit(layer.value, X, gradient=layer.gradient, hessian=layer.hessian)
    assert (verdict.status, verdict.diagnosis) == (Status.FAIL, Diagnosis.STALE)
    assert "it is that of the last input of f" in verdict.evidence


@pytest.mark.parametrize(
    "claim", [lambda x: -np.cos(x), np.zeros_like, np.ones_like, np.sign, lambda x: np.full(4, np.nan)]
)
def test_a_claim_that_is_wrong_every_time_is_not_stale(claim):
    verdict = ga.audit(waves, X, gradient=claim)
    assert verdict.status is Status.FAIL
    assert verdict.diagnosis is not Diagnosis.STALE


def test_what_a_claim_raises_when_it_is_asked_again_shows_nothing():
    asked = []

    def once(x):
        asked.append(x)
        return -np.cos(x) if len(asked) == 1 else 1 / 0

    assert ga.audit(waves, X, gradient=once).diagnosis is Diagnosis.WRONG_SIGN


def test_a_claim_is_asked_again_only_after_a_failure():
    asked = []

    def counted(x, factor):
        asked.append(x)
        return factor * np.cos(x)

    assert ga.audit(waves, X, gradient=partial(counted, factor=1)).status is Status.PASS
    right = len(asked)
    assert ga.audit(waves, X, gradient=partial(counted, factor=2)).status is Status.FAIL
    assert (right, len(asked)) == (1, 3)


def test_the_evaluations_of_second_calls_are_counted():
    layer, calls = Layer(), []

    def counted(x):
        calls.append(x)
        return layer.value(x)

    def gradient(x):
        calls.append(x)
        return layer.gradient(x)

    verdict = ga.audit(counted, X, gradient=gradient, hessian=layer.hessian)
    claimed = 4  # the gradient at x, for both checks, before the differences and once more after the failure
    assert verdict.measures.evaluations == len(calls) - claimed


def test_a_wrong_claim_that_gives_another_answer_each_time_is_nondeterministic():
    rng = np.random.default_rng(3)
    verdict = ga.audit(waves, X, gradient=lambda x: np.cos(x) * rng.uniform(0.9, 1.1, x.shape))
    assert (verdict.status, verdict.diagnosis) == (Status.FAIL, Diagnosis.NONDETERMINISTIC)
    assert "asked at x twice, the claim gives d out/d x[0] = " in verdict.evidence
    assert verdict.evidence.endswith("4 of 4 differ")


@pytest.mark.parametrize("checks", [["jacobian"], ["jacobian", "repeat", "taylor"]])
@pytest.mark.parametrize("factor", [2.0, np.nan])
def test_what_asking_again_takes_is_counted_whichever_check_has_failed(checks, factor):
    calls = []

    def f(x):
        calls.append(1)
        return x**2

    verdict = ga.audit(f, np.linspace(0.5, 2.0, 70), jacobian=lambda x: np.diag(2 * factor * x), checks=checks)
    assert verdict.status is Status.FAIL
    assert verdict.measures.evaluations == len(calls)
