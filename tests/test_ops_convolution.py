"""Two-dimensional convolution."""

import numpy as np
import pytest
from op_case import OpCase, assert_compiled_agrees, assert_output_is_fresh, assert_vjp_is_the_derivative, covered, ids

from gradaudit import ops
from gradaudit.ops import convolution as family

SHAPES = [
    ((1, 1, 1, 1), (1, 1, 1, 1)), ((2, 3, 5, 4), (2, 3, 3, 2)), ((1, 2, 4, 4), (3, 2, 1, 3)),
    ((2, 1, 3, 5), (1, 1, 3, 5)), ((0, 2, 3, 3), (2, 2, 2, 2)),
]  # fmt: skip
OPTIONS = [{}, {"stride": 2}, {"padding": 1}, {"stride": 3, "padding": 2}]
CASES = [OpCase("conv2d", (x, weight, weight[:1]), options) for x, weight in SHAPES for options in OPTIONS]
COMPILED = [OpCase("conv2d", ((2, 3, 5, 4), (2, 3, 3, 2), (2,)), {"stride": 2, "padding": 1})]


@pytest.mark.parametrize("case", CASES, ids=ids(CASES))
def test_the_vjp_is_the_derivative(case):
    assert_vjp_is_the_derivative(case)
    assert_output_is_fresh(case)


def test_compiled_and_plain_agree():
    assert_compiled_agrees(COMPILED)


def test_every_op_of_the_family_is_tested():
    assert covered(CASES, family)
    assert covered(COMPILED, family)


def by_loops(x, weight, bias, stride, padding):
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    p, q = weight.shape[2:]
    rows, columns = (x.shape[2] - p) // stride + 1, (x.shape[3] - q) // stride + 1
    out = np.empty((x.shape[0], weight.shape[0], rows, columns))
    for n, o, r, s in np.ndindex(out.shape):
        window = x[n, :, r * stride : r * stride + p, s * stride : s * stride + q]
        out[n, o, r, s] = (window * weight[o]).sum() + bias[o]
    return out


@pytest.mark.parametrize("case", CASES, ids=ids(CASES))
def test_values_are_those_of_plain_loops(case):
    x, weight, bias = case.arrays()
    plain = by_loops(x, weight, bias, **{"stride": 1, "padding": 0} | case.options)
    np.testing.assert_allclose(case.function(x, weight, bias, **case.options), plain, rtol=1e-12, atol=1e-14)


def test_arrays_laid_out_otherwise_in_memory_give_the_same():
    x, weight, bias = OpCase("conv2d", ((2, 3, 5, 4), (2, 3, 3, 2), (2,))).arrays()
    strided = ops.conv2d(np.asfortranarray(x), np.asfortranarray(weight), bias)
    np.testing.assert_allclose(strided, ops.conv2d(x, weight, bias), rtol=1e-13)


@pytest.mark.parametrize(
    ("shapes", "options", "message"),
    [
        (((3, 5, 4), (2, 3, 3, 2), (2,)), {}, r"conv2d: .*allowed: x \(n, c, h, w\)"),
        (((1, 2, 5, 4), (2, 3, 3, 2), (2,)), {}, r"conv2d: got \(\(1, 2, .*same number of channels"),
        (((1, 3, 5, 4), (2, 3, 3, 2), (3,)), {}, "conv2d: .*one bias for each output channel"),
        (((1, 1, 2, 2), (1, 1, 3, 3), (1,)), {}, r"window: got \(3, 2, 0\), allowed: size <= extent"),
        (((1, 1, 3, 3), (1, 1, 3, 3), (1,)), {"stride": 0}, r"window: got \(3, 0, 0\), allowed: .*stride >= 1"),
        (((1, 1, 3, 3), (1, 1, 1, 1), (1,)), {"padding": -1}, "window: .*allowed: .*padding >= 0"),
    ],
)
def test_what_does_not_fit_is_refused(shapes, options, message):
    with pytest.raises(ValueError, match=message):
        ops.conv2d(*(np.ones(shape) for shape in shapes), **options)
