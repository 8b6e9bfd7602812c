"""Reductions: every axis, negative too, with and without kept axes."""

import numpy as np
import pytest
from op_case import OpCase, assert_compiled_agrees, assert_output_is_fresh, assert_vjp_is_the_derivative, covered, ids

from gradaudit import ops
from gradaudit.ops import reduction


def _logsumexp(x, axis, keepdims):
    return np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))


NUMPY = {
    "sum": np.sum, "mean": np.mean, "variance": np.var, "max": np.max, "min": np.min, "logsumexp": _logsumexp,
}  # fmt: skip
PLACES = [((2, 3, 4), axis) for axis in (None, 0, 1, 2, -1, -3)]
PLACES += [((5,), 0), ((2, 1, 3), 1), ((), None), ((1, 1), -2), ((4,), None)]
CASES = [
    OpCase(name, (shape,), {"axis": axis, "keepdims": keepdims})
    for name in NUMPY
    for shape, axis in PLACES
    for keepdims in (False, True)
]
COMPILED = [OpCase(name, ((2, 3),), {"axis": -2, "keepdims": True}) for name in NUMPY]
COMPILED += [OpCase(name, ((2, 3),)) for name in ("sum", "max")] + [OpCase("logsumexp", ((2, 3),), {"axis": 1})]


@pytest.mark.parametrize("case", CASES, ids=ids(CASES))
def test_the_vjp_is_the_derivative(case):
    assert_vjp_is_the_derivative(case)


@pytest.mark.parametrize("case", CASES, ids=ids(CASES))
def test_values_and_shapes_are_those_of_numpy(case):
    (x,) = case.arrays()
    result, reference = case.function(x, **case.options), NUMPY[case.name](x, **case.options)
    assert np.shape(result) == np.shape(reference)
    np.testing.assert_allclose(result, reference, rtol=1e-13, atol=1e-15)
    assert_output_is_fresh(case)


def test_compiled_and_plain_agree():
    assert_compiled_agrees(COMPILED)


def test_every_op_of_the_family_is_tested():
    assert covered(CASES, reduction)
    assert covered(COMPILED, reduction)


@pytest.mark.parametrize("name", ["max", "min"])
def test_among_equals_the_first_takes_the_whole_gradient(name):
    x = np.array([[2.0, 2.0], [1.0, 1.0]])
    claim = getattr(ops, f"{name}_vjp")(x, np.array([3.0, 5.0]), axis=1)
    np.testing.assert_array_equal(claim, [[3.0, 0.0], [5.0, 0.0]])


def test_logsumexp_neither_overflows_nor_loses_an_empty_row():
    assert ops.logsumexp(np.array([1000.0, 1000.0])) == 1000.0 + np.log(2.0)
    assert ops.logsumexp(np.array([-np.inf, 3.0])) == 3.0
    assert ops.logsumexp(np.array([np.inf, 3.0])) == np.inf


def test_a_nan_is_the_largest_and_the_smallest():
    x = np.array([1.0, np.nan, 2.0])
    assert np.isnan(ops.max(x))
    assert np.isnan(ops.min(x))


def test_an_axis_that_is_not_there_is_refused_with_both_numbers():
    with pytest.raises(ValueError, match=r"axis: got \(3, 2\), allowed: -ndim <= axis < ndim"):
        ops.sum(np.ones((2, 2)), axis=3)


def test_the_largest_of_nothing_is_refused():
    with pytest.raises(ValueError, match=r"max or min: got \(2, 0, 1\)"):
        ops.max(np.ones((2, 0)), axis=1)
