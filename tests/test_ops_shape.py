"""Shape functions: every result is a fresh array whose elements keep their places."""

import numpy as np
import pytest
from op_case import OpCase, assert_compiled_agrees, assert_output_is_fresh, assert_vjp_is_the_derivative, covered, ids

from gradaudit import ops
from gradaudit.ops import shape

CASES = [
    OpCase("reshape", ((2, 6),), {"shape": (3, 4)}),
    OpCase("reshape", ((2, 6),), {"shape": (-1,)}),
    OpCase("reshape", ((),), {"shape": (1, 1)}),
    OpCase("transpose", ((2, 3, 4),)),
    OpCase("transpose", ((2, 3, 4),), {"axes": (1, 2, 0)}),
    OpCase("transpose", ((2, 3, 4),), {"axes": (-1, 0, -2)}),
    OpCase("transpose", ((3,),)),
    OpCase("transpose", ((2, 3),), {"axes": (0, 1)}),
    OpCase("squeeze", ((2, 1, 3),), {"axis": -2}),
    OpCase("squeeze", ((1,),), {"axis": 0}),
    OpCase("unsqueeze", ((2, 3),), {"axis": -1}),
    OpCase("unsqueeze", ((2, 3),), {"axis": 1}),
    OpCase("unsqueeze", ((),), {"axis": 0}),
    OpCase("broadcast_to", ((3, 1),), {"shape": (2, 3, 4)}),
    OpCase("broadcast_to", ((3,),), {"shape": (3,)}),
    OpCase("broadcast_to", ((),), {"shape": (2,)}),
    OpCase("sum_to", ((2, 3, 4),), {"shape": (3, 1)}),
    OpCase("sum_to", ((2, 3),), {"shape": ()}),
    OpCase("sum_to", ((2, 3),), {"shape": (2, 3)}),
    OpCase("sum_to", ((0, 3),), {"shape": (1, 3)}),
    OpCase("concat", ((2, 3), (4, 3))),
    OpCase("concat", ((2, 3), (2, 1)), {"axis": -1}),
    OpCase("concat", ((2, 0), (2, 1)), {"axis": 1}),
    OpCase("split", ((4, 3),), {"sections": 2}),
    OpCase("split", ((2, 6),), {"sections": 3, "axis": -1}),
    OpCase("split", ((3,),), {"sections": 1}),
]
COMPILED = [
    OpCase("reshape", ((2, 6),), {"shape": (3, -1)}),
    OpCase("transpose", ((2, 3),)),
    OpCase("transpose", ((2, 3),), {"axes": (-1, 0)}),
    OpCase("squeeze", ((2, 1),), {"axis": -1}),
    OpCase("squeeze", ((1,),), {"axis": 0}),
    OpCase("unsqueeze", ((3,),), {"axis": -1}),
    OpCase("broadcast_to", ((3, 1),), {"shape": (3, 4)}),
    OpCase("sum_to", ((2, 3),), {"shape": (3,)}),
    OpCase("sum_to", ((2, 3),), {"shape": ()}),
    OpCase("concat", ((2, 3), (2, 1)), {"axis": -1}),
    OpCase("split", ((2, 6),), {"sections": 3, "axis": -1}),
]


@pytest.mark.parametrize("case", CASES, ids=ids(CASES))
def test_the_vjp_is_the_derivative(case):
    assert_vjp_is_the_derivative(case)


@pytest.mark.parametrize("case", CASES, ids=ids(CASES))
def test_a_result_shares_no_memory_with_its_inputs(case):
    assert_output_is_fresh(case)


def test_compiled_and_plain_agree():
    assert_compiled_agrees(COMPILED)


def test_every_op_of_the_family_is_tested():
    assert covered(CASES, shape)
    assert covered(COMPILED, shape)


def test_values_are_those_of_numpy():
    x = np.arange(24.0).reshape(2, 3, 4)
    np.testing.assert_array_equal(ops.reshape(x, (4, -1)), x.reshape(4, 6))
    np.testing.assert_array_equal(ops.transpose(x, (-1, 0, 1)), x.transpose(2, 0, 1))
    np.testing.assert_array_equal(ops.unsqueeze(x, -2), np.expand_dims(x, -2))
    np.testing.assert_array_equal(ops.squeeze(x[:, :1], 1), x[:, 0])
    np.testing.assert_array_equal(ops.broadcast_to(x[0], (5, 3, 4)), np.broadcast_to(x[0], (5, 3, 4)))
    np.testing.assert_array_equal(ops.sum_to(x, (3, 1)), x.sum((0, 2))[:, None])
    np.testing.assert_array_equal(ops.concat(x, x, -1), np.concatenate((x, x), -1))
    np.testing.assert_array_equal(ops.split(x, 2, -1), np.split(x, 2, -1))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: ops.transpose(x, (0, 0)), r"transpose: got \(\(0, 0\), \(2, 3\)\), allowed: axes that name each"),
        (lambda x: ops.transpose(x, (0,)), r"transpose: got \(\(0,\), \(2, 3\)\)"),
        (lambda x: ops.squeeze(x, 1), r"squeeze: got \(\(2, 3\), 1\), allowed: an axis of length 1"),
        (lambda x: ops.unsqueeze(x, 3), r"axis: got \(3, 3\)"),
        (lambda x: ops.concat(x, x[:, :2]), r"concat: got \(\(2, 3\), \(2, 2\), 0\), allowed: equal shapes outside"),
        (lambda x: ops.split(x, 2, 1), r"split: got \(\(2, 3\), 2, 1\), allowed: a number of sections that divides"),
        (lambda x: ops.sum_to(x, (2, 2)), r"sum_to: got \(\(2, 3\), \(2, 2\)\), allowed: a shape that broadcasts"),
        (lambda x: ops.sum_to(x, (1, 2, 3)), r"broadcast: got \(\(1, 2, 3\), \(2, 3\)\)"),
        (lambda x: ops.broadcast_to(x, (2, 2)), r"broadcast_to: got \(\(2, 3\), \(2, 2\)\)"),
        (lambda x: ops.reshape(x, (4,)), r"reshape: got \(\(2, 3\), \(4,\)\)"),
    ],
)
def test_a_bad_shape_is_refused_with_what_was_measured_and_what_is_allowed(call, message):
    with pytest.raises(ValueError, match=message):
        call(np.ones((2, 3)))
