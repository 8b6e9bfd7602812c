"""Scaled dot-product attention."""

import numpy as np
import pytest
from op_case import OpCase, assert_compiled_agrees, assert_output_is_fresh, assert_vjp_is_the_derivative, covered, ids
from scipy import special

from gradaudit import ops
from gradaudit.ops import transformer as family

SHAPES = [
    ((1, 1), (1, 1), (1, 1)), ((3, 4), (5, 4), (5, 2)), ((2, 3, 4), (2, 5, 4), (2, 5, 1)),
    ((2, 1, 3, 2), (2, 1, 4, 2), (2, 1, 4, 3)), ((0, 3, 2), (0, 4, 2), (0, 4, 2)),
]  # fmt: skip
CASES = [OpCase("attention", shapes) for shapes in SHAPES]
COMPILED = [OpCase("attention", ((2, 3, 4), (2, 5, 4), (2, 5, 6)))]


@pytest.mark.parametrize("case", CASES, ids=ids(CASES))
def test_the_vjp_is_the_derivative(case):
    assert_vjp_is_the_derivative(case)
    assert_output_is_fresh(case)


def test_compiled_and_plain_agree():
    assert_compiled_agrees(COMPILED)


def test_every_op_of_the_family_is_tested():
    assert covered(CASES, family)
    assert covered(COMPILED, family)


def test_each_query_gets_the_average_of_the_values_weighted_by_softmax():
    q, k, v = OpCase("attention", ((2, 3, 4), (2, 5, 4), (2, 5, 6))).arrays()
    for batch, query in np.ndindex(2, 3):
        weights = special.softmax([q[batch, query] @ key / 2.0 for key in k[batch]])  # 2 is the root of d
        by_hand = sum(weight * value for weight, value in zip(weights, v[batch], strict=True))
        np.testing.assert_allclose(ops.attention(q, k, v)[batch, query], by_hand, rtol=1e-13)


def test_one_key_leaves_nothing_to_choose():
    value = np.array([[3.0, -1.0]])
    np.testing.assert_array_equal(ops.attention(np.ones((4, 2)), np.ones((1, 2)), value), np.repeat(value, 4, axis=0))


def test_large_scores_do_not_overflow():
    attended = ops.attention(np.full((1, 1), 1e3), np.array([[1e3], [-1e3]]), np.array([[1.0], [2.0]]))
    np.testing.assert_array_equal(attended, [[1.0]])


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (((3, 4), (5, 3), (5, 2)), "equal d > 0"),
        (((3, 4), (5, 4), (4, 2)), "one value for each key"),
        (((3, 4), (0, 4), (0, 2)), "s > 0"),
        (((2, 3, 4), (1, 5, 4), (2, 5, 2)), "equal batch axes"),
        (((2, 3, 4), (5, 4), (5, 2)), "axes alike"),
        (((4,), (4,), (4,)), "axes alike"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(shapes, message):
    with pytest.raises(ValueError, match=f"attention: got .*, allowed: .*{message}"):
        ops.attention(*(np.ones(shape) for shape in shapes))
