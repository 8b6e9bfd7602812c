"""From a function and its claim to a verdict: right claims pass, planted faults fail at the right element."""

import re

import numpy as np
import pytest

from gradaudit.api import audit
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.verdict import Status
from gradaudit.plan.case import Settings, Tolerance

X = 2 * np.random.default_rng(7).normal(size=12)
W = np.random.default_rng(8).normal(size=(3, 4))


def total_sine(x):
    return np.sin(x).sum()


def altered(change):
    """The gradient of total_sine with a fault planted in it."""

    def gradient(x):
        g = np.cos(x)
        result = change(g)
        return g if result is None else result

    return gradient


def swap(g):
    g[[2, 5]] = g[[5, 2]]


def one_percent_in_one(g):
    g[4] *= 1.01


def drop_one(g):
    g[7] = 0.0


FAULTS = {
    "sign": (lambda g: -g, Diagnosis.WRONG_SIGN),
    "factor": (lambda g: 2 * g, Diagnosis.CONSTANT_FACTOR),
    "a tenth of a percent": (lambda g: 1.001 * g, Diagnosis.CONSTANT_FACTOR),
    "divided by n": (lambda g: g / g.size, Diagnosis.CONSTANT_FACTOR),
    "zero": (lambda g: 0 * g, Diagnosis.ZERO),
    "one percent in one element": (one_percent_in_one, Diagnosis.ONE_ELEMENT),
    "one element dropped": (drop_one, Diagnosis.ONE_ELEMENT),
    "swapped pair": (swap, Diagnosis.SWAPPED),
    "reversed": (lambda g: g[::-1].copy(), Diagnosis.PERMUTED),
    "shifted": (lambda g: np.roll(g, 1), Diagnosis.PERMUTED),
    "constant term missing": (lambda g: g - 0.1, Diagnosis.MISSING_TERM),
    "not a number": (lambda g: np.where(g > 0.5, np.nan, g), Diagnosis.NOT_FINITE),
    "absolute value": (np.abs, Diagnosis.WRONG_SIGN),
    "clipped": (lambda g: np.clip(g, -0.5, 0.5), Diagnosis.SOME_ELEMENTS),
    "wrong shape": (lambda g: g[None], Diagnosis.NOT_SUMMED),
    "too short": (lambda g: g[:-1], Diagnosis.SHAPE),
    "complex": (lambda g: g + 0j, Diagnosis.DTYPE),
    "nothing": (lambda g: [None], Diagnosis.ZERO),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_fails_with_its_diagnosis(fault):
    change, diagnosis = FAULTS[fault]
    verdict = audit(total_sine, X, gradient=altered(change))
    assert verdict.status is Status.FAIL
    assert verdict.diagnosis is diagnosis


def test_the_right_gradient_passes_with_a_bound():
    verdict = audit(total_sine, X, gradient=np.cos)
    assert verdict.status is Status.PASS
    assert verdict.measures.error_over_tolerance <= 1
    assert 0 < verdict.measures.bound <= 1e-3
    assert verdict.counts.passed == X.size


def test_the_failing_element_is_named_first_with_both_values():
    verdict = audit(total_sine, X, gradient=altered(one_percent_in_one))
    worst = verdict.elements[0]
    assert (worst.input, worst.output, worst.status) == ("x[4]", "out", Status.FAIL)
    assert worst.numeric == pytest.approx(np.cos(X[4]), rel=1e-6)
    assert worst.analytic == pytest.approx(1.01 * np.cos(X[4]))
    assert [element.status for element in verdict.elements[1:]] == [Status.PASS] * 9
    assert "d out/d x[4]: analytic" in verdict.message


def test_a_factor_that_is_one_over_n_is_said_to_look_like_it():
    verdict = audit(total_sine, X, gradient=altered(lambda g: g / g.size))
    assert "1/12" in verdict.evidence


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_no_absolute_floor_hides_a_small_gradient(scale):
    assert audit(lambda x: scale * total_sine(x), X, gradient=lambda x: scale * np.cos(x)).status is Status.PASS
    assert audit(lambda x: scale * total_sine(x), X, gradient=np.zeros_like).status is Status.FAIL


def test_a_large_offset_is_no_reason_to_accuse_a_right_claim():
    verdict = audit(lambda x: 1e15 + total_sine(x), X, gradient=np.cos)
    assert (verdict.status, verdict.diagnosis) == (Status.INCONCLUSIVE, Diagnosis.STILL)  # ulps of 1/8
    verdict = audit(lambda x: 1e13 + total_sine(x), X, gradient=np.cos)
    assert (verdict.status, verdict.diagnosis) == (Status.INCONCLUSIVE, Diagnosis.PRECISION)
    assert audit(lambda x: 1e12 + total_sine(x), X, gradient=np.cos).status is Status.PASS
    assert audit(lambda x: 1e12 + total_sine(x), X, gradient=altered(lambda g: -g)).status is Status.FAIL


@pytest.mark.parametrize(
    "inexact",
    [
        lambda x: float(np.float32(total_sine(x))),
        lambda x: round(float(total_sine(x)), 6),
        lambda x: float(np.sum(np.sin(x.astype(np.float32)))),
    ],
    ids=["float32 result", "rounded result", "float32 inside"],
)
def test_inexact_functions_do_not_accuse_a_right_claim_and_still_catch_a_wrong_one(inexact):
    assert audit(inexact, X, gradient=np.cos).status is not Status.FAIL
    assert audit(inexact, X, gradient=altered(lambda g: -g)).status is Status.FAIL


def test_inputs_on_scales_sixteen_decades_apart_each_get_their_steps():
    x = np.array([1e-8, 1.0, 1e8])
    assert audit(lambda x: np.log(x).sum(), x, gradient=lambda x: 1 / x).status is Status.PASS
    assert audit(lambda x: np.log(x).sum(), x, gradient=lambda x: 1.01 / x).status is Status.FAIL


def test_at_a_kink_both_slopes_are_told_and_only_a_claim_outside_fails():
    x = np.array([0.0, 1.0])
    undecided = audit(lambda x: np.abs(x).sum(), x, gradient=np.sign)
    assert undecided.diagnosis is Diagnosis.KINK
    assert "slopes -1 and 1" in undecided.evidence
    assert "their mean" in undecided.evidence
    accepting = Settings(kinks="accept")
    assert audit(lambda x: np.abs(x).sum(), x, gradient=np.sign, settings=accepting).status is Status.PASS
    outside = audit(lambda x: np.abs(x).sum(), x, gradient=lambda x: np.where(x == 0, 2.0, 1.0), settings=accepting)
    assert outside.status is Status.FAIL


def test_a_kink_near_x_does_not_disturb():
    assert (
        audit(lambda x: np.abs(x - 1e-3).sum(), np.zeros(2), gradient=lambda x: np.sign(x - 1e-3)).status is Status.PASS
    )


def test_a_vertical_tangent_is_no_derivative():
    verdict = audit(lambda x: np.cbrt(x).sum(), np.zeros(1), gradient=np.zeros_like)
    assert verdict.diagnosis is Diagnosis.SINGULAR


def test_an_element_that_f_ignores_must_be_claimed_zero():
    x = np.array([1.0, 2.0])
    assert audit(lambda x: np.sin(x[0]), x, gradient=lambda x: np.array([np.cos(x[0]), 0.0])).status is Status.PASS
    wrong = audit(lambda x: np.sin(x[0]), x, gradient=lambda x: np.array([np.cos(x[0]), 1e-3]))
    assert wrong.status is Status.FAIL
    assert wrong.elements[0].input == "x[1]"


def test_float32_inputs_are_judged_with_their_own_precision():
    x = X.astype(np.float32)
    assert audit(total_sine, x, gradient=np.cos).status is Status.PASS
    assert audit(total_sine, x, gradient=altered(lambda g: 1.1 * g)).status is Status.FAIL


# claims other than gradients


def test_a_vjp_that_ignores_its_cotangent_fails():
    verdict = audit(np.sin, X, vjp=lambda x, cotangent: np.cos(x))
    assert verdict.diagnosis is Diagnosis.COTANGENT_IGNORED


def test_a_vjp_of_a_scalar_that_ignores_its_cotangent_fails():
    assert audit(total_sine, X, vjp=lambda x, cotangent: np.cos(x)).diagnosis is Diagnosis.COTANGENT_IGNORED


def test_a_matrix_product_passes_and_its_transposed_gradient_is_recognised():
    a, b = np.random.default_rng(1).normal(size=(2, 3, 3))
    right = audit(np.matmul, a, b, vjp=lambda a, b, c: (c @ b.T, a.T @ c))
    assert right.status is Status.PASS
    wrong = audit(np.matmul, a, b, vjp=lambda a, b, c: (c @ b.T, (a.T @ c).T))
    assert wrong.diagnosis is Diagnosis.TRANSPOSED
    assert wrong.elements[0].input.startswith("x1[")


def test_one_input_of_several_is_named():
    def half(a, b, c):
        return c * b, c * a * a

    verdict = audit(np.multiply, X, X[::-1].copy(), vjp=half)
    assert verdict.status is Status.FAIL
    assert {e.input.partition("[")[0] for e in verdict.elements if e.status is Status.FAIL} == {"x1"}


def test_a_broadcast_gradient_that_is_not_summed_is_named_by_its_shape():
    verdict = audit(np.add, W, W[0], vjp=lambda a, b, c: (c, c))
    assert verdict.diagnosis is Diagnosis.NOT_SUMMED
    assert "(3, 4)" in verdict.message


def test_the_gradient_of_a_number_that_is_not_summed_is_no_jacobian():
    verdict = audit(np.multiply, X, np.array(2.0), vjp=lambda a, b, c: (c * b, c * a))
    assert verdict.diagnosis is Diagnosis.NOT_SUMMED


@pytest.mark.parametrize("rows", [2, 12])
def test_a_jacobian_that_is_claimed_as_a_gradient_is_called_one(rows):
    verdict = audit(lambda x: np.sin(x[:rows]), X, gradient=lambda x: np.diag(np.cos(x))[:rows])
    assert verdict.diagnosis is Diagnosis.SHAPE
    assert f"shape ({rows}, 12), that of a jacobian; allowed: (12,); claim it as the jacobian" in verdict.message


def test_jvp_and_jacobian_claims_are_audited_by_output_and_input():
    x = X[:4]
    assert audit(lambda x: W @ x, x, jvp=lambda x, t: W @ t).status is Status.PASS
    assert audit(lambda x: W @ x, x, jacobian=lambda x: W).status is Status.PASS
    wrong = W.copy()
    wrong[1, 2] *= 1.01
    verdict = audit(lambda x: W @ x, x, jacobian=lambda x: wrong)
    assert (verdict.elements[0].output, verdict.elements[0].input) == ("out[1]", "x[2]")


def test_a_sparse_jacobian_with_a_dropped_entry_fails_there():
    from scipy.sparse import csr_array

    tridiagonal = np.diag([2.0] * 4) + np.diag([-1.0] * 3, 1) + np.diag([-1.0] * 3, -1)
    dropped = tridiagonal.copy()
    dropped[2, 1] = 0.0
    f = lambda x: tridiagonal @ x  # noqa: E731
    assert audit(f, X[:4], jacobian=lambda x: csr_array(tridiagonal)).status is Status.PASS
    verdict = audit(f, X[:4], jacobian=lambda x: csr_array(dropped))
    assert (verdict.elements[0].output, verdict.elements[0].input) == ("out[2]", "x[1]")


def test_second_order_claims_are_held_against_the_claimed_gradient():
    from scipy.optimize import rosen, rosen_der, rosen_hess, rosen_hess_prod

    x = np.array([-1.2, 1.0, 0.7])
    right = audit(rosen, x, gradient=rosen_der, hvp=rosen_hess_prod, hessian=rosen_hess)
    assert right.status is Status.PASS
    wrong = audit(rosen, x, gradient=rosen_der, hvp=lambda x, p: 1.01 * rosen_hess_prod(x, p))
    assert wrong.diagnosis is Diagnosis.CONSTANT_FACTOR
    assert wrong.elements[0].check == "hvp"


def test_a_value_beside_the_gradient_must_be_the_functions_own():
    assert audit(total_sine, X, value_and_gradient=lambda x: (total_sine(x), np.cos(x))).status is Status.PASS
    assert audit(total_sine, X, value_and_gradient=lambda x: (total_sine(x) + 1, np.cos(x))).status is Status.FAIL


def test_several_outputs_take_a_cotangent_each():
    def both(x):
        return np.sin(x), (x**2).sum()

    right = audit(both, X, vjp=lambda x, c: np.cos(x) * c[0] + 2 * x * c[1])
    assert right.status is Status.PASS
    detached = audit(both, X, vjp=lambda x, c: np.cos(x) * c[0])
    assert detached.status is Status.FAIL


# functions that misbehave


def test_a_function_that_changes_its_input_is_told_so():
    def centred(x):
        x -= x.mean()
        return (x**2).sum()

    assert audit(centred, X, gradient=lambda x: 2 * (x - x.mean())).diagnosis is Diagnosis.INPUT_MUTATED


def test_a_gradient_that_changes_its_input_is_told_so_and_the_callers_array_is_untouched():
    x = X.copy()

    def gradient(x):
        np.cos(x, out=x)
        return x

    verdict = audit(total_sine, x, gradient=gradient)
    assert verdict.diagnosis is Diagnosis.INPUT_MUTATED
    assert np.array_equal(x, X)


def test_a_random_function_is_nondeterministic_and_not_a_mismatch():
    rng = np.random.default_rng(0)
    verdict = audit(lambda x: total_sine(x) + rng.normal(), X, gradient=np.cos)
    assert (verdict.status, verdict.diagnosis) == (Status.INCONCLUSIVE, Diagnosis.NONDETERMINISTIC)


def test_a_function_that_its_gradient_changes_is_stateful():
    state = {"shift": 0.0}

    def f(x):
        return np.sin(x + state["shift"]).sum()

    def gradient(x):
        state["shift"] += 1.0
        return np.cos(x)

    assert audit(f, X, gradient=gradient).diagnosis is Diagnosis.STATEFUL


def test_what_user_code_raises_is_an_error_with_its_traceback():
    def broken(x):
        raise RuntimeError("no such luck")

    verdict = audit(broken, X, gradient=np.cos)
    assert verdict.status is Status.ERROR
    assert "no such luck" in verdict.traceback
    assert audit(total_sine, X, gradient=broken).status is Status.ERROR


def test_a_function_that_exits_is_an_error():
    def leave(x):
        raise SystemExit(3)

    assert audit(leave, X, gradient=np.cos).status is Status.ERROR


def test_an_exception_that_exits_when_it_is_shown_is_an_error():
    class Leaves(Exception):
        def __str__(self):
            raise SystemExit(0)

    def broken(x):
        raise Leaves

    verdict = audit(broken, X, gradient=np.cos)
    assert verdict.status is Status.ERROR
    assert "Leaves: (its str() raises)" in verdict.message


def test_a_function_that_is_nan_at_x_is_inconclusive():
    verdict = audit(lambda x: np.nan, X, gradient=np.cos)
    assert (verdict.status, verdict.diagnosis) == (Status.INCONCLUSIVE, Diagnosis.NOT_FINITE)


def test_a_complex_or_missing_output_is_a_verdict():
    assert audit(lambda x: 1j * x.sum(), X, gradient=np.cos).diagnosis is Diagnosis.DTYPE
    assert audit(lambda x: None, X, gradient=np.cos).diagnosis is Diagnosis.DTYPE


# settings


def test_the_users_steps_are_used_first_and_shown():
    verdict = audit(total_sine, X, gradient=np.cos, settings=Settings(h=(1e-3, 1e-4, 1e-5)))
    assert verdict.status is Status.PASS
    assert [point.h for point in verdict.curves] == pytest.approx([1e-3, 1e-4, 1e-5])
    assert not verdict.notes


def test_steps_that_cannot_decide_are_extended_and_that_is_said():
    coarse = audit(total_sine, X, gradient=np.cos, settings=Settings(h=(0.5,)))
    assert coarse.status is Status.PASS
    assert any("steps" in note for note in coarse.notes)
    alone = audit(total_sine, X, gradient=np.cos, settings=Settings(h=(0.5,), extend=False))
    assert alone.status is Status.INCONCLUSIVE


def test_a_short_list_of_steps_alone_never_fails_a_claim():
    settings = Settings(h=(1e-3, 1e-4, 1e-5), extend=False)
    assert audit(total_sine, X, gradient=altered(lambda g: -g), settings=settings).status is Status.INCONCLUSIVE


def test_the_plain_rule_is_one_difference_and_one_tolerance():
    plain = Settings(h=(1e-4,), method="central", extend=False, tolerance=Tolerance(rtol=1e-4))
    assert audit(total_sine, X, gradient=np.cos, settings=plain).status is Status.PASS
    assert audit(total_sine, X, gradient=altered(lambda g: 1.001 * g), settings=plain).status is Status.FAIL


def test_a_sample_of_elements_says_how_many_were_checked():
    verdict = audit(total_sine, X, gradient=np.cos, settings=Settings(elements=5))
    assert (verdict.counts.checked, verdict.counts.elements) == (5, 12)
    assert any("5 of 12" in note for note in verdict.notes)


def test_a_smooth_pass_costs_two_evaluations_an_element_beside_the_overhead():
    x = np.random.default_rng(0).normal(size=200)
    verdict = audit(total_sine, x, gradient=np.cos)
    assert verdict.measures.evaluations <= 2.2 * x.size + 40


def test_the_curve_falls_with_the_square_of_h_where_truncation_rules():
    assert audit(total_sine, X, gradient=np.cos).measures.slope == pytest.approx(2.0, abs=0.1)


def test_a_pass_says_for_each_element_and_for_the_case_what_it_could_have_missed():
    verdict = audit(total_sine, X, gradient=np.cos)
    assert all(0 < element.bound <= verdict.measures.bound for element in verdict.elements)
    assert verdict.counts.resolved == X.size
    missed = audit(total_sine, X, gradient=lambda x: np.cos(x) * (1 + 3 * verdict.measures.bound))
    assert missed.status is Status.FAIL


def test_an_element_too_small_to_be_checked_by_itself_is_counted_apart():
    # the second slope is 1e-9 of the first, and lies below the rounding of f
    verdict = audit(
        lambda x: 1e6 * x[0] + 1e-6 * np.sin(x[1]), np.ones(2), gradient=lambda x: [1e6, 1e-6 * np.cos(x[1])]
    )
    assert verdict.status is Status.PASS
    assert (verdict.counts.bounded_by_largest, verdict.counts.resolved) == (1, 1)
    assert any("too small" in note for note in verdict.notes)


def test_every_evaluation_of_f_is_counted():
    calls = []

    def f(x):
        calls.append(1)
        return np.sin(x).sum()

    assert audit(f, X, gradient=altered(one_percent_in_one)).measures.evaluations == len(calls)


def test_an_accepted_kink_passes_as_a_subgradient_without_a_bound_and_says_so():
    x = np.array([0.0, 1.0])
    between = np.array([0.5, 1.0])
    verdict = audit(lambda x: np.abs(x).sum(), x, gradient=lambda x: between, settings=Settings(kinks="accept"))
    assert verdict.status is Status.PASS
    assert verdict.measures.bound < 1e-3
    assert verdict.measures.error_over_tolerance < 0.1
    assert any("subgradient" in note for note in verdict.notes)
    bounds = {element.input: element.bound for element in verdict.elements}
    assert np.isnan(bounds["x[0]"])
    assert bounds["x[1]"] < 1e-3


def test_structural_zeros_beside_linear_elements_are_no_sign_of_a_quantised_function():
    a, b = np.array([1.67, -0.77]), np.array([0.14, 0.43])
    verdict = audit(np.multiply, a, b, jacobian=lambda a, b: (np.diag(b), -np.diag(a)))
    assert verdict.status is Status.FAIL
    assert all(element.uncertainty < 1e-11 for element in verdict.elements if element.status is Status.FAIL)


@pytest.mark.parametrize("x", [0.5, 0.3, 1.7])
def test_a_ripple_that_all_first_steps_hide_is_seen_before_its_right_derivative_fails(x):
    height, frequency = 1e-7, 2 * np.pi * 2.0**16  # steps of 2⁻¹⁶ and larger are whole periods

    def f(x):
        return float(x[0] ** 2 + height * np.sin(frequency * x[0]))

    def gradient(x):
        return 2 * x + height * frequency * np.cos(frequency * x)

    assert audit(f, np.array([x]), gradient=gradient).status is Status.PASS
    assert audit(f, np.array([x]), gradient=lambda x: 1.001 * gradient(x)).status is Status.FAIL


def changing(values):
    """A function of x that gives the next of ``values`` at every call."""
    given = iter(values)
    return lambda x: next(given)


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ([1.0, 2.0], [1.0, 3.0], "f(x) was 2.0 and then 3.0"),
        ([np.nan, 2.0], [np.nan, 3.0], "f(x) was 2.0 and then 3.0"),
        ([1.0, 0.0], [1.0, -0.0], "f(x) was 0.0 and then -0.0"),
        ([1.0, 2.0], [1.0, 2.0, 3.0], "f(x) had 2 elements and then 3"),
    ],
)
def test_what_a_random_function_gives_twice_is_told_as_it_was(first, second, said):
    verdict = audit(changing([np.array(first), np.array(second)]), np.ones(2), vjp=lambda x, cotangent: x)
    assert (verdict.status, verdict.diagnosis) == (Status.INCONCLUSIVE, Diagnosis.NONDETERMINISTIC)
    assert said in verdict.message


