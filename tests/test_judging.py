"""The judge looks at stored evidence only: it can judge again, elsewhere and later, without one evaluation."""

import math
import pickle
import zlib

import numpy as np
import pytest

import gradaudit as ga
from gradaudit import engines
from gradaudit.checks import gradient
from gradaudit.checks._ground import Ground
from gradaudit.checks._limits import Limits
from gradaudit.checks._measure import measure
from gradaudit.checks._subject import Subject
from gradaudit.engines._arguments import Arguments
from gradaudit.judge.diagnosis import ADVICE, Diagnosis
from gradaudit.judge.judging import judge
from gradaudit.judge.verdict import Status
from gradaudit.perturb.axis import Axis
from gradaudit.perturb.steps import Point
from gradaudit.plan.case import Settings, Target

X = np.random.default_rng(5).normal(size=6)


def evidence_on(claim, *, calls):
    def f(x):
        calls.append(1)
        return np.sin(x).sum()

    target = Target("f", (("gradient", "g"),))
    arguments = Arguments.of([X])
    point = Point.of(arguments.x, arguments.epsilon)
    subject = Subject.examine(engines.adapt(target, f, {"gradient": claim}), arguments, point)
    rng = np.random.default_rng(0)
    (comparison,) = gradient.compare(subject, rng)
    settings = Settings()
    return measure(Ground.of(comparison, Limits.of(settings, epsilon=2.0**-52), rng), settings, rng)


def test_stored_evidence_is_judged_again_without_an_evaluation():
    calls = []
    stored = pickle.dumps(evidence_on(lambda x: 1.01 * np.cos(x), calls=calls))
    spent = len(calls)
    verdicts = [judge("again", [pickle.loads(stored)]) for _ in range(2)]
    assert len(calls) == spent
    assert repr(verdicts[0]) == repr(verdicts[1])
    assert (verdicts[0].status, verdicts[0].diagnosis) == (Status.FAIL, Diagnosis.CONSTANT_FACTOR)


def test_evaluations_are_counted_to_the_last():
    calls = []
    evidence = evidence_on(np.cos, calls=calls)
    at_x = 2  # f is called twice at x before anything is compared
    assert evidence.evaluations == len(calls) - at_x


def test_a_case_is_as_bad_as_its_worst_comparison():
    calls = []
    right, wrong = evidence_on(np.cos, calls=calls), evidence_on(lambda x: -np.cos(x), calls=calls)
    assert judge("both", [right, wrong]).status is Status.FAIL
    assert judge("both", [right, right]).status is Status.PASS
    both = judge("both", [right, wrong])
    assert both.counts.checked == 2 * X.size
    assert both.elements[0].status is Status.FAIL


def test_curves_are_of_the_worst_element_first_and_of_other_outputs_measured_with_it():
    def claim(x):
        jacobian = np.diag(np.cos(x))
        jacobian[2, 1] += 0.5
        return jacobian

    verdict = ga.audit(np.sin, X, jacobian=claim)
    places = list(dict.fromkeys((point.output, point.input) for point in verdict.curves))
    assert places[0] == ("out[2]", "x[1]")
    assert len(places) == 3
    assert {input_ for _, input_ in places} == {"x[1]"}


@pytest.mark.parametrize("amplitude", [0.01, 0.1])
@pytest.mark.parametrize("seed", range(3))
def test_where_no_finer_step_would_help_it_is_noise_that_is_blamed(amplitude, seed):
    def noisy(x):
        return float(np.exp(np.sin(x)).sum()) + amplitude * np.random.default_rng([zlib.crc32(x), seed]).normal()

    verdict = ga.audit(noisy, np.array([0.3, 1.0]), gradient=lambda x: np.cos(x) * np.exp(np.sin(x)))
    assert (verdict.status, verdict.diagnosis) == (Status.INCONCLUSIVE, Diagnosis.NOISE)


def test_where_finer_steps_would_help_it_is_the_steps_that_are_blamed():
    settings = Settings(h=(0.5,), extend=False)
    verdict = ga.audit(lambda x: float(np.exp(x).sum()), np.array([0.3, 1.0]), gradient=np.exp, settings=settings)
    assert (verdict.status, verdict.diagnosis) == (Status.INCONCLUSIVE, Diagnosis.STEPS)


