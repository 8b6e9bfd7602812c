"""A table of planted faults × checks: every check passes without a fault, and catches those that it is there for."""

from dataclasses import dataclass

import numpy as np
import pytest
from scipy.sparse.linalg import aslinearoperator

import gradaudit as ga
from gradaudit import checks
from gradaudit.auditor import audit_function
from gradaudit.engines._arguments import Arguments
from gradaudit.engines._differentiable import Differentiable
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.verdict import Status
from gradaudit.plan.case import Case, Given, Input, Settings, Target
from gradaudit.plan.checks import claims_for
from gradaudit.suite.schema import CLAIMS
from gradaudit.suite.shelves import declared

X = np.array([0.3, -1.1, 0.8, 2.0, -0.6])


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
    "value: other": (("primal",), lambda value, _: value + 1e-3),
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


@pytest.mark.parametrize("check", checks.names())
def test_a_suite_knows_for_every_check_which_claims_it_works_on(check):
    assert declared("checks", check, "claims") == checks.part(check).claims
    assert {kind for kinds in claims_for(check) for kind in kinds} <= set(CLAIMS)


def two_outputs(a, b):
    return np.outer(a, b), (a**2).sum()


def two_outputs_vjp(a, b, cotangents):
    outer, square = cotangents
    return outer @ b + 2 * square * a, a @ outer


def two_outputs_jvp(a, b, of_a, of_b):
    return np.outer(of_a, b) + np.outer(a, of_b), 2 * (a * of_a).sum()


def two_outputs_vjps(a, b, cotangents):
    many = [two_outputs_vjp(a[k], b[k], tuple(part[k] for part in cotangents)) for k in range(len(a))]
    return tuple(np.stack(parts) for parts in zip(*many, strict=True))


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
@pytest.mark.parametrize("check", ["adjoint", "linearity", "repeat", "primal", "batch"])
def test_rounding_in_any_precision_breaks_no_identity_of_several_inputs_and_outputs(check, dtype):
    rng = np.random.default_rng(2)
    arguments = Arguments.of([rng.normal(size=size).astype(dtype) for size in (4, 3)])
    claims = {"vjp": two_outputs_vjp, "jvp": two_outputs_jvp}
    differentiable = Differentiable(
        "python", two_outputs, claims, primal=two_outputs, batched={"vjp": two_outputs_vjps}
    )
    inputs = tuple(Input(name, Given(None)) for name in "ab")
    verdict = audit_function(Case("c", "c", Target("c"), inputs, (check,)), differentiable, arguments)
    assert (verdict.status, verdict.message) == (Status.PASS, "")


@pytest.mark.parametrize(
    ("check", "without", "said"),
    [
        ("adjoint", ["jvp"], "it needs jvp; there is gradient, hessian, hvp, jacobian, value_and_gradient, vjp"),
        ("linearity", ["vjp"], "it needs vjp; there is "),
        ("primal", ["primal", "value_and_gradient"], "it needs value_and_gradient; there is "),
        ("batch", ["batched"], "engine 'python' offers no batched derivative of this function"),
        (
            "taylor",
            ["jacobian", "vjp", "gradient", "value_and_gradient"],
            "it needs one of jacobian, vjp, gradient, value_and_gradient; there is hessian, hvp, jvp",
        ),
    ],
)
def test_a_check_for_which_there_is_nothing_to_check_says_what_it_needs(check, without, said):
    verdict = audited(check, without=without)
    assert verdict.status is Status.INCONCLUSIVE
    assert f"check {check} is left out: {said}" in verdict.message


def test_a_check_that_cannot_be_made_leaves_the_others_alone():
    verdict = ga.audit(waves, X, gradient=gradient, checks=["gradient", "batch"])
    assert verdict.status is Status.PASS
    assert any("check batch is left out" in note for note in verdict.notes)


def test_an_identity_names_no_bound_worse_than_its_rounding_and_costs_no_evaluation():
    verdict = audited("adjoint")
    assert verdict.measures.bound < 1.1e-5
    assert verdict.measures.evaluations == 3
    assert verdict.counts.checked == verdict.counts.passed == 4


def test_a_derivative_that_is_zero_is_the_same_both_ways():
    zeros = {"vjp": lambda x, u: np.zeros_like(x), "jvp": lambda x, v: np.float64(0.0)}
    verdict = ga.audit(lambda x: 3.0 + 0.0 * x.sum(), X, **zeros)
    assert verdict.status is Status.PASS


def test_forward_and_reverse_mode_are_compared_unasked_and_so_are_values():
    both = ga.audit(waves, X, vjp=lambda x, u: u * gradient(x), jvp=lambda x, v: 1.01 * gradient(x) @ v)
    assert both.diagnosis is Diagnosis.CONSTANT_FACTOR  # the first thing that is wrong is told, and that is the jvp
    assert {element.check for element in both.elements if element.status is Status.FAIL} >= {"jvp", "adjoint"}
    pair = ga.audit(waves, X, value_and_gradient=lambda x: (waves(x), gradient(x)))
    assert {element.check for element in pair.elements} == {"gradient", "primal"}


