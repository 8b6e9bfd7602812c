"""The kernel gives the numbers of its contract, one plain evaluation at a time, whatever the threads."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numba import float64, int64, njit
from numpy.typing import NDArray

from gradaudit.perturb.kernels import Differences, sample_coordinates

Array = NDArray[np.float64]

flat = njit(int64(float64[::1], float64[::1]))


@flat
def product_and_sum(x, y):
    y[0] = x[0] * x[1]
    y[1] = x.sum()
    return 0


@flat
def chain(x, y):
    total = 0.0
    for i in range(x.size - 1):
        total += np.sin(x[i]) * x[i + 1] ** 2
    y[0] = total
    return 0


@flat
def roots_and_square(x, y):
    y[0] = np.sqrt(x[0])
    y[1] = x[0] ** 2
    return 0


@flat
def raises_above_one(x, y):
    y[0] = x[0]
    return 1 if x[0] > 1.0 else 0


@flat
def spoils_its_input(x, y):
    y[0] = x[1]
    x[1] += 1.0
    return 0


@flat
def allocates(x, y):
    y[0] = x.sum()
    for size in (1, 1, 2, 64):
        scratch = np.full(size, 7.0)
        y[0] += scratch[-1] - 7.0
    return 0


def sample(function: Callable[..., object], x: Array, h: list[float], **changes: object) -> Differences:
    """Differences at x ± h for every coordinate, with what the arguments do not change."""
    steps = np.array(h)[:, None]
    given: dict[str, object] = {
        "indices": np.arange(x.size),
        "above": x + steps,
        "below": x - steps,
        "readout": None,
        "base": value(function, x, 2 if function in (product_and_sum, roots_and_square) else 1),
    }
    given |= changes
    given.setdefault("sigma", np.zeros_like(given["base"]))
    return sample_coordinates(function, x, **given)  # type: ignore[arg-type]


def value(function: Callable[..., object], x: Array, outputs: int) -> Array:
    y = np.empty(outputs)
    assert function(x.copy(), y) == 0
    return y


def test_each_output_is_differenced_with_f_at_x() -> None:
    x = np.array([1.5, -2.0, 0.25])
    differences = sample(product_and_sum, x, [0.5, 0.125])
    for k, h in enumerate([0.5, 0.125]):
        for d in range(3):
            step = h * np.eye(3)[d]
            base = value(product_and_sum, x, 2)
            np.testing.assert_array_equal(differences.rise[k, d], value(product_and_sum, x + step, 2) - base)
            np.testing.assert_array_equal(differences.fall[k, d], base - value(product_and_sum, x - step, 2))


def test_what_f_allocates_while_it_is_evaluated_is_not_the_memory_of_its_outputs() -> None:
    differences = sample(allocates, np.arange(64.0), [0.5])
    np.testing.assert_array_equal(differences.rise[0, :, 0], 0.5)
    np.testing.assert_array_equal(differences.fall[0, :, 0], 0.5)


def test_only_the_named_coordinates_are_perturbed_in_the_order_named() -> None:
    x = np.array([1.0, 2.0, 4.0])
    index = np.array([2, 0])
    both = sample(product_and_sum, x, [0.5], indices=index, above=x[index][None] + 0.5, below=x[index][None] - 0.5)
    every = sample(product_and_sum, x, [0.5])
    np.testing.assert_array_equal(both.rise, every.rise[:, [2, 0]])
    np.testing.assert_array_equal(both.fall, every.fall[:, [2, 0]])


def test_a_readout_combines_differences_and_not_values() -> None:
    x = np.array([3.0, 5.0])
    readout = np.array([[1.0, -1.0], [0.0, 2.0], [1e30, 0.0]])
    combined = sample(product_and_sum, x, [2.0**-20], readout=readout)
    each = sample(product_and_sum, x, [2.0**-20])
    np.testing.assert_allclose(combined.rise, each.rise @ readout.T, rtol=1e-15)
    np.testing.assert_allclose(combined.fall, each.fall @ readout.T, rtol=1e-15)


def test_a_large_offset_in_one_output_does_not_drown_another() -> None:
    x = np.array([1e-9, 1e9])
    differences = sample(
        product_and_sum,
        x,
        [2.0**-60],
        indices=np.array([0]),
        above=x[:1, None] + 2.0**-60,
        below=x[:1, None] - 2.0**-60,
        readout=np.array([[1.0, 1.0]]),
    )
    assert differences.rise[0, 0, 0] == pytest.approx(1e9 * 2.0**-60, rel=1e-6)


def test_results_are_the_same_to_the_last_bit_for_any_number_of_threads() -> None:
    x = np.random.default_rng(7).normal(size=503)
    one = sample(chain, x, [1e-3, 1e-6])
    for threads in (2, 3, 8):
        for single, several in zip(one, sample(chain, x, [1e-3, 1e-6], threads=threads), strict=True):
            np.testing.assert_array_equal(single.view(np.int64), several.view(np.int64))


def test_x_and_frozen_arguments_are_left_as_they_were() -> None:
    x = np.array([0.1, 0.2, 0.3])
    x.flags.writeable = False
    sample(chain, x, [0.7])
    np.testing.assert_array_equal(x, [0.1, 0.2, 0.3])


def test_nan_as_a_coordinate_means_that_the_side_is_missing() -> None:
    x = np.array([1.0, 2.0])
    above = np.array([[np.nan, 2.5]])
    differences = sample(product_and_sum, x, [0.5], above=above)
    assert np.isnan(differences.rise[0, 0]).all()
    assert np.isfinite(differences.rise[0, 1]).all()
    assert np.isfinite(differences.fall).all()


def test_one_output_in_one_readout_is_measured_as_it_is_among_several() -> None:
    x = np.random.default_rng(5).normal(size=6)
    above = x + np.array([[1e-3], [1e-9]])
    above[0, 2] = np.nan
    alone = sample(chain, x, [1e-3, 1e-9], above=above, readout=np.array([[-2.0]]))
    among = sample(chain, x, [1e-3, 1e-9], above=above, readout=np.array([[-2.0], [1.0]]))
    for single, several in zip(alone, among, strict=True):
        np.testing.assert_array_equal(single[..., 0], several[..., 0])


def test_a_side_where_the_function_raises_is_missing() -> None:
    differences = sample(raises_above_one, np.array([0.75]), [0.5, 0.125])
    np.testing.assert_array_equal(differences.rise[:, 0, 0], [np.nan, 0.125])
    np.testing.assert_array_equal(differences.fall[:, 0, 0], [0.5, 0.125])


def test_an_output_that_is_not_finite_is_missing_alone_where_outputs_are_read_one_by_one() -> None:
    differences = sample(roots_and_square, np.array([0.25]), [0.5])
    np.testing.assert_array_equal(differences.fall[0, 0], [np.nan, 0.0])
    np.testing.assert_array_equal(np.isfinite(differences.rise[0, 0]), [True, True])


def test_an_output_that_is_not_finite_takes_every_combination_along() -> None:
    readout = np.array([[1.0, 1.0], [0.0, 1.0]])
    differences = sample(roots_and_square, np.array([0.25]), [0.5], readout=readout)
    assert np.isnan(differences.fall).all()
    assert np.isfinite(differences.rise).all()


def test_noise_is_the_larger_of_sigma_and_the_rounding_of_the_largest_value() -> None:
    x = np.array([8.0, 1.0])
    rounding = sample(product_and_sum, x, [1.0]).noise
    assert rounding[0, 0, 0] == 2.0**-54 * 9.0
    loud = sample(product_and_sum, x, [1.0], sigma=np.array([1e-3, 0.0])).noise
    assert loud[0, 0, 0] == 1e-3
    assert loud[0, 0, 1] == 2.0**-54 * 10.0


def test_in_a_combination_an_output_that_stood_still_counts_only_where_it_may_hide_a_change() -> None:
    x = np.array([1.0, 2.0, 4.0])
    both = np.ones((1, 2))
    still_and_quiet = sample(product_and_sum, x, [0.5], sigma=np.array([1e-3, 1e-2]), readout=both).noise
    assert still_and_quiet[0, 2, 0] == 1e-2
    still_and_loud = sample(product_and_sum, x, [0.5], sigma=np.array([1.0, 1e-2]), readout=both).noise
    assert still_and_loud[0, 2, 0] > 0.99


def test_noise_of_a_combination_is_the_root_of_squares() -> None:
    readout = np.array([[1.0, 1.0], [2.0, 0.0]])
    noise = sample(product_and_sum, np.ones(2), [0.5], sigma=np.array([3.0, 4.0]), readout=readout).noise
    np.testing.assert_allclose(noise[0, 0], [5.0, 6.0])


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_noise_of_a_combination_survives_scales_whose_squares_do_not(scale: float) -> None:
    readout = np.full((1, 2), scale)
    noise = sample(product_and_sum, np.ones(2), [0.5], sigma=np.array([3.0, 4.0]), readout=readout).noise
    np.testing.assert_allclose(noise, 5.0 * scale)


def test_a_function_that_writes_into_its_input_is_found_out() -> None:
    first = {"indices": np.array([0]), "above": np.array([[1.5]]), "below": np.array([[0.5]])}
    with pytest.raises(ValueError, match=r"x\[1\] is 4 .*allowed 2,"):
        sample(spoils_its_input, np.array([1.0, 2.0]), [0.5], **first)


@pytest.mark.parametrize(
    "wrong",
    [
        {"above": np.zeros((2, 2))},
        {"readout": np.zeros((1, 3))},
        {"sigma": np.zeros(3)},
        {"indices": np.array([0, 2])},
        {"indices": np.array([-1, 0])},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_wrong_shapes_are_refused_before_the_kernel_reads_beside_an_array(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="allowed"):
        sample(product_and_sum, np.ones(2), [0.5], **wrong)


def test_no_coordinates_give_empty_results() -> None:
    none = np.empty((1, 0))
    nowhere = np.empty(0, dtype=np.int64)
    differences = sample(chain, np.ones(3), [0.5], indices=nowhere, above=none, below=none, threads=2)
    assert differences.rise.shape == (1, 0, 1)


def test_an_exception_in_one_thread_reaches_the_caller() -> None:
    x = np.zeros(64)
    index = np.arange(2, 64)
    with pytest.raises(ValueError, match="after the calls"):
        sample(spoils_its_input, x, [0.5], indices=index, above=x[None, index], below=x[None, index], threads=2)


def test_the_kernel_is_compiled_once_and_read_from_disk_by_later_processes(tmp_path: Path) -> None:
    script = "from gradaudit.perturb.kernels import _sample_range as kernel; print(len(kernel.stats.cache_hits))"
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    hits = [
        subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    ]
    assert [int(hit) for hit in hits] == [0, 1]


def test_in_a_combination_an_output_that_moved_on_the_only_side_it_has_counts() -> None:
    x, step, sigma = np.array([0.25]), 0.375, np.array([1e-3, 1e-2])  # no root below x
    noise = sample(roots_and_square, x, [step], sigma=sigma, readout=np.ones((1, 2))).noise
    assert noise[0, 0, 0] == pytest.approx(np.hypot(1e-3, 1e-2), rel=1e-12)