def test_several_wrong_elements_have_a_curve_each_and_passes_cost_none():
    def spoilt(x):
        gradient = 2 * x
        gradient[[1, 4, 5]] *= [-1.0, 1.01, 0.0]
        return gradient

    x = np.arange(1.0, 9.0)
    wrong = ga.audit(lambda x: float((x**2).sum()), x, gradient=spoilt)
    right = ga.audit(lambda x: float((x**2).sum()), x, gradient=lambda x: 2 * x)
    assert {point.input for point in wrong.curves} == {"x[1]", "x[4]", "x[5]"}
    assert {point.input for point in right.curves} == {right.elements[0].input}


def flat_at_zero(x):
    """Flat up to 1e-3 beside 0, and ever steeper on the way there."""
    return np.sqrt(np.maximum(np.abs(x) - 1e-3, 0.0)) + np.array([1.0, 0.0, 0.0])


@pytest.mark.parametrize(("left", "status"), [(0.0, "pass"), (0.5, "fail")])
def test_where_f_is_flat_at_x_a_slope_that_grows_on_the_way_there_says_nothing(left, status):
    verdict = ga.audit(flat_at_zero, np.zeros(3), jvp=lambda x, v: left * v)
    assert verdict.status == status, verdict.message


def test_a_slope_that_grows_as_far_as_it_can_be_heard_is_no_derivative():
    verdict = ga.audit(lambda x: np.sqrt(np.abs(x)).sum(), np.zeros(3), gradient=lambda x: 0.5 * np.ones(3))
    assert verdict.diagnosis == "slope grows without limit", verdict.message


@pytest.mark.parametrize("x", [5.2, 5.5, -5.5, 5.7])
def test_a_function_that_has_saturated_a_step_away_has_a_slope_with_a_limit(x):
    """erf is 1 to the last bit a step above: its slope falls off as 1/h there, and towards x it levels."""

    def slope(x):
        return 2 / math.sqrt(math.pi) * np.exp(-x * x)

    def saturating(x):
        return float(math.erf(x[0]))

    assert ga.audit(saturating, np.array([x]), gradient=slope).diagnosis != Diagnosis.SINGULAR
    assert ga.audit(saturating, np.array([x]), gradient=lambda x: 10 * slope(x)).status is Status.FAIL


@pytest.mark.parametrize("power", [0.3, 0.5, 0.7])
def test_a_power_below_one_has_no_slope_at_zero_also_beside_a_saturating_part(power):
    def rooted(x):
        return float(math.copysign(abs(x[0]) ** power, x[0]) + math.tanh(1000 * x[0]))

    assert ga.audit(rooted, np.array([0.0]), gradient=lambda x: np.array([1000.0])).diagnosis == Diagnosis.SINGULAR


@pytest.mark.parametrize("wrong", [2, 10])
def test_where_f_is_flat_wrong_elements_are_not_said_to_have_a_derivative(wrong):
    claim = np.where(np.arange(10) < wrong, np.arange(10.0) + 1, 0.0)
    verdict = ga.audit(lambda x: 0.0 * x.sum(), np.linspace(1, 2, 10), gradient=lambda x: claim)
    assert verdict.status is Status.FAIL
    assert verdict.diagnosis is (Diagnosis.SOME_ELEMENTS if wrong == 2 else Diagnosis.WRONG)
    assert "f has no slope in any of them" in verdict.message
    assert "with a derivative" not in verdict.message


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
@pytest.mark.parametrize(
    "settings", [Settings(), Settings(h=(1e-3, 1e-5)), Settings(h=(1e-4,), extend=False, method="central")]
)
def test_a_claim_that_is_not_finite_fails_at_every_level_and_only_where_it_is(value, settings):
    def hollow(x):
        return np.where(np.arange(x.size) == 2, value, np.cos(x))

    verdict = ga.audit(lambda x: np.sin(x).sum(), X, gradient=hollow, settings=settings)
    assert (verdict.status, verdict.diagnosis) == (Status.FAIL, Diagnosis.NOT_FINITE)
    assert verdict.counts.failed == 1
    assert "x[2]" in verdict.message
    assert math.isfinite(verdict.measures.bound)


def test_an_infinite_claim_at_a_cusp_is_no_failure():
    verdict = ga.audit(
        lambda x: np.sqrt(np.abs(x)).sum(), np.array([0.0, 1.0]), gradient=lambda x: np.array([math.inf, 0.5])
    )
    assert (verdict.status, verdict.diagnosis) == (Status.INCONCLUSIVE, Diagnosis.SINGULAR)


def test_the_order_that_was_seen_is_that_along_the_worst_element_of_all_comparisons():
    def one_wrong(x):
        return np.cos(x) * np.where(np.arange(x.size) == 3, 1.1, 1.0)

    right, wrong = (evidence_on(claim, calls=[]) for claim in (np.cos, one_wrong))
    slope = judge("both", [right, wrong]).measures.slope
    assert slope == judge("wrong", [wrong]).measures.slope
    assert slope != judge("right", [right]).measures.slope