def both_modes(factor):
    return {"vjp": lambda x, u: factor * u * gradient(x), "jvp": lambda x, v: factor * gradient(x) @ v}


def test_modes_that_agree_tell_a_wrong_claim_from_a_noisy_function():
    wrong = ga.audit(waves, X, **both_modes(2.0))
    assert wrong.status is Status.FAIL
    assert any("both are wrong alike" in note for note in wrong.notes)
    # the same value for the same x, and a relative noise of 1e-3 between any two
    noise = lambda x: 1e-3 * np.random.default_rng(list(x.tobytes())).normal()  # noqa: E731
    noisy = ga.audit(lambda x: waves(x) + noise(x), X, **both_modes(1.0), checks=["vjp", "adjoint"])
    assert noisy.status is Status.INCONCLUSIVE
    assert any("it is the differences of f that cannot decide" in note for note in noisy.notes)
    assert not any("forward" in note for note in ga.audit(waves, X, **both_modes(1.0)).notes)


BAND = np.linspace(0.5, 2.0, 64)


def band(x):
    """Each output meets its neighbours: a structure that checks of matrices find."""
    out = x**2
    out[1:] += x[:-1]
    out[:-1] += np.sin(x[1:])
    return out


def band_jacobian(x):
    return np.diag(2 * x) + np.diag(np.ones(x.size - 1), -1) + np.diag(np.cos(x[1:]), 1)


def test_a_jacobian_with_a_structure_is_asked_twice_entry_by_entry_and_what_that_costs_is_counted():
    calls = []

    def f(x):
        calls.append(1)
        return band(x)

    verdict = ga.audit(f, BAND, jacobian=band_jacobian, checks=["repeat"])
    assert verdict.status is Status.PASS
    assert verdict.counts.checked == 64 * 64
    assert verdict.measures.evaluations == len(calls)


def test_a_claim_that_gives_another_entry_the_second_time_is_named_by_its_output_and_input():
    asked = []

    def jacobian(x):
        asked.append(1)
        return band_jacobian(x) * np.where(np.arange(x.size) == 50, 1 + 1e-9 * len(asked), 1.0)

    verdict = ga.audit(band, BAND, jacobian=jacobian, checks=["repeat"])
    assert (verdict.status, verdict.diagnosis) == (Status.FAIL, Diagnosis.NONDETERMINISTIC)
    bad = {(e.output, e.input) for e in verdict.elements if e.status is Status.FAIL}
    assert bad == {("out[49]", "x[50]"), ("out[50]", "x[50]"), ("out[51]", "x[50]")}


def test_a_claim_that_fills_other_entries_the_second_time_is_not_deterministic():
    places = iter(range(20, 64))

    def jacobian(x):
        claimed = band_jacobian(x)
        claimed[0, next(places)] = 1.0
        return claimed

    verdict = ga.audit(band, BAND, jacobian=jacobian, checks=["repeat"])
    assert (verdict.status, verdict.diagnosis) == (Status.FAIL, Diagnosis.NONDETERMINISTIC)
    assert "other entries" in verdict.message


@pytest.mark.parametrize("known_by", [np.asarray, aslinearoperator])
@pytest.mark.parametrize(("factor", "status"), [(1.0, Status.PASS), (1.001, Status.FAIL)])
def test_a_jacobian_with_a_structure_or_known_by_its_products_passes_and_fails_the_slope_test(known_by, factor, status):
    calls = []

    def f(x):
        calls.append(1)
        return band(x)

    verdict = ga.audit(f, BAND, jacobian=lambda x: known_by(factor * band_jacobian(x)), checks=["taylor"])
    assert verdict.status is status
    if status is Status.PASS:  # a failure is asked for again, which may look for the structure anew
        assert verdict.measures.evaluations == len(calls)


def test_what_is_infinite_one_way_only_breaks_an_identity():
    def clipped(x, cotangent):
        pulled = np.cos(x) * cotangent
        return np.where(np.abs(pulled) > 100, np.inf, pulled)

    verdict = ga.audit(np.sin, np.array([0.3, 1.2]), vjp=clipped, checks=["linearity"])
    assert (verdict.status, verdict.diagnosis) == (Status.FAIL, Diagnosis.NOT_LINEAR)
    assert "nan" not in verdict.message
    other = ga.audit(
        lambda x: np.append(x, np.inf),
        np.ones(1),
        value_and_gradient=lambda x: (np.append(x, 2.0), np.ones(1)),
        checks=["primal"],
    )
    assert (other.status, other.diagnosis) == (Status.FAIL, Diagnosis.OTHER_VALUE)
    assert "nan" not in other.message


@pytest.mark.parametrize("seed", range(6))
def test_no_output_drowns_in_the_rounding_of_others_for_having_hardly_any_weight(seed):
    x = np.random.default_rng(seed).uniform(0.2, 1.0, 40).astype(np.float16)

    def vjp(x, cotangent):
        return (cotangent / np.cosh(x.astype(float)) ** 2).astype(x.dtype)

    assert ga.audit(np.tanh, x, vjp=vjp, seed=seed).status is Status.PASS
