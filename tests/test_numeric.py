"""Numeric derivatives from Python: the value lies within its error bar, whatever the scale or the noise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import rosen, rosen_der

import gradaudit as ga
from gradaudit import engines
from gradaudit.engines._differentiable import Differentiable
from gradaudit.perturb.batching import sizes


@given(seed=st.integers(0, 1000), n=st.integers(2, 8))
def test_the_truth_lies_within_the_bar(seed, n):
    x = np.random.default_rng(seed).normal(size=n)
    found = ga.gradient(rosen, x)
    assert (np.abs(found.value - rosen_der(x)) <= 3 * found.uncertainty + 1e-14 * np.abs(rosen_der(x))).all()


@pytest.mark.parametrize("x", [1e-300, 1e-150, 1e-20, 1e-10, 1e10, 1e160, 1e300])
def test_the_truth_lies_within_the_bar_however_far_x_is_from_one(x):
    found = ga.gradient(lambda x: float(np.log(x)), x)
    assert abs(found.value - 1 / x) <= 3 * found.uncertainty
    assert found.uncertainty <= 1e-6 / x


def test_an_output_that_is_nan_hides_no_noise_of_the_others():
    def noisy(x):
        return float(np.sin(x).sum()) + 1e-7 * np.sin(1e12 * x.sum())

    x = np.array([0.3, -1.1])
    found = ga.jacobian(lambda x: np.array([np.nan, noisy(x)]), x)
    assert (np.abs(found.value[1] - np.cos(x)) <= 3 * found.uncertainty[1]).all()


@given(power=st.integers(-60, 60))
def test_scaling_f_by_a_power_of_two_scales_value_and_bar(power):
    x = np.array([0.3, -1.1])
    one = ga.gradient(lambda x: np.sin(x).sum(), x)
    scaled = ga.gradient(lambda x: 2.0**power * np.sin(x).sum(), x)
    assert scaled.value == pytest.approx(2.0**power * one.value, rel=1e-15)
    assert scaled.uncertainty == pytest.approx(2.0**power * one.uncertainty, rel=1e-9)


def test_one_step_is_the_plain_central_difference_of_two_evaluations_an_element():
    x = np.array([0.3, -1.1])
    found = ga.gradient(lambda x: np.sin(x).sum(), x, h=1e-4)
    above, below = x + 1e-4, x - 1e-4
    assert found.value == pytest.approx((np.sin(above) - np.sin(below)) / (above - below), rel=1e-12)
    assert (np.abs(found.value - np.cos(x)) <= found.uncertainty).all()


def test_a_list_of_steps_is_extrapolated():
    found = ga.gradient(lambda x: np.sin(x).sum(), np.array([0.3]), h=[1e-1, 1e-2, 1e-3])
    assert abs(found.value[0] - np.cos(0.3)) < 1e-10


def test_several_inputs_give_a_tuple_and_numbers_give_arrays_without_axes():
    found = ga.gradient(lambda a, b: float(a @ b), np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    assert found.value[0] == pytest.approx([3.0, 4.0])
    assert found.value[1] == pytest.approx([1.0, 2.0])
    assert ga.gradient(np.sin, 1.0).value.shape == ()


def test_a_jacobian_has_the_shape_of_output_and_input():
    a = np.arange(12.0).reshape(3, 4)
    found = ga.jacobian(lambda x: a @ x, np.ones((4, 2)))
    assert found.value.shape == (3, 2, 4, 2)
    assert found.value[:, 0, :, 0] == pytest.approx(a, abs=1e-9)
    assert found.value[:, 0, :, 1] == pytest.approx(np.zeros((3, 4)), abs=1e-9)


def test_a_directional_derivative_is_the_jacobian_times_the_tangent():
    x, t = np.array([-1.2, 1.0, 0.7]), np.array([1.0, -2.0, 0.5])
    found = ga.directional(rosen, x, t)
    assert abs(found.value - rosen_der(x) @ t) <= 3 * found.uncertainty
    with pytest.raises(ValueError, match="tangents have shapes"):
        ga.directional(rosen, x, t[:2])


def test_at_a_kink_the_bar_spans_both_slopes():
    found = ga.gradient(lambda x: np.abs(x).sum(), np.zeros(1))
    assert found.uncertainty[0] >= 1 - 1e-6


def test_at_the_edge_of_the_domain_the_inner_side_is_used():
    found = ga.gradient(lambda x: float(x[0] ** 2.5) if x[0] >= 0 else float("nan"), np.zeros(1))
    assert abs(found.value[0]) <= 3 * found.uncertainty[0]


def test_compiled_functions_give_the_same_for_any_number_of_threads():
    numba = pytest.importorskip("numba")

    @numba.njit
    def chain(x):
        total = 0.0
        for i in range(x.size - 1):
            total += np.sin(x[i] * x[i + 1])
        return total

    x = np.random.default_rng(0).normal(size=300)
    one, two = ga.gradient(chain, x, threads=1), ga.gradient(chain, x, threads=2)
    assert np.array_equal(one.value, two.value)
    assert np.array_equal(one.uncertainty, two.uncertainty)


@pytest.mark.parametrize("h", [0, -1e-3, "small", [], [1e-3, np.inf]])
def test_a_step_that_is_none_is_refused(h):
    with pytest.raises(ValueError, match=r"h is|could not convert"):
        ga.gradient(rosen, np.ones(2), h=h)


def test_an_array_output_has_no_gradient():
    with pytest.raises(ValueError, match="use jacobian"):
        ga.gradient(np.sin, np.ones(3))


def along_itself(f, x, **more):
    return ga.directional(f, x, x, **more)


@pytest.mark.parametrize("differentiate", [ga.gradient, ga.jacobian, along_itself])
@pytest.mark.parametrize("h", ["auto", 1e-4])
def test_every_call_of_f_is_counted(differentiate, h):
    calls = []

    def f(x):
        calls.append(x)
        return float(np.sin(x).sum())

    assert differentiate(f, np.ones(5), h=h).evaluations == len(calls)


def test_rows_of_a_batched_form_count_too_even_those_at_x(monkeypatch):
    rows = []

    def f(x):
        rows.append(1)
        return np.sin(x).sum()

    def batch(points):
        rows.append(len(points))
        return np.sin(points).sum(axis=1, keepdims=True)

    form = Differentiable("python", f, {}, batch=lambda arguments: batch)
    monkeypatch.setattr(engines, "adapt_primal", lambda function: form)
    found = ga.gradient(f, np.ones(50))
    assert found.value == pytest.approx(np.cos(np.ones(50)))
    trial = sizes(50, 1)[-1] + 2  # whether the form gives what calls give: these tell nothing of the derivative
    assert found.evaluations == sum(rows) - trial


@pytest.mark.parametrize(
    ("f", "x", "message"),
    [
        (lambda x: np.random.default_rng().normal(), np.ones(2), "and then"),
        (lambda x: float("nan"), np.ones(2), "no derivative exists here"),
        (
            lambda x: 1.0,
            np.ones((2, 0)),
            r"^no input that is differentiated has an element: x has shape \(2, 0\); ",
        ),
        (lambda x: float(x.sum()), np.array([1, 2]), "whole numbers are constants: write 1.0, not 1"),
    ],
)
def test_what_has_no_derivative_to_measure_is_a_value_error(f, x, message):
    with pytest.raises(ValueError, match=message):
        ga.gradient(f, x)


def test_a_bad_step_is_refused_before_the_first_evaluation():
    with pytest.raises(ValueError, match="positive finite steps"):
        ga.gradient(lambda x: pytest.fail("f was called"), np.ones(2), h=-1.0)


def test_what_f_raises_reaches_the_caller():
    def broken(x):
        raise RuntimeError("no such luck")

    with pytest.raises(Exception, match="no such luck"):
        ga.gradient(broken, np.ones(2))


def test_assert_gradient_says_what_an_audit_says_and_measures_no_curve_for_nobody():
    calls = []

    def counted(x):
        calls.append(x)
        return rosen(x)

    x = np.array([-1.2, 1.0, 0.7])
    verdict = ga.audit(counted, x, gradient=rosen_der)
    assert verdict.measures.evaluations == len(calls)
    curve = 2 * len(verdict.curves)
    calls.clear()
    ga.assert_gradient(counted, rosen_der, x)
    assert len(calls) == verdict.measures.evaluations - curve
    wrong = lambda x: 1.01 * rosen_der(x)  # noqa: E731
    with pytest.raises(AssertionError) as said:
        ga.assert_gradient(rosen, wrong, x)
    assert str(said.value).endswith(ga.audit(rosen, x, gradient=wrong).message)


def test_assert_gradient_is_silent_on_a_right_claim_and_tells_the_element_of_a_wrong_one():
    x = np.array([-1.2, 1.0, 0.7])
    ga.assert_gradient(rosen, rosen_der, x)
    with pytest.raises(AssertionError, match=r"FAIL rosen  d out/d x\[\d\]: analytic .* numeric .* allowed"):
        ga.assert_gradient(rosen, lambda x: 1.01 * rosen_der(x), x)


def test_a_claim_that_is_no_function_is_called_by_its_name():
    with pytest.raises(ValueError, match="gradient is ndarray, not a function"):
        ga.audit(np.sum, np.ones(2), gradient=np.ones(2))


@pytest.mark.parametrize(("thing", "kind"), [(3, "int"), (np, "module")])
def test_what_is_no_function_is_said_to_be_none_whatever_is_claimed_of_it(thing, kind):
    with pytest.raises(ValueError, match=f"is {kind}, not a function"):
        ga.audit(thing, np.ones(2), gradient=lambda x: x)


def _sum_of_squares(x):
    return float((x * x).sum())


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("form", [list, lambda slopes: [np.array(slopes)], lambda slopes: (np.array(slopes),)])
def test_a_gradient_may_be_a_list_of_numbers_or_one_array_in_a_container(form, n):
    ga.assert_gradient(_sum_of_squares, lambda x: form([2 * value for value in x]), np.arange(1.0, n + 1))


def test_a_matrix_of_one_element_may_be_a_list_of_rows():
    ga.assert_gradient(_sum_of_squares, lambda x: [[2 * x[0, 0]]], np.ones((1, 1)))
    ga.assert_gradient(_sum_of_squares, lambda x: [2 * x], np.ones((1, 1)))


def test_a_verdict_is_no_truth_value_and_prints_as_one_line():
    wrong = ga.audit(_sum_of_squares, np.ones(2), gradient=lambda x: 3 * x)
    with pytest.raises(TypeError, match="no truth value; ask"):
        assert wrong
    assert str(wrong) == f"FAIL _sum_of_squares  {wrong.message}"
    assert str(ga.audit(_sum_of_squares, np.ones(2), gradient=lambda x: 2 * x)) == "PASS _sum_of_squares"


def test_a_function_that_nothing_is_claimed_of_is_refused():
    with pytest.raises(ValueError, match="claim a gradient"):
        ga.audit(lambda x: x.sum(), np.ones(2))
