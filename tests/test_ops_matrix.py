"""Matrix products: vectors, stacks and broadcast stacks."""

import numpy as np
import pytest
from op_case import OpCase, assert_compiled_agrees, assert_output_is_fresh, assert_vjp_is_the_derivative, covered, ids

from gradaudit import ops
from gradaudit.ops import matrix

PRODUCTS = [
    ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((2, 3), (3, 4)), ((1, 1), (1, 1)), ((5, 2, 3), (3, 2)),
    ((2, 3), (5, 3, 2)), ((2, 1, 2, 3), (4, 3, 2)), ((3,), (2, 3, 2)), ((2, 2, 3), (3,)), ((0, 3), (3, 2)),
]  # fmt: skip
CASES = [OpCase("matmul", shapes) for shapes in PRODUCTS]
CASES += [OpCase("linear", (x, (5, 3))) for x in ((3,), (2, 3), (2, 1, 3))]
CASES += [OpCase("linear_bias", (x, (5, 3), (5,))) for x in ((3,), (2, 3), (2, 1, 3))]
COMPILED = [OpCase("matmul", shapes) for shapes in (((2, 3), (3, 4)), ((2, 3), (3,)), ((2, 2, 3), (3, 2)))]
COMPILED += [OpCase("linear", ((2, 3), (5, 3))), OpCase("linear_bias", ((2, 3), (5, 3), (5,)))]


@pytest.mark.parametrize("case", CASES, ids=ids(CASES))
def test_the_vjp_is_the_derivative(case):
    assert_vjp_is_the_derivative(case)
    assert_output_is_fresh(case)


def test_compiled_and_plain_agree():
    assert_compiled_agrees(COMPILED)


def test_every_op_of_the_family_is_tested():
    assert covered(CASES, matrix)
    assert covered(COMPILED, matrix)


@pytest.mark.parametrize("shapes", PRODUCTS, ids=str)
def test_matmul_is_that_of_numpy(shapes):
    a, b = OpCase("matmul", shapes).arrays()
    result = ops.matmul(a, b)
    assert np.shape(result) == np.shape(a @ b)
    np.testing.assert_allclose(result, a @ b, rtol=1e-13, atol=1e-14)


def test_operands_laid_out_by_columns_give_the_same_product():
    a, b = OpCase("matmul", ((2, 3), (3, 4))).arrays()
    np.testing.assert_allclose(ops.matmul(np.asfortranarray(a), b.T.copy().T), a @ b, rtol=1e-13)


def test_linear_multiplies_by_the_transposed_weight_and_adds_the_bias():
    x, weight, bias = OpCase("linear_bias", ((2, 3), (5, 3), (5,))).arrays()
    np.testing.assert_allclose(ops.linear_bias(x, weight, bias), x @ weight.T + bias, rtol=1e-13)
    np.testing.assert_allclose(ops.linear(x, weight), x @ weight.T, rtol=1e-13)


@pytest.mark.parametrize(
    ("name", "shapes", "message"),
    [
        ("matmul", ((2, 3), (2, 3)), r"matmul: got \(\(2, 3\), \(2, 3\)\), allowed: .* with equal k"),
        ("matmul", ((), (3,)), r"matmul: got \(\(\), \(3,\)\)"),
        ("linear", ((2, 3), (3, 5)), r"linear: got \(\(2, 3\), \(3, 5\)\), allowed: .*weight \(outputs, inputs\)"),
        ("linear_bias", ((2, 3), (5, 3), (3,)), r"linear_bias: got \(\(5, 3\), \(3,\)\)"),
    ],
)
def test_shapes_that_do_not_multiply_are_refused(name, shapes, message):
    with pytest.raises(ValueError, match=message):
        getattr(ops, name)(*(np.ones(shape) for shape in shapes))
