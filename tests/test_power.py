"""The self-test of power: which known faults of a claim its audit would have caught."""

from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from stand_in import AUDIT, a_case

import gradaudit as ga
from gradaudit import backends
from gradaudit.isolation.keeper import Keeper, Task
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.verdict import Catch, Planted, Status
from gradaudit.plan import Selection, make_plan
from gradaudit.power import self_test
from gradaudit.power.faults import FAULTS
from gradaudit.suite import load_suite

SUITE = Path(__file__).parents[1] / "configs" / "suite.yaml"
X = np.linspace(0.3, 1.7, 6)


def waves(x):
    return float(np.sin(3 * x).sum())


def waves_gradient(x):
    return 3 * np.cos(3 * x)


audit = partial(ga.audit, waves, X, gradient=waves_gradient)


def outcomes(verdict):
    assert verdict.status is Status.PASS, verdict.message
    return {planted.fault: planted.outcome for planted in verdict.power}


def test_every_fault_in_a_smooth_claim_is_caught_and_called_by_its_name():
    verdict = audit(power=True)
    assert outcomes(verdict) == dict.fromkeys(FAULTS, Catch.CAUGHT)
    said = {planted.fault: planted.diagnosis for planted in verdict.power}
    assert said["wrong sign"] is Diagnosis.WRONG_SIGN
    assert said["all zero"] is Diagnosis.ZERO
    assert said["1 % too large"] is Diagnosis.CONSTANT_FACTOR
    assert said["one element 1 % too large"] is Diagnosis.ONE_ELEMENT
    assert said["two elements swapped"] is Diagnosis.SWAPPED
    assert all(planted.located for planted in verdict.power)


def test_a_fault_that_is_blamed_on_another_element_is_not_located(monkeypatch):
    elsewhere = ga.audit(waves, X, gradient=lambda x: waves_gradient(x) * [1, 1, 1, 1, 1, 2])
    monkeypatch.setattr(self_test, "judge", lambda check, evidences: elsewhere)
    one = [planted for planted in audit(power=True).power if planted.fault.startswith("one element")]
    assert [planted.located for planted in one] == [planted.element == "d out/d x[5]" for planted in one]


def test_the_self_test_changes_nothing_else_about_a_verdict():
    assert repr(replace(audit(power=True), power=())) == repr(audit())


def test_the_faults_share_the_evaluations_of_f():
    calls = Counter()

    def counted(x):
        calls[x.tobytes()] += 1
        return waves(x)

    verdict = ga.audit(counted, X, gradient=waves_gradient, power=True)
    asked_for = sum(planted.evaluations for planted in verdict.power)
    assert calls.total() - verdict.measures.evaluations < asked_for / 3


def test_it_plants_the_same_faults_in_the_same_places_every_time():
    assert repr(audit(power=True).power) == repr(audit(power=True).power)


def test_nothing_is_planted_into_a_claim_that_does_not_pass():
    verdict = ga.audit(waves, X, gradient=lambda x: -waves_gradient(x), power=True)
    assert (verdict.status, verdict.power) == (Status.FAIL, ())


def test_nothing_is_planted_unless_it_is_asked_for():
    assert audit().power == ()


def test_no_fault_applies_to_a_claim_that_is_zero():
    flat = ga.audit(lambda x: 3.0 + 0 * float(x.sum()), X, gradient=np.zeros_like, power=True)
    assert set(outcomes(flat).values()) == {Catch.NOT_APPLICABLE}


def test_no_fault_applies_to_a_claim_that_is_zero_but_for_rounding():
    crest = np.array([np.pi / 2])
    verdict = ga.audit(lambda x: float(np.sin(x[0])), crest, gradient=np.cos, power=True)
    assert set(outcomes(verdict).values()) == {Catch.NOT_APPLICABLE}


def test_swapping_elements_that_are_equal_is_no_fault():
    found = outcomes(ga.audit(lambda x: float(x.sum()), X, gradient=np.ones_like, power=True))
    assert found.pop("two elements swapped") is Catch.NOT_APPLICABLE
    assert set(found.values()) == {Catch.CAUGHT}


def test_a_fault_that_the_suite_accepts_is_not_applicable():
    found = outcomes(audit(settings=ga.Settings(tolerance=ga.Tolerance(rtol=0.005, resolution=0.1)), power=True))
    assert found["0.1 % too large"] is Catch.NOT_APPLICABLE
    assert found["1 % too large"] is Catch.CAUGHT


def test_a_fault_below_the_bound_of_a_float32_pass_is_missed_and_contradicts_nothing():
    x = X.astype(np.float32)
    settings = ga.Settings(tolerance=ga.Tolerance(rtol=9.9e-4, resolution=1e-2))
    verdict = ga.audit(np.exp, x, vjp=lambda x, u: u * np.exp(x), settings=settings, power=True)
    (missed,) = [planted for planted in verdict.power if planted.fault == "0.1 % too large"]
    assert missed.outcome is Catch.MISSED
    assert 0 < missed.error_over_bound < 1
    assert not missed.contradicts_bound
    assert not any("inconsistency" in note for note in verdict.notes)


def test_a_fault_where_nobody_looked_is_missed_and_contradicts_nothing():
    x = np.linspace(0.1, 1.9, 400)
    verdict = ga.audit(waves, x, gradient=waves_gradient, settings=ga.Settings(elements=2), power=True)
    found = outcomes(verdict)
    assert found["one element zero"] is Catch.MISSED
    assert found["all zero"] is Catch.CAUGHT
    assert not any(planted.contradicts_bound for planted in verdict.power)


def spiral(x):
    return np.stack([x[0] * np.cos(x[1]), x[0] * np.sin(x[1]), x[2] ** 3])


