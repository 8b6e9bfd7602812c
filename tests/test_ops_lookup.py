"""Embedding: rows by number, each of which adds up what it was used for."""

import numba
import numpy as np
import pytest
from op_case import OpCase, assert_compiled_agrees, assert_output_is_fresh, assert_vjp_is_the_derivative, covered, ids

from gradaudit import ops
from gradaudit.ops import lookup as family

CASES = [
    OpCase("embedding", ((4, 3), np.array([[0, 2], [2, 2]]))),
    OpCase("embedding", ((4, 3), np.array([3, 0, 3], dtype=np.int32))),
    OpCase("embedding", ((1, 1), np.array(0))),
    OpCase("embedding", ((4, 2), np.zeros((0, 3), int))),
]
COMPILED = [OpCase("embedding", ((4, 3), np.array([[0, 2], [2, 2]])))]


@pytest.mark.parametrize("case", CASES, ids=ids(CASES))
def test_the_vjp_is_the_derivative(case):
    assert_vjp_is_the_derivative(case)
    assert_output_is_fresh(case)


def test_compiled_and_plain_agree():
    assert_compiled_agrees(COMPILED)


def test_every_op_of_the_family_is_tested():
    assert covered(CASES, family)
    assert covered(COMPILED, family)


def test_rows_are_taken_by_their_number():
    weight = np.arange(8.0).reshape(4, 2)
    np.testing.assert_array_equal(ops.embedding(weight, np.array([[3, 0]])), [[[6.0, 7.0], [0.0, 1.0]]])


def test_a_row_that_is_used_again_accumulates_and_an_unused_row_gets_nothing():
    cotangent = np.array([[1.0, 2.0], [10.0, 20.0], [100.0, 200.0]])
    d_weight = ops.embedding_vjp(np.ones((3, 2)), np.array([2, 0, 2]), cotangent)
    np.testing.assert_array_equal(d_weight, [[10.0, 20.0], [0.0, 0.0], [101.0, 202.0]])


@pytest.mark.parametrize("index", [-1, 3])
def test_an_index_outside_of_the_table_is_refused_in_compiled_code_too(index):
    with pytest.raises(ValueError, match=r"embedding: got \(-?\d, \d, 3\), allowed: 0 <= index < v"):
        ops.embedding(np.ones((3, 2)), np.array([0, index]))

    @numba.njit
    def compiled(weight, indices):
        return ops.embedding(weight, indices)

    with pytest.raises(ValueError, match="embedding: allowed: 0 <= index < v"):
        compiled(np.ones((3, 2)), np.array([[0, index]]))


def test_a_table_that_is_no_matrix_is_refused():
    with pytest.raises(ValueError, match=r"embedding: got \(3,\), allowed: weight with two axes"):
        ops.embedding(np.ones(3), np.array([0]))
