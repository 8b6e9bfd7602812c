"""Dropout with a given mask."""

import numpy as np
import pytest
from op_case import OpCase, assert_compiled_agrees, assert_output_is_fresh, assert_vjp_is_the_derivative, covered, ids

from gradaudit import ops
from gradaudit.ops import regularise as family

KEPT = np.array([[True, False, True], [True, True, False]])
CASES = [
    OpCase("dropout", ((2, 3), KEPT)),
    OpCase("dropout", ((2, 3), KEPT), {"rate": 0.3}),
    OpCase("dropout", ((2, 3), KEPT.astype(np.int64)), {"rate": 0.0}),
    OpCase("dropout", ((), np.array(True))),
    OpCase("dropout", ((0, 2), np.zeros((0, 2), bool))),
]
COMPILED = [OpCase("dropout", ((2, 3), KEPT), {"rate": 0.3})]


@pytest.mark.parametrize("case", CASES, ids=ids(CASES))
def test_the_vjp_is_the_derivative(case):
    assert_vjp_is_the_derivative(case)
    assert_output_is_fresh(case)


def test_compiled_and_plain_agree():
    assert_compiled_agrees(COMPILED)


def test_every_op_of_the_family_is_tested():
    assert covered(CASES, family)
    assert covered(COMPILED, family)


def test_what_is_kept_is_scaled_up_and_the_rest_is_zero():
    x = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    np.testing.assert_allclose(ops.dropout(x, KEPT, 0.75), [[4.0, 0.0, 12.0], [16.0, 20.0, 0.0]])


def test_float32_stays_float32():
    x = np.ones((2, 3), np.float32)
    assert ops.dropout(x, KEPT, 0.3).dtype == np.float32
    assert ops.dropout_vjp(x, KEPT, x, 0.3).dtype == np.float32


def test_the_expectation_over_masks_is_x():
    kept = np.random.default_rng(8).random(100_000) >= 0.2
    assert ops.dropout(np.ones(kept.size), kept, 0.2).mean() == pytest.approx(1.0, abs=0.01)


def test_a_mask_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"dropout: got \(\(2, 3\), \(3,\)\), allowed: a mask of the shape of x"):
        ops.dropout(np.ones((2, 3)), np.ones(3, bool))


@pytest.mark.parametrize("rate", [-0.1, 1.0, 2.0, np.nan])
def test_a_rate_that_leaves_nothing_is_refused(rate):
    with pytest.raises(ValueError, match=r"dropout: got .*, allowed: 0 <= rate < 1"):
        ops.dropout(np.ones(2), np.ones(2, bool), rate)
