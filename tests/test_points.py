"""A case at several drawn points: one verdict, that of the worst, which says where it is and what depends on it."""

import numpy as np
import pytest
from suite_text import load

from gradaudit.auditor import audit_case, audit_case_with_power
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.points import at_all_points
from gradaudit.judge.verdict import Catch, Counts, Element, Measures, Planted, Status, Verdict
from gradaudit.plan import make_plan
from gradaudit.plan.case import Case, Drawn, Given, Input, Target
from gradaudit.plan.draw import draw_inputs, draws, generator

X = Input("x", Drawn((3,)))


def sine(x):
    return np.sin(x).sum()


def wrong_below_zero(x):
    return np.where(x[0] < 0, -1.0, 1.0) * np.cos(x)


def raises_below_zero(x):
    if x[0] < 0:
        raise ValueError("below zero")
    return np.cos(x)


def undefined_below_zero(x):
    return np.nan if x[0] < 0 else np.sin(x).sum()


def a_case(gradient="cosine", *, function="sine", points=5, seed=1, inputs=(X,), checks=("gradient",)) -> Case:
    claims = (("gradient", f"{__name__}:{gradient}"),)
    return Case("c", "c", Target(f"{__name__}:{function}", claims), inputs, checks, seed=seed, points=points)


def cosine(x):
    return np.cos(x)


def signs(case: Case) -> list[bool]:
    """Where x[0] is negative, point by point."""
    return [draw_inputs(at_point)[0][0] < 0 for at_point in draws(case)]


# draws


def test_the_first_point_is_that_of_a_case_without_points():
    first, *others = (draw_inputs(at_point)[0] for at_point in draws(a_case()))
    np.testing.assert_array_equal(first, draw_inputs(a_case(points=1))[0])
    assert len({point.tobytes() for point in (first, *others)}) == 5


def test_more_points_move_none_of_the_others():
    few, many = ([draw_inputs(p)[0].tolist() for p in draws(a_case(points=n))] for n in (2, 6))
    assert many[:2] == few


def test_the_random_numbers_of_a_check_differ_from_point_to_point():
    numbers = {generator(at_point, "check vjp").random() for at_point in draws(a_case())}
    assert len(numbers) == 5


def test_an_input_that_is_given_is_the_same_at_every_point():
    case = a_case(inputs=(X, Input("k", Given(2.0), differentiate=False)), points=2)
    assert [draw_inputs(at_point)[1] for at_point in draws(case)] == [2.0, 2.0]


# verdicts


def test_a_claim_that_is_right_everywhere_passes_once_and_costs_all_points():
    verdict = audit_case(a_case())
    single = audit_case(a_case(points=1))
    assert verdict.status is Status.PASS
    assert verdict.counts.checked == verdict.counts.passed == 15
    assert verdict.measures.evaluations >= 4 * single.measures.evaluations
    assert verdict.measures.bound >= single.measures.bound
    assert not any("depends on the point" in note for note in verdict.notes)
    assert {element.input.partition(" at ")[2] for element in verdict.elements} <= {
        f"point {k} of 5" for k in range(1, 6)
    }


def test_a_claim_that_is_wrong_at_some_points_fails_and_names_one():
    case = a_case("wrong_below_zero")
    wrong = [k + 1 for k, negative in enumerate(signs(case)) if negative]
    assert 0 < len(wrong) < 5
    verdict = audit_case(case)
    assert (verdict.status, verdict.diagnosis) == (Status.FAIL, Diagnosis.WRONG_SIGN)
    assert verdict.message.startswith(tuple(f"at point {k} of 5: d out/d x[" for k in wrong))
    assert f"passes at {5 - len(wrong)} of 5 points, fail at point" in verdict.notes[0]
    assert ", ".join(map(str, wrong)) in verdict.notes[0]
    failing = {e.input.partition(" at ")[2] for e in verdict.elements if e.status is Status.FAIL}
    assert failing == {f"point {k} of 5" for k in wrong}
    assert verdict.curves[0].input == verdict.elements[0].input
    assert {curve.input.partition(" at ")[2] for curve in verdict.curves} <= failing


