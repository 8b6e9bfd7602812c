"""Activation functions: right everywhere, far from zero too."""

import numpy as np
import pytest
from op_case import OpCase, assert_compiled_agrees, assert_vjp_is_the_derivative, covered, ids
from scipy import special

from gradaudit import ops
from gradaudit.ops import activation

NAMES = ("tanh", "sigmoid", "relu", "leaky_relu", "gelu", "softplus")
CASES = [OpCase(name, (shape,)) for name in NAMES for shape in ((), (1,), (2, 3), (2, 1, 2), (0, 3))]
CASES += [OpCase("leaky_relu", ((3, 2),), {"slope": 0.3})]
COMPILED = [OpCase(name, ((2, 3),)) for name in NAMES] + [OpCase("gelu", ((),))]
FAR = np.array([-800.0, -40.0, -1.0, 0.0, 1.0, 40.0, 800.0])


@pytest.mark.parametrize("case", CASES, ids=ids(CASES))
def test_the_vjp_is_the_derivative(case):
    assert_vjp_is_the_derivative(case)


def test_compiled_and_plain_agree():
    assert_compiled_agrees(COMPILED)


def test_every_op_of_the_family_is_tested():
    assert covered(CASES, activation)
    assert covered(COMPILED, activation)


def test_values_are_those_of_scipy_far_from_zero_too():
    np.testing.assert_allclose(ops.sigmoid(FAR), special.expit(FAR), rtol=1e-14)
    np.testing.assert_allclose(ops.softplus(FAR), np.logaddexp(0.0, FAR), rtol=1e-14)
    np.testing.assert_allclose(ops.gelu(FAR), FAR * special.ndtr(FAR), rtol=1e-12)
    np.testing.assert_allclose(ops.tanh(FAR), np.tanh(FAR))


def test_values_on_both_sides_of_the_kink():
    x = np.array([-2.0, 0.0, 3.0])
    np.testing.assert_array_equal(ops.relu(x), [0.0, 0.0, 3.0])
    np.testing.assert_array_equal(ops.leaky_relu(x, 0.1), [-0.2, 0.0, 3.0])


@pytest.mark.parametrize("name", NAMES)
def test_slopes_far_from_zero_are_finite_and_silent(name):
    assert np.isfinite(getattr(ops, f"{name}_vjp")(FAR, np.ones(7))).all()


def test_slopes_keep_their_relative_accuracy_where_one_minus_the_square_would_cancel():
    np.testing.assert_allclose(ops.sigmoid_vjp(40.0, 1.0), np.exp(-40.0), rtol=1e-12)
    np.testing.assert_allclose(ops.tanh_vjp(20.0, 1.0), 4.0 * np.exp(-40.0), rtol=1e-12)


def test_relu_is_flat_at_zero():
    assert ops.relu_vjp(np.array([0.0]), np.array([5.0]))[0] == 0.0
