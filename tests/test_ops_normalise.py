"""Normalisation: mean 0 and variance 1, over the last axis or for each channel."""

import numpy as np
import pytest
from op_case import OpCase, assert_compiled_agrees, assert_output_is_fresh, assert_vjp_is_the_derivative, covered, ids

from gradaudit import ops
from gradaudit.ops import normalise as family

CASES = [OpCase("layer_norm", (shape, shape[-1:], shape[-1:])) for shape in ((3,), (2, 3), (2, 1, 4), (2, 1, 2, 3))]
CASES += [OpCase("layer_norm", ((2, 5), (5,), (5,)), {"eps": 0.1})]
CASES += [OpCase("batch_norm", (shape, shape[1:2], shape[1:2])) for shape in ((4, 3), (1, 2, 4), (2, 3, 2, 2), (5, 1))]
CASES += [OpCase("batch_norm", ((3, 2, 2), (2,), (2,)), {"eps": 0.1})]
COMPILED = [OpCase("layer_norm", ((2, 3, 4), (4,), (4,)), {"eps": 0.01})]
COMPILED += [OpCase("batch_norm", ((2, 3, 4), (3,), (3,)), {"eps": 0.01})]
AXES = {"layer_norm": (3,), "batch_norm": (0, 2, 3)}


@pytest.mark.parametrize("case", CASES, ids=ids(CASES))
def test_the_vjp_is_the_derivative(case):
    assert_vjp_is_the_derivative(case)
    assert_output_is_fresh(case)


def test_compiled_and_plain_agree():
    assert_compiled_agrees(COMPILED)


def test_every_op_of_the_family_is_tested():
    assert covered(CASES, family)
    assert covered(COMPILED, family)


@pytest.mark.parametrize("name", AXES)
def test_values_are_normalised_then_scaled_and_shifted(name):
    rng = np.random.default_rng(5)
    x = rng.normal(4, 3, (2, 3, 5, 3))
    gain, bias = rng.standard_normal((2, 3))
    mean, variance = x.mean(AXES[name], keepdims=True), x.var(AXES[name], keepdims=True)
    shape = (1, 3, 1, 1) if name == "batch_norm" else (3,)
    plain = (x - mean) / np.sqrt(variance + 0.01) * gain.reshape(shape) + bias.reshape(shape)
    np.testing.assert_allclose(getattr(ops, name)(x, gain, bias, 0.01), plain, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", AXES)
def test_a_shift_of_all_values_changes_nothing(name):
    x = np.random.default_rng(6).standard_normal((4, 3))
    one, zero = np.ones(3), np.zeros(3)
    function = getattr(ops, name)
    np.testing.assert_allclose(function(x + 1024.0, one, zero), function(x, one, zero), atol=1e-10)


@pytest.mark.parametrize("name", AXES)
def test_values_that_are_all_equal_become_the_bias(name):
    np.testing.assert_array_equal(getattr(ops, name)(np.full((2, 3), 7.0), np.ones(3), np.arange(3.0)), [[0, 1, 2]] * 2)


def test_images_laid_out_otherwise_in_memory_are_normalised_alike():
    x = np.random.default_rng(7).standard_normal((2, 3, 4))
    gain, bias = np.arange(1.0, 4.0), np.ones(3)
    np.testing.assert_allclose(ops.batch_norm(np.asfortranarray(x), gain, bias), ops.batch_norm(x, gain, bias))


@pytest.mark.parametrize(
    ("name", "shapes", "message"),
    [
        ("layer_norm", ((2, 3), (2,), (3,)), r"got \(\(2, 3\), \(2,\), \(3,\)\), allowed: gain \(k,\) and bias \(k,\)"),
        ("layer_norm", ((2, 3), (3,), (1,)), r"got .*, allowed: gain \(k,\) and bias \(k,\)"),
        ("layer_norm", ((), (1,), (1,)), r"got \(\), allowed: x \(\.\.\., k\)"),
        ("layer_norm", ((2, 0), (0,), (0,)), r"got \(2, 0\), allowed: .*at least one element"),
        ("batch_norm", ((2, 3, 4), (4,), (4,)), r"got .*, allowed: gain \(c,\) and bias \(c,\)"),
        ("batch_norm", ((3,), (3,), (3,)), r"got \(3,\), allowed: x \(n, c, \.\.\.\)"),
        ("batch_norm", ((0, 3), (3,), (3,)), r"got \(0, 3\), allowed: .*at least one element"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(name, shapes, message):
    with pytest.raises(ValueError, match=f"{name}: {message}"):
        getattr(ops, name)(*(np.ones(shape) for shape in shapes))