def test_curves_that_are_too_dear_are_not_begun():
    calls = []

    def f(x):
        calls.append(1)
        return float(np.sin(x).sum())

    verdict = ga.audit(f, np.linspace(0.5, 1.5, 3), gradient=lambda x: 2 * np.cos(x))
    assert verdict.status is Status.FAIL
    assert verdict.measures.evaluations == len(calls)


def test_parts_of_many_indices_are_those_that_single_ones_are_located_in():
    axis = Axis((("a", (2, 3)), ("none", (0, 4)), ("b", ()), ("c", (5,))))
    assert axis.parts_of(np.arange(axis.size)).tolist() == [axis.locate(k)[0] for k in range(axis.size)]


@pytest.mark.parametrize(("factor", "status"), [(1.0, Status.PASS), (2.0, Status.PASS), (1e6, Status.FAIL)])
def test_an_element_far_below_the_local_slope_is_held_against_that_and_counted_apart(factor, status):
    verdict = ga.audit(
        lambda x: math.erf(x[0]), np.array([5.8]), gradient=lambda x: factor * 2 / np.sqrt(np.pi) * np.exp(-x * x)
    )
    assert verdict.status is status
    if status is Status.PASS:
        assert (verdict.counts.bounded_by_largest, verdict.counts.resolved) == (1, 0)
        assert "too small to be bounded relative to themselves" in " ".join(verdict.notes)


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e5])
@pytest.mark.parametrize(
    ("claimed", "said"),
    [
        (-1.0, "the claim {:.6g} is the left slope"),
        (1.0, "the claim {:.6g} is the right slope"),
        (0.0, "the claim {:.6g} is their mean"),
        (0.2, "the claim is {:.6g}; "),
    ],
)
def test_at_a_kink_it_is_said_which_slope_the_claim_is_in_whatever_units(size, claimed, said):
    verdict = ga.audit(lambda x: size * np.abs(x).sum(), np.zeros(1), gradient=lambda x: np.full(1, size * claimed))
    assert verdict.diagnosis is Diagnosis.KINK
    assert said.format(size * claimed) in verdict.message


def lasso(size):
    """A smooth loss and a small penalty, with its kink at 1/2."""
    return lambda x: float((np.sin(x) + size * np.abs(x - 0.5)).sum())


@pytest.mark.parametrize("size", [0.1, 4e-3, 4e-4, 4e-5])
@pytest.mark.parametrize("side", [-1, 1])
def test_a_claim_of_one_slope_at_a_kink_however_small_is_not_wrong(size, side):
    x = np.array([0.5, 1.3])

    def claim(x):
        return np.cos(x) + size * np.where(x == 0.5, side, np.sign(x - 0.5))

    verdict = ga.audit(lasso(size), x, gradient=claim)
    assert (verdict.status, verdict.diagnosis) == (Status.INCONCLUSIVE, Diagnosis.KINK)
    assert ga.audit(lasso(size), x, gradient=claim, settings=Settings(kinks="accept")).status is Status.PASS


@pytest.mark.parametrize("distance", [0.0, 1e-12, 1e-9, 1e-6])
def test_the_mean_of_two_slopes_that_differ_by_a_percent_passes_neither_at_the_kink_nor_next_to_it(distance):
    x = np.array([0.5 + distance, 1.3])
    verdict = ga.audit(lasso(4e-3), x, gradient=lambda x: np.cos(x) + 4e-3 * np.array([0.0, 1.0]))
    assert verdict.status is not Status.PASS


@pytest.mark.parametrize(("amplitude", "status"), [(0.0, Status.PASS), (1e-3, Status.INCONCLUSIVE)])
def test_a_kink_whose_slopes_are_hardly_known_accepts_nothing(amplitude, status):
    def kinked(x):
        return float(np.abs(x).sum()) + amplitude * (zlib.crc32(x.tobytes()) / 2**31 - 1)

    verdict = ga.audit(kinked, np.zeros(1), gradient=lambda x: np.full(1, 0.5), settings=Settings(kinks="accept"))
    assert (verdict.status, verdict.diagnosis) == (status, Diagnosis.KINK if amplitude else None)


def test_what_would_help_stands_beside_what_is_undecided():
    noisy = ga.audit(lambda x: float(np.sin(x[0]) + 0.3 * (zlib.crc32(x) % 2)), np.array([0.4]), gradient=np.cos)
    assert noisy.status is Status.INCONCLUSIVE
    assert noisy.message.endswith(f"{noisy.diagnosis.value}; {ADVICE[noisy.diagnosis]}")


