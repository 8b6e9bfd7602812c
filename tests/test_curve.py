"""The reader's curve: a pass has fewer points where noise rules, and the same range and order as any other."""

import numpy as np

import gradaudit as ga


def audited(factor):
    return ga.audit(lambda x: float(np.sin(x).sum()), np.array([0.4, 1.1]), gradient=lambda x: factor * np.cos(x))


def steps_along(verdict, name):
    return [point.h for point in verdict.curves if point.input == name]


def test_the_curve_of_a_pass_reaches_as_far_as_that_of_a_failure_with_fewer_points():
    passed, failed = audited(1.0), audited(1.01)
    right = steps_along(passed, passed.elements[0].input)
    wrong = steps_along(failed, failed.elements[0].input)
    assert (right[0], right[-1]) == (wrong[0], wrong[-1])
    assert set(right) < set(wrong)


def test_the_curve_of_a_pass_is_a_v_whose_arms_are_truncation_and_noise():
    curve = audited(1.0).curves
    best = min(range(len(curve)), key=lambda k: curve[k].error)
    truncation = [point.error for point in curve[:best]]
    assert len(truncation) >= 4
    assert truncation == sorted(truncation, reverse=True)
    assert len(curve) - best >= 3
    assert curve[-1].error > 100 * curve[best].error


def test_the_order_of_convergence_is_seen_on_the_curve_of_a_pass():
    assert abs(audited(1.0).measures.slope - 2) < 0.01


def test_the_steps_of_the_user_are_the_curve_of_a_pass():
    steps = (1e-2, 1e-3, 1e-4)
    verdict = ga.audit(
        lambda x: float((x**2).sum()),
        np.array([0.4, 1.1]),
        gradient=lambda x: 2 * x,
        settings=ga.Settings(h=steps),
    )
    assert verdict.status == "pass"
    np.testing.assert_allclose(steps_along(verdict, verdict.elements[0].input), steps, rtol=1e-6)
