"""Selection: repeated positions accumulate, masks stop the gradient."""

import numpy as np
import pytest
from op_case import OpCase, assert_compiled_agrees, assert_output_is_fresh, assert_vjp_is_the_derivative, covered, ids

from gradaudit import ops
from gradaudit.ops import indexing

REPEATED = np.array([[0, 2, 2], [-1, 0, 1]])
MASK = np.array([[True, False, False], [False, True, True]])
CASES = [OpCase("get_item", ((3, 4, 3), REPEATED), {"axis": axis}) for axis in (0, 1, 2, -1)]
CASES += [OpCase("get_item", ((3, 2), 1)), OpCase("get_item", ((3,), np.array(-1)))]
CASES += [OpCase("get_item", ((3, 2), np.array([], dtype=int)))]
CASES += [OpCase("mask_fill", ((2, 3), MASK), {"value": -1.5}), OpCase("mask_fill", ((2, 2, 3), MASK))]
CASES += [OpCase("mask_fill", ((1, 3), MASK))]
COMPILED = [OpCase("get_item", ((3, 2), REPEATED), {"axis": 0}), OpCase("mask_fill", ((2, 3), MASK), {"value": -1.5})]


@pytest.mark.parametrize("case", CASES, ids=ids(CASES))
def test_the_vjp_is_the_derivative(case):
    assert_vjp_is_the_derivative(case)
    assert_output_is_fresh(case)


def test_compiled_and_plain_agree():
    assert_compiled_agrees(COMPILED)


def test_every_op_of_the_family_is_tested():
    assert covered(CASES, indexing)
    assert covered(COMPILED, indexing)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_get_item_takes_what_numpy_takes(axis):
    x = np.arange(36.0).reshape(3, 4, 3)
    np.testing.assert_array_equal(ops.get_item(x, REPEATED, axis), np.take(x, REPEATED, axis))


def test_a_position_taken_twice_gets_both_cotangents():
    claim = ops.get_item_vjp(np.zeros(3), np.array([1, 1, -2]), np.array([1.0, 10.0, 100.0]))
    np.testing.assert_array_equal(claim, [0.0, 111.0, 0.0])


def test_mask_fill_writes_the_value_under_the_mask_only():
    np.testing.assert_array_equal(ops.mask_fill(np.ones((2, 3)), MASK, 7.0), [[7, 1, 1], [1, 7, 7]])


@pytest.mark.parametrize("index", [3, -4])
def test_an_index_out_of_range_is_refused(index):
    with pytest.raises(ValueError, match=r"get_item: got .*-length <= index < length"):
        ops.get_item(np.ones(3), np.array([0, index]))