def test_a_curve_has_no_points_where_f_has_no_value():
    verdict = ga.audit(np.sqrt, np.array([1e-3]), jacobian=lambda x: np.diag(0.5 / np.sqrt(x)))
    steps = [point.h for point in verdict.curves]
    assert steps
    assert max(steps) <= 1e-3


@pytest.mark.parametrize("points", [np.array([0.5]), np.array([0.5, 0.7])])
def test_a_jvp_that_ignores_its_tangent_is_told_from_one_that_is_wrong_along_it(points):
    def curve(x):
        return np.array([np.sin(x).sum(), (x**2).sum(), np.exp(x).sum()])

    deaf, wrong = (
        ga.audit(curve, points, jvp=jvp)
        for jvp in (lambda x, v: np.array([5.0, -2.0, 9.0]), lambda x, v: np.array([5.0, -2.0, 9.0]) * v.sum())
    )
    assert (deaf.status, wrong.status) == (Status.FAIL, Status.FAIL)
    assert deaf.diagnosis is Diagnosis.TANGENT_IGNORED
    assert wrong.diagnosis is not Diagnosis.TANGENT_IGNORED


@pytest.mark.parametrize(("spoilt", "row"), [({0}, "x0"), ({1}, "x1"), ({0, 1}, None)])
def test_a_row_is_named_only_where_all_that_is_wrong_stands_in_it(spoilt, row):
    a = np.arange(1.0, 7.0).reshape(2, 3)

    def gradient(*inputs):
        wrong = np.array([[0.0, 0.0, 0.0], [0.5, -1.0, 2.0]])
        return tuple(2 * x + wrong * (k in spoilt) for k, x in enumerate(inputs))

    verdict = ga.audit(lambda a, b: float((a * a + b * b).sum()), a, a + 1, gradient=gradient)
    assert (verdict.diagnosis is Diagnosis.ONE_ROW) == (row is not None)
    assert (f"only row 1 of {row} is off (3 of 3 elements)" in verdict.message) == (row is not None)


def erf(x):
    return sum(map(math.erf, x.tolist()))


def slope_of_erf(x):
    return 2 / math.sqrt(math.pi) * np.exp(-x * x)


@pytest.mark.parametrize("factor", [1.0, 2.0, 1e6])
@pytest.mark.parametrize("x", [6.3, -6.3, 7.0, 10.0])
def test_where_f_has_saturated_to_the_last_bit_it_stands_still_and_is_not_called_noisy(x, factor):
    verdict = ga.audit(erf, np.array([x]), gradient=lambda x: factor * slope_of_erf(x))
    assert (verdict.status, verdict.diagnosis) == (Status.INCONCLUSIVE, Diagnosis.STILL), verdict.message
    assert "function stands still; f is the same to the last bit around x" in verdict.message


def test_a_visible_claim_fails_where_f_stands_still_and_a_zero_passes():
    x = np.array([6.3])
    assert ga.audit(erf, x, gradient=lambda x: slope_of_erf(x) + 1e-3).status is Status.FAIL
    assert ga.audit(erf, x, gradient=lambda x: 0 * x).status is Status.PASS


def test_a_function_beside_a_large_offset_does_not_stand_still():
    verdict = ga.audit(lambda x: 1e13 + float(np.sin(x).sum()), np.array([0.7]), gradient=np.cos)
    assert (verdict.status, verdict.diagnosis) == (Status.INCONCLUSIVE, Diagnosis.PRECISION)


def test_a_noisy_function_is_one_that_moves():
    def noisy(x):
        bits = np.random.default_rng(x.view(np.uint32))
        return float(np.sin(x).sum() + 1e-2 * bits.uniform())

    verdict = ga.audit(noisy, np.array([0.7]), gradient=np.cos)
    assert (verdict.status, verdict.diagnosis) == (Status.INCONCLUSIVE, Diagnosis.NOISE)


def test_a_wrong_gradient_is_named_before_the_right_hessian_that_is_apart_from_its_differences():
    verdict = ga.audit(
        lambda x: (x**4).sum(),
        np.array([0.3, -1.2, 2.0]),
        gradient=lambda x: 3 * x**3,
        hessian=lambda x: np.diag(12 * x**2),
    )
    assert verdict.message.startswith("d out/d x")
    assert verdict.elements[0].check == "gradient"
    assert "0.75 ×" in verdict.evidence
