"""Softmax and its logarithm: along every axis, and far from zero."""

import numpy as np
import pytest
from op_case import OpCase, assert_compiled_agrees, assert_output_is_fresh, assert_vjp_is_the_derivative, covered, ids
from scipy import special

from gradaudit import ops
from gradaudit.ops import probability as family

SHAPES = [
    ((4,), -1),
    ((1,), 0),
    ((2, 3), 0),
    ((2, 3), -1),
    ((2, 1, 3), 1),
    ((2, 4, 3), -2),
    ((2, 3), None),
    ((0, 3), -1),
]
NAMES = ("softmax", "log_softmax")
CASES = [OpCase(name, (shape,), {"axis": axis}) for name in NAMES for shape, axis in SHAPES]
CASES += [OpCase(name, ((2, 3),)) for name in NAMES]
COMPILED = [OpCase(name, ((2, 4, 3),), {"axis": 1}) for name in NAMES]


@pytest.mark.parametrize("case", CASES, ids=ids(CASES))
def test_the_vjp_is_the_derivative(case):
    assert_vjp_is_the_derivative(case)
    assert_output_is_fresh(case)


def test_compiled_and_plain_agree():
    assert_compiled_agrees(COMPILED)


def test_every_op_of_the_family_is_tested():
    assert covered(CASES, family)
    assert covered(COMPILED, family)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("shape", "axis"), SHAPES[:-1], ids=str)
def test_values_are_those_of_scipy(name, shape, axis):
    x = 3 * np.random.default_rng(1).standard_normal(shape)
    np.testing.assert_allclose(getattr(ops, name)(x, axis), getattr(special, name)(x, axis), rtol=1e-13, atol=1e-15)


def test_the_last_axis_is_the_default():
    np.testing.assert_allclose(ops.softmax(np.zeros((2, 4))), 0.25)
    np.testing.assert_allclose(ops.log_softmax(np.zeros((2, 4))), -np.log(4))


def test_large_numbers_do_not_overflow_and_small_differences_survive_them():
    x = np.array([1e8, 1e8 + 1, -1e8])
    np.testing.assert_allclose(ops.softmax(x), special.softmax([0.0, 1.0, -2e8]), rtol=1e-14)
    np.testing.assert_allclose(ops.log_softmax(x), special.log_softmax([0.0, 1.0, -2e8]), rtol=1e-14)


def test_minus_infinity_has_no_share():
    np.testing.assert_array_equal(ops.softmax(np.array([0.0, -np.inf, 0.0])), [0.5, 0.0, 0.5])


def test_a_nan_spoils_its_own_lane_only():
    shares = ops.softmax(np.array([[0.0, np.nan, 1.0], [0.0, 0.0, 0.0]]))
    assert np.isnan(shares[0]).all()
    np.testing.assert_allclose(shares[1], 1 / 3)


@pytest.mark.parametrize("name", NAMES)
def test_an_axis_that_is_empty_or_missing_is_refused(name):
    with pytest.raises(ValueError, match=r"got \(2, 0, 1\), allowed: .*at least one element"):
        getattr(ops, name)(np.ones((2, 0)))
    with pytest.raises(ValueError, match=r"axis: got \(2, 2\)"):
        getattr(ops, name)(np.ones((2, 3)), 2)