def spiral_jacobian(x):
    c, s = np.cos(x[1]), np.sin(x[1])
    return np.array([[c, -x[0] * s, 0], [s, x[0] * c, 0], [0, 0, 3 * x[2] ** 2]])


POINT = np.array([1.3, 0.7, -0.9])
CLAIMS = {
    "jacobian": {"jacobian": spiral_jacobian},
    "vjp": {"vjp": lambda x, u: spiral_jacobian(x).T @ u},
    "jvp": {"jvp": lambda x, v: spiral_jacobian(x) @ v},
}


@pytest.mark.parametrize("check", CLAIMS)
def test_faults_in_every_kind_of_claim_are_caught(check):
    verdict = ga.audit(spiral, POINT, **CLAIMS[check], power=True)
    assert outcomes(verdict) == dict.fromkeys(FAULTS, Catch.CAUGHT)
    assert {planted.check for planted in verdict.power} == {check}


def quartic(x):
    return float((x**4).sum() + x[0] * x[1])


def quartic_gradient(x):
    return 4 * x**3 + np.array([x[1], x[0]])


def quartic_hessian(x):
    return np.diag(12 * x**2) + np.array([[0, 1], [1, 0]])


def test_faults_in_each_claim_of_a_function_are_planted_apart():
    claims = {"gradient": quartic_gradient, "hessian": quartic_hessian}
    verdict = ga.audit(quartic, np.array([0.8, -1.1]), **claims, power=True)
    assert Counter(planted.check for planted in verdict.power) == {"gradient": len(FAULTS), "hessian": len(FAULTS)}
    assert set(outcomes(verdict).values()) == {Catch.CAUGHT}


def test_a_gradient_of_another_form_where_only_a_wrong_hessian_looks_leaves_its_faults_undecided():
    x = np.array([0.8, -1.1])

    def gradient(at):
        return quartic_gradient(at) if np.abs(at - x).max() < 0.001 else np.zeros(3)

    settings = ga.Settings(h=(1e-4, 1e-5))
    verdict = ga.audit(quartic, x, gradient=gradient, hessian=quartic_hessian, settings=settings, power=True)
    of_hessian = {planted.outcome for planted in verdict.power if planted.check == "hessian"}
    assert verdict.status is Status.PASS
    assert of_hessian == {Catch.UNDECIDED}


def test_a_judge_that_passes_what_its_own_bound_excludes_is_said_to_contradict_itself(monkeypatch):
    lenient = audit()
    monkeypatch.setattr(self_test, "judge", lambda check, evidences: replace(lenient, id=check))
    verdict = audit(power=True)
    assert verdict.status is Status.PASS
    assert all(planted.contradicts_bound for planted in verdict.power)
    assert len(verdict.notes) == len(FAULTS)
    assert verdict.notes[0].startswith("internal inconsistency: with the planted fault 'all zero' the check gradient")
    assert verdict.notes[0].endswith("please report this case")


@pytest.mark.parametrize("ratio", [0.5, 1.0, float("nan")])
def test_only_an_error_above_the_bound_contradicts_it(ratio):
    assert not Planted("vjp", "all zero", Catch.MISSED, ratio).contradicts_bound
    assert not Planted("vjp", "all zero", Catch.UNDECIDED, 9.0).contradicts_bound
    assert Planted("vjp", "all zero", Catch.MISSED, 1.5).contradicts_bound


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_changes_a_claim_of_unequal_elements_and_keeps_its_shape(name):
    claim = np.arange(1.0, 13.0).reshape(6, 2)
    wrong = FAULTS[name](claim.copy(), np.random.default_rng(3))
    changed = int((wrong != claim).any(axis=1).sum())
    assert wrong.shape == claim.shape
    assert changed == (1 if name.startswith("one") else 2 if name.startswith("two") else len(claim))


@pytest.mark.parametrize("name", FAULTS)
def test_no_fault_minds_a_claim_of_one_zero(name):
    assert not FAULTS[name](np.zeros((1, 1)), np.random.default_rng(0)).any()


def test_a_case_whose_self_test_runs_past_the_limit_keeps_its_verdict_and_says_so():
    with Keeper() as keeper:
        task = Task(0, a_case("process"), limit=1.0, audit="stand_in:audit_with_power", fallback=AUDIT)
        verdict = keeper.audit(task)
    assert (verdict.status, verdict.power) == (Status.PASS, ())
    assert verdict.notes[0].startswith("audited without the self-test of power; with it: ran past its limit of 1 s")


def test_a_case_that_hangs_by_itself_is_late_with_the_self_test_too():
    with Keeper() as keeper:
        task = Task(0, a_case("hangs"), limit=0.5, audit="stand_in:audit_with_power", fallback=AUDIT)
        verdict = keeper.audit(task)
    assert (verdict.status, verdict.notes) == (Status.TIMEOUT, ())


def test_no_pass_of_the_quick_part_of_the_suite_claims_a_bound_that_a_fault_contradicts():
    cases = make_plan(load_suite([str(SUITE)]), select=Selection(tags=("fast",)))
    assert len(cases) >= 20
    verdicts = [verdict for _, verdict in backends.run(cases, jobs=2, timeout=60.0, power=True)]
    assert {verdict.status for verdict in verdicts} == {Status.PASS}
    contradictions = [
        (verdict.id, planted) for verdict in verdicts for planted in verdict.power if planted.contradicts_bound
    ]
    assert contradictions == []
    gross = ("all zero", "wrong sign", "twice as large")
    ended = {planted.outcome for verdict in verdicts for planted in verdict.power if planted.fault in gross}
    assert ended <= {Catch.CAUGHT, Catch.NOT_APPLICABLE}