def test_no_checks_at_all_are_refused():
    with pytest.raises(ValueError, match="checks is empty; leave it out, and the claims decide"):
        audit(np.sum, np.ones(2), gradient=np.ones_like, checks=())


def test_the_cotangent_of_whole_numbers_is_not_cut_to_whole_numbers():
    asked = []

    def vjp(x, cotangent):
        asked.append(cotangent)
        return np.zeros_like(x)

    assert audit(lambda x: np.array([1, 2]), np.array([0.5]), vjp=vjp).status is Status.PASS
    assert any((cotangent % 1 != 0).any() for cotangent in asked)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: Settings(kinks="foo"), "kinks='foo'; allowed: 'undecided', 'accept'"),
        (lambda: Settings(method="centrl"), "method='centrl'; allowed: 'auto', 'central'"),
        (lambda: Settings(h=(-1.0,)), "h=(-1.0,); allowed: a tuple of steps greater than 0 and finite, such as"),
        (lambda: Settings(h=1e-3), "h=0.001; allowed: a tuple of steps"),
        (lambda: Settings(h=()), "h=(); allowed: a tuple of steps"),
        (lambda: Settings(extend="no"), "extend='no'; allowed: True, False"),
        (lambda: Settings(elements=0), "elements=0; allowed: a whole number, 1 or more"),
        (lambda: Settings(timeout=0), "timeout=0; allowed: seconds, greater than 0"),
        (lambda: Settings(tolerance=1e-3), "tolerance=0.001; allowed: a Tolerance"),
        (lambda: Tolerance(rtol=-1), "rtol=-1; allowed: a finite number, 0 or more"),
        (lambda: Tolerance(rtol=float("nan")), "rtol=nan; allowed: a finite number, 0 or more"),
        (lambda: Tolerance(resolution=0), "resolution=0; allowed: a finite number greater than 0"),
        (lambda: Tolerance(atol=None), "atol=None; allowed: a finite number, 0 or more"),
    ],
)
def test_settings_that_no_suite_could_say_are_refused_by_field(wrong, said):
    with pytest.raises(ValueError, match="^" + re.escape(said)):
        wrong()


def test_a_hessian_without_a_gradient_is_told_to_add_one():
    verdict = audit(lambda x: float((x * x).sum()), np.ones(2), hessian=lambda x: 2 * np.eye(2))
    assert "differences of which it is checked against; add 'gradient'" in verdict.message


@pytest.mark.parametrize("x", [np.array([0.1, 2.0], dtype=np.longdouble) / 3, np.ma.masked_equal([0.5, 2.0], 2.0)])
def test_long_doubles_and_masked_arrays_that_nobody_changes_are_not_told_to_be_changed(x):
    def f(x):
        return float((x * x).sum())

    assert audit(f, x, gradient=lambda x: np.asarray(2 * x, dtype=np.float64)).diagnosis is not Diagnosis.INPUT_MUTATED
