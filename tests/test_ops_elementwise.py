"""Elementary functions: derivatives off their kinks, and the documented choice on them."""

import numpy as np
import pytest
from op_case import OpCase, assert_compiled_agrees, assert_vjp_is_the_derivative, covered, ids

from gradaudit import ops
from gradaudit.ops import elementwise

UNARY = ("exp", "log", "sin", "cos", "tan")
BINARY = ("maximum", "minimum")
CASES = [OpCase(name, (shape,), positive=name in ("log", "tan")) for name in UNARY for shape in ((), (1,), (2, 3))]
CASES += [OpCase(name, shapes) for name in BINARY for shapes in (((2, 3), (3,)), ((2, 1), (1, 4)), ((), (3,)))]
CASES += [OpCase(name, inputs) for name in BINARY for inputs in (((2, 3), 0.1), (0.1, (2, 3)))]
CASES += [OpCase("clip", ((2, 3),), options) for options in ({}, {"low": -0.5}, {"low": -0.5, "high": 0.6})]
COMPILED = [OpCase(name, ((2, 3),), positive=True) for name in UNARY]
COMPILED += [OpCase(name, ((2, 3), (3,))) for name in BINARY] + [OpCase("clip", ((2, 3),), {"low": -0.5})]


@pytest.mark.parametrize("case", CASES, ids=ids(CASES))
def test_the_vjp_is_the_derivative(case):
    assert_vjp_is_the_derivative(case)


def test_compiled_and_plain_agree():
    assert_compiled_agrees(COMPILED)


def test_every_op_of_the_family_is_tested():
    assert covered(CASES, elementwise)
    assert covered(COMPILED, elementwise)


@pytest.mark.parametrize("name", UNARY + BINARY)
def test_values_are_those_of_numpy(name):
    inputs = (np.array([0.5, 2.0]), np.array([1.0, 1.0]))[: 1 if name in UNARY else 2]
    np.testing.assert_array_equal(getattr(ops, name)(*inputs), getattr(np, name)(*inputs))


def test_clip_bounds_both_sides():
    np.testing.assert_array_equal(ops.clip(np.array([-2.0, 0.5, 2.0]), -1.0, 1.0), [-1.0, 0.5, 1.0])


def test_at_its_ends_clip_has_the_slope_of_the_inside():
    x = np.array([-1.5, -1.0, 0.0, 1.0, 1.5])
    np.testing.assert_array_equal(ops.clip_vjp(x, np.ones(5), -1.0, 1.0), [0, 1, 1, 1, 0])


@pytest.mark.parametrize("name", BINARY)
def test_among_equals_the_first_operand_takes_the_whole_gradient(name):
    first, second = getattr(ops, f"{name}_vjp")(np.array([1.0]), np.array([1.0]), np.array([3.0]))
    assert (first[0], second[0]) == (3.0, 0.0)
