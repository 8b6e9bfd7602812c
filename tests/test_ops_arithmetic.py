"""Arithmetic: values, gradients summed back over broadcasting, and constants on either side."""

import numpy as np
import pytest
from op_case import (
    OpCase,
    assert_compiled_agrees,
    assert_output_is_fresh,
    assert_vjp_is_the_derivative,
    covered,
    ids,
)

from gradaudit import ops
from gradaudit.ops import arithmetic

BINARY = ("add", "sub", "mul", "div", "pow")
UNARY = ("neg", "square", "sqrt")
SHAPES = [((3,), (3,)), ((2, 3), (3,)), ((3, 1), (2, 1, 4)), ((), (2, 2)), ((1, 3), ()), ((), ()), ((2, 0), (1,))]
CASES = [OpCase(name, shapes, positive=True) for name in BINARY for shapes in SHAPES]
CASES += [OpCase(name, inputs, positive=True) for name in BINARY for inputs in (((2, 3), 1.5), (1.5, (2, 3)))]
CASES += [OpCase(name, (shape,), positive=True) for name in UNARY for shape in ((), (1,), (2, 3), (2, 1, 2))]
COMPILED = [OpCase(name, ((2, 3), (3,)), positive=True) for name in BINARY]
COMPILED += [OpCase("mul", ((2, 3), 2.5)), OpCase("div", (2.5, (3,)), positive=True)]
COMPILED += [OpCase(name, ((2, 3),), positive=True) for name in UNARY]


@pytest.mark.parametrize("case", CASES, ids=ids(CASES))
def test_the_vjp_is_the_derivative_summed_over_broadcasting(case):
    assert_vjp_is_the_derivative(case)


@pytest.mark.parametrize("case", CASES, ids=ids(CASES))
def test_a_result_shares_no_memory_with_its_inputs(case):
    assert_output_is_fresh(case)


def test_compiled_and_plain_agree():
    assert_compiled_agrees(COMPILED)


def test_every_op_of_the_family_is_tested():
    assert covered(CASES, arithmetic)
    assert covered(COMPILED, arithmetic)


def test_values_are_those_of_the_operators():
    a, b = np.array([[1.0], [-2.0]]), np.array([4.0, 0.5])
    np.testing.assert_array_equal(ops.add(a, b), [[5.0, 1.5], [2.0, -1.5]])
    np.testing.assert_array_equal(ops.sub(a, b), [[-3.0, 0.5], [-6.0, -2.5]])
    np.testing.assert_array_equal(ops.mul(a, b), [[4.0, 0.5], [-8.0, -1.0]])
    np.testing.assert_array_equal(ops.div(a, b), [[0.25, 2.0], [-0.5, -4.0]])
    np.testing.assert_array_equal(ops.pow(b, 2), [16.0, 0.25])
    np.testing.assert_array_equal(ops.neg(b), [-4.0, -0.5])
    np.testing.assert_array_equal(ops.square(a), [[1.0], [4.0]])
    assert ops.sqrt(np.float64(9.0)) == 3.0


def test_a_constant_exponent_differentiates_at_negative_bases_and_at_zero():
    x = np.array([-2.0, 0.0, 3.0])
    by_base, _ = ops.pow_vjp(x, 3.0, np.ones(3))
    np.testing.assert_array_equal(by_base, [12.0, 0.0, 27.0])
    by_base, _ = ops.pow_vjp(x, 0.0, np.ones(3))
    np.testing.assert_array_equal(by_base, [0.0, 0.0, 0.0])


def test_the_exponent_has_no_derivative_at_a_negative_base_and_none_at_zero():
    _, by_exponent = ops.pow_vjp(np.array([-2.0, 0.0]), np.array([2.0, 2.0]), np.ones(2))
    assert np.isnan(by_exponent[0])
    assert by_exponent[1] == 0.0


def test_a_large_divisor_does_not_overflow_its_gradient():
    _, by_divisor = ops.div_vjp(1e200, 1e200, 1.0)
    np.testing.assert_allclose(by_divisor, -1e-200)


def test_float32_stays_float32():
    x = np.ones((2, 2), np.float32)
    assert ops.mul(x, 2.0).dtype == np.float32
    assert ops.square_vjp(x, x).dtype == np.float32
