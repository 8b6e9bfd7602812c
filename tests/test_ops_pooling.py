"""Pooling over windows."""

import numpy as np
import pytest
from op_case import OpCase, assert_compiled_agrees, assert_output_is_fresh, assert_vjp_is_the_derivative, covered, ids

from gradaudit import ops
from gradaudit.ops import pooling as family

NAMES = ("max_pool2d", "avg_pool2d")
OPTIONS = [{}, {"size": 1, "stride": 1}, {"size": 3, "stride": 1}, {"size": 2, "stride": 3}]
SHAPES = ((2, 3, 4, 5), (1, 1, 3, 3), (0, 1, 4, 4))
CASES = [OpCase(name, (shape,), options) for name in NAMES for shape in SHAPES for options in OPTIONS]
COMPILED = [OpCase(name, ((2, 3, 4, 5),), {"size": 3, "stride": 1}) for name in NAMES]
PLAIN = {"max_pool2d": np.max, "avg_pool2d": np.mean}


@pytest.mark.parametrize("case", CASES, ids=ids(CASES))
def test_the_vjp_is_the_derivative(case):
    assert_vjp_is_the_derivative(case)
    assert_output_is_fresh(case)


def test_compiled_and_plain_agree():
    assert_compiled_agrees(COMPILED)


def test_every_op_of_the_family_is_tested():
    assert covered(CASES, family)
    assert covered(COMPILED, family)


@pytest.mark.parametrize("case", CASES, ids=ids(CASES))
def test_values_are_those_of_plain_loops(case):
    (x,) = case.arrays()
    out = case.function(x, **case.options)
    size, stride = case.options.get("size", 2), case.options.get("stride", 2)
    assert out.shape == (*x.shape[:2], (x.shape[2] - size) // stride + 1, (x.shape[3] - size) // stride + 1)
    for n, c, r, s in np.ndindex(out.shape):
        window = x[n, c, r * stride : r * stride + size, s * stride : s * stride + size]
        assert out[n, c, r, s] == pytest.approx(PLAIN[case.name](window), rel=1e-14)


def test_the_first_of_several_largest_elements_takes_the_whole_cotangent():
    x = np.array([[[[0.0, 5.0], [5.0, 5.0]]]])
    np.testing.assert_array_equal(ops.max_pool2d_vjp(x, np.full((1, 1, 1, 1), 3.0)), [[[[0.0, 3.0], [0.0, 0.0]]]])


def test_the_largest_element_of_two_windows_adds_up_both_cotangents():
    x = np.array([[[[0.0, 9.0, 0.0], [0.0, 0.0, 0.0]]]])
    d_x = ops.max_pool2d_vjp(x, np.array([[[[1.0, 10.0]]]]), 2, 1)
    np.testing.assert_array_equal(d_x, [[[[0.0, 11.0, 0.0], [0.0, 0.0, 0.0]]]])


def test_a_nan_is_the_largest_and_takes_the_cotangent():
    x = np.array([[[[0.0, 1.0], [np.nan, 5.0]]]])
    assert np.isnan(ops.max_pool2d(x)).all()
    np.testing.assert_array_equal(ops.max_pool2d_vjp(x, np.ones((1, 1, 1, 1))), [[[[0.0, 0.0], [1.0, 0.0]]]])


def test_elements_that_no_window_reaches_have_no_gradient():
    d_x = ops.avg_pool2d_vjp(np.ones((1, 1, 3, 3)), np.full((1, 1, 1, 1), 4.0))
    np.testing.assert_array_equal(d_x, [[[[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.0]]]])


@pytest.mark.parametrize("name", NAMES)
def test_what_does_not_fit_is_refused(name):
    with pytest.raises(ValueError, match=r"pooling: got \(4, 4\), allowed: x with four axes"):
        getattr(ops, name)(np.ones((4, 4)))
    with pytest.raises(ValueError, match=r"window: got \(3, 2, 0\), allowed: size <= extent"):
        getattr(ops, name)(np.ones((1, 1, 2, 2)), 3)
    with pytest.raises(ValueError, match=r"window: got \(0, 2, 0\), allowed: size >= 1"):
        getattr(ops, name)(np.ones((1, 1, 2, 2)), 0)
