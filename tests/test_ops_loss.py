"""Losses: one number, differentiable on both sides."""

import numpy as np
import pytest
from op_case import OpCase, assert_compiled_agrees, assert_output_is_fresh, assert_vjp_is_the_derivative, covered, ids
from scipy import special

from gradaudit import ops
from gradaudit.ops import loss as family

REGRESSION = ("mean_squared_error", "mean_absolute_error", "huber")
SHAPES = ((), (1,), (5,), (2, 3), (2, 1, 2))
CASES = [OpCase(name, (shape, shape)) for name in REGRESSION for shape in SHAPES]
CASES += [OpCase("huber", ((7,), (7,)), {"delta": 0.3})]
CASES += [
    OpCase("cross_entropy", ((4,), np.array(2))),
    OpCase("cross_entropy", ((1, 1), np.array([0]))),
    OpCase("cross_entropy", ((3, 4), np.array([3, 0, 3]))),
    OpCase("cross_entropy", ((2, 2, 3), np.array([[0, 2], [1, 1]], dtype=np.int32))),
]
COMPILED = [OpCase(name, ((2, 3), (2, 3))) for name in REGRESSION]
COMPILED += [OpCase("cross_entropy", ((3, 4), np.array([3, 0, 3])))]


@pytest.mark.parametrize("case", CASES, ids=ids(CASES))
def test_the_vjp_is_the_derivative(case):
    assert_vjp_is_the_derivative(case)
    assert_output_is_fresh(case)


def test_compiled_and_plain_agree():
    assert_compiled_agrees(COMPILED)


def test_every_op_of_the_family_is_tested():
    assert covered(CASES, family)
    assert covered(COMPILED, family)


def test_mean_squared_error_is_the_mean_of_squares():
    assert ops.mean_squared_error(np.array([1.0, 2.0, 4.0]), np.array([1.0, 0.0, 1.0])) == pytest.approx(13 / 3)


def test_mean_absolute_error_is_the_mean_of_sizes():
    assert ops.mean_absolute_error(np.array([1.0, 2.0, 4.0]), np.array([1.0, 0.0, 7.0])) == pytest.approx(5 / 3)


@pytest.mark.parametrize("delta", [0.5, 1.0, 2.0])
def test_huber_is_that_of_scipy(delta):
    prediction, target = np.random.default_rng(2).normal(0, 2, (2, 40))
    mean = special.huber(delta, prediction - target).mean()
    assert ops.huber(prediction, target, delta) == pytest.approx(mean, rel=1e-14)


def test_cross_entropy_is_the_mean_surprise_of_the_targets():
    logits, targets = np.random.default_rng(3).standard_normal((5, 4)), np.array([0, 3, 1, 1, 2])
    surprises = [-np.log(np.exp(row[t]) / np.exp(row).sum()) for row, t in zip(logits, targets, strict=True)]
    assert ops.cross_entropy(logits, targets) == pytest.approx(np.mean(surprises), rel=1e-14)


def test_cross_entropy_of_a_hopeless_prediction_is_large_and_finite():
    assert ops.cross_entropy(np.array([[0.0, 1e4]]), np.array([0])) == pytest.approx(1e4)
    np.testing.assert_allclose(ops.cross_entropy_vjp(np.array([[0.0, 1e4]]), np.array([0]), 1.0), [[-1.0, 1.0]])


def test_the_kink_of_the_absolute_error_has_slope_zero():
    d_prediction, d_target = ops.mean_absolute_error_vjp(np.array([1.0, 2.0]), np.array([1.0, 0.0]), 1.0)
    np.testing.assert_array_equal(d_prediction, [0.0, 0.5])
    np.testing.assert_array_equal(d_target, [0.0, -0.5])


@pytest.mark.parametrize("name", REGRESSION)
def test_a_cotangent_may_be_an_array_without_axes(name):
    prediction, target = np.random.default_rng(4).standard_normal((2, 3))
    vjp = getattr(ops, f"{name}_vjp")
    np.testing.assert_array_equal(vjp(prediction, target, np.array(0.5)), vjp(prediction, target, 0.5))


@pytest.mark.parametrize("name", REGRESSION)
def test_shapes_that_would_broadcast_are_refused(name):
    with pytest.raises(ValueError, match=r"got \(\(3, 1\), \(3,\)\), allowed: .*same shape"):
        getattr(ops, name)(np.ones((3, 1)), np.ones(3))
    with pytest.raises(ValueError, match=r"got \(0,\), allowed: at least one element"):
        getattr(ops, name)(np.ones(0), np.ones(0))


@pytest.mark.parametrize("delta", [0.0, -1.0, np.nan])
def test_huber_refuses_a_delta_that_is_not_positive(delta):
    with pytest.raises(ValueError, match=r"huber: got .*, allowed: delta > 0"):
        ops.huber(np.ones(2), np.ones(2), delta)


@pytest.mark.parametrize(
    ("logits", "targets", "message"),
    [
        (np.ones((2, 3)), np.array([0, 3]), r"got \(0, 3\), allowed: 0 <= target < c"),
        (np.ones((2, 3)), np.array([-1, 0]), r"got \(-1, 0\), allowed: 0 <= target < c"),
        (np.ones((2, 3)), np.array([0]), r"got \(\(2, 3\), \(1,\)\), allowed: one target for each row"),
        (np.ones((0, 3)), np.zeros(0, int), r"got \(0, 3\), allowed: .*at least one element"),
    ],
)
def test_targets_that_name_no_class_are_refused(logits, targets, message):
    with pytest.raises(ValueError, match=f"cross_entropy: {message}"):
        ops.cross_entropy(logits, targets)
    with pytest.raises(ValueError, match=f"cross_entropy: {message}"):
        ops.cross_entropy_vjp(logits, targets, 1.0)