def test_a_claim_that_is_wrong_at_every_point_does_not_depend_on_it():
    verdict = audit_case(a_case("sine_again", points=2))
    assert verdict.status is Status.FAIL
    assert not any("depends" in note for note in verdict.notes)


def sine_again(x):
    return np.sin(x)


def test_a_claim_that_raises_at_some_points_is_an_error_there():
    case = a_case("raises_below_zero")
    verdict = audit_case(case)
    assert verdict.status is Status.ERROR
    assert f"at point {signs(case).index(True) + 1} of 5: gradient raised ValueError" in verdict.message
    assert "below zero" in verdict.traceback
    assert "depends on the point" in verdict.notes[0]


def test_a_point_that_cannot_be_decided_leaves_the_case_undecided():
    verdict = audit_case(a_case(function="undefined_below_zero"))
    assert verdict.status is Status.INCONCLUSIVE
    assert "inconclusive at point" in verdict.notes[0]


def test_one_point_is_a_verdict_as_ever():
    verdict = audit_case(a_case(points=1))
    assert [element.input for element in verdict.elements if " at " in element.input] == []


def test_power_is_tested_at_every_point_and_told_once():
    single, several = (audit_case_with_power(a_case(points=n)) for n in (1, 2))
    assert single.power
    assert [planted.fault for planted in several.power] == [planted.fault for planted in single.power]
    assert sum(p.evaluations for p in several.power) > sum(p.evaluations for p in single.power)


# joining


def verdict(status=Status.PASS, error=0.5, **more) -> Verdict:
    element = Element("gradient", status, "out", "x", 0.0, 1.0, 1.0, 0.0, 1.0, error, 0.1)
    measures = Measures(error_over_tolerance=error, bound=error / 10, uncertainty=error, evaluations=10)
    return Verdict("c", status, None, "m", measures=measures, counts=Counts(1, 1, 1), elements=(element,), **more)


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ((Status.PASS, Status.INCONCLUSIVE, Status.PASS), Status.INCONCLUSIVE),
        ((Status.INCONCLUSIVE, Status.FAIL, Status.ERROR), Status.FAIL),
        ((Status.PASS, Status.ERROR, Status.INCONCLUSIVE), Status.ERROR),
    ],
)
def test_the_worst_point_decides(statuses, expected):
    joint = at_all_points([verdict(status) for status in statuses])
    assert joint.status is expected
    assert joint.message == f"at point {statuses.index(expected) + 1} of 3: m"


def test_measures_are_the_largest_and_evaluations_the_sum():
    joint = at_all_points([verdict(error=0.1), verdict(error=0.9), verdict(error=float("nan"))])
    assert (joint.measures.error_over_tolerance, joint.measures.bound) == (0.9, 0.09)
    assert (joint.measures.uncertainty, joint.measures.evaluations) == (0.9, 30)
    assert joint.counts == Counts(3, 3, 3)


def test_a_note_of_every_point_is_said_once_and_a_note_of_some_with_its_points():
    joint = at_all_points([verdict(notes=("a", "b")), verdict(notes=("a",)), verdict(notes=("a", "b"))])
    assert joint.notes == ("a", "at points 1, 3: b")


def test_a_fault_that_any_point_catches_is_caught():
    missed, caught = (
        Planted("gradient", "sign", outcome, 2.0, evaluations=4) for outcome in (Catch.MISSED, Catch.CAUGHT)
    )
    joint = at_all_points([verdict(power=(missed,)), verdict(power=(caught,))])
    assert [(planted.outcome, planted.evaluations) for planted in joint.power] == [(Catch.CAUGHT, 8)]


# the suite


def test_points_of_a_suite_make_one_case(tmp_path):
    text = "version: 1\nfunctions:\n  - {function: m:f, gradient: m:g, inputs: {x: {shape: [2]}}, points: 4}\n"
    (case,) = make_plan(load(tmp_path, text))
    assert (case.id, case.points, case.draw) == ("f", 4, 0)
