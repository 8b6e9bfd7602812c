"""What is known of floating dtypes, bfloat16 among them, and how numbers are rounded to them."""

import numpy as np
import pytest

from gradaudit.perturb.steps import narrowed
from gradaudit.plan.case import Case, Given, Input, Target
from gradaudit.plan.draw import DrawError, draw_inputs
from gradaudit.plan.precision import EPSILONS, dtype_of, epsilon_of, is_floating, is_real, is_real_floating


@pytest.mark.parametrize("name", ["float16", "float32", "float64", "complex64", "complex128"])
def test_numpys_own_dtypes_are_as_numpy_says(name):
    dtype = dtype_of(name)
    assert dtype == np.dtype(name)
    assert epsilon_of(dtype) == np.finfo(name).eps
    assert is_floating(dtype)
    assert is_real(dtype) is is_real_floating(dtype) is (dtype.kind == "f")


@pytest.mark.parametrize(("name", "real"), [("int32", True), ("bool", True), ("object", False), ("U3", False)])
def test_what_is_not_floating_is_told_apart(name, real):
    assert not is_floating(np.dtype(name))
    assert is_real(np.dtype(name)) is real


@pytest.mark.parametrize("name", ["float16", "float32", "float64"])
def test_the_spacing_that_is_known_by_name_is_that_of_numpy(name):
    assert EPSILONS[name] == epsilon_of(np.dtype(name)) == np.finfo(name).eps


def test_bfloat16_is_a_real_floating_dtype_of_eight_bits():
    library = pytest.importorskip("ml_dtypes")
    dtype = dtype_of("bfloat16")
    assert dtype == library.bfloat16
    assert (is_floating(dtype), is_real_floating(dtype), is_real(dtype)) == (True, True, True)
    assert epsilon_of(dtype) == float(library.finfo(dtype).eps)


def test_numbers_are_rounded_to_bfloat16_as_the_library_does():
    library = pytest.importorskip("ml_dtypes")
    value = np.random.default_rng(0).normal(size=(50, 40)) * 10.0 ** np.arange(-20, 20)
    found = narrowed(value, np.full(40, EPSILONS["bfloat16"]))
    np.testing.assert_array_equal(found, value.astype(library.bfloat16).astype(float))


def test_ties_go_to_the_even_neighbour_and_large_numbers_to_infinity():
    value = np.array([[1 + 2.0**-8, 1 + 3 * 2.0**-8, -(1 + 2.0**-8), 0.0, 1e39]])
    np.testing.assert_array_equal(
        narrowed(value, np.full(5, EPSILONS["bfloat16"])), [[1.0, 1 + 2.0**-6, -1.0, 0.0, np.inf]]
    )


def test_each_coordinate_is_rounded_to_its_own_precision():
    spacing = np.array([2.0**-7, 2.0**-10, 2.0**-23, 2.0**-52])
    value = 1.0 + spacing / 4
    np.testing.assert_array_equal(narrowed(value[None], spacing), np.ones((1, 4)))
    np.testing.assert_array_equal(narrowed((1.0 + spacing)[None], spacing), (1.0 + spacing)[None])


def test_without_the_library_bfloat16_is_refused_with_what_to_install(monkeypatch):
    monkeypatch.setattr("gradaudit.plan.precision.find_spec", lambda name: None)
    with pytest.raises(TypeError, match=r"dtype bfloat16 needs ml_dtypes: pip install 'gradaudit\[jax\]'"):
        dtype_of("bfloat16")
    inputs = (Input("x", Given((1.0, 2.0)), differentiate=True, dtype="bfloat16"),)
    with pytest.raises(DrawError, match=r"input 'x': dtype bfloat16 needs ml_dtypes"):
        draw_inputs(Case("f", "f", Target("here:f"), inputs, ("gradient",)))
