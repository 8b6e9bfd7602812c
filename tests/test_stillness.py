"""That f stands still is said only where its differences show it: at enough steps, far enough, and loudly ended."""

from dataclasses import replace

import numpy as np
import pytest
from one_element import claim_of, samples_of

from gradaudit.judge.stillness import largest_step, loudest, never_leaves_noise, still
from gradaudit.perturb.samples import KAPPA

H = 2.0 ** -np.arange(0.0, 13.0, 3.0)  # 1, 1/8, 1/64, 1/512, 1/4096


def flat_up_to(width):
    return lambda x: max(abs(x) - width, 0.0)


def test_a_function_that_is_flat_at_its_finest_steps_and_then_moves_stands_still():
    assert still(samples_of(flat_up_to(0.5), H), claim_of(0.0))


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (H[:4], True),  # three flat ones
        (H[:3], False),  # two
    ],
)
def test_it_takes_three_flat_steps(steps, expected):
    assert still(samples_of(flat_up_to(0.5), steps), claim_of(0.0)) == expected


@pytest.mark.parametrize(("width", "expected"), [(1 / 16, True), (1 / 17, False)])
def test_the_flat_stretch_reaches_a_sixteenth_of_the_scale(width, expected):
    steps = [1.0, 1 / 16, 1 / 64, 1 / 256, 1 / 1024]
    assert still(samples_of(flat_up_to(width), steps), claim_of(0.0)) == expected


@pytest.mark.parametrize(("quiet", "expected"), [(4e-3, True), (6e-3, False)])
def test_its_first_movement_is_a_hundred_times_its_noise(quiet, expected):
    assert still(samples_of(flat_up_to(0.5), H), claim_of(0.0, quiet=quiet)) == expected


@pytest.mark.parametrize("side", [-1, 1])
def test_it_moves_where_one_side_does(side):
    samples = samples_of(lambda x: 1e-9 * max(side * x, 0.0), H)
    assert not still(samples, claim_of(0.0))


@pytest.mark.parametrize("side", [-1, 1])
def test_at_the_edge_of_the_domain_the_side_that_exists_is_enough(side):
    samples = samples_of(lambda x: flat_up_to(0.5)(x) if side * x >= 0 else np.nan, H)
    missing = "behind" if side > 0 else "ahead"
    assert still(replace(samples, **{missing: np.full((len(H), 1), np.nan)}), claim_of(0.0))


@pytest.mark.parametrize("side", [-1, 1])
def test_the_first_movement_is_that_of_the_side_that_moves(side):
    assert still(samples_of(lambda x: max(side * x - 0.5, 0.0), H), claim_of(0.0, quiet=4e-3))


def test_a_movement_at_the_finest_step_is_a_movement():
    def moving(x):
        return x if abs(x) < 1e-3 or abs(x) > 0.5 else 0.0

    assert not still(samples_of(moving, H), claim_of(0.0))


def test_a_step_that_could_not_be_taken_neither_ends_nor_lengthens_the_stretch():
    def holed(x):
        return np.nan if abs(x) == H[2] else flat_up_to(0.5)(x)

    assert still(samples_of(holed, H), claim_of(0.0))
    assert not still(samples_of(holed, H[:4]), claim_of(0.0))


def test_a_function_that_moves_by_its_noise_at_most_never_leaves_it_and_is_held_against_the_largest():
    def within(x):
        return 2 * KAPPA * 1e-5 * (x > 0.5)

    def beyond(x):
        return 1.01 * within(x)

    assert never_leaves_noise(samples_of(within, H, noise=1e-5), claim_of(0.0))
    assert not never_leaves_noise(samples_of(beyond, H, noise=1e-5), claim_of(0.0))
    assert not never_leaves_noise(samples_of(within, H, noise=1e-5), claim_of(0.0, largest=0.05))


@pytest.mark.parametrize(("largest", "expected"), [(0.2, True), (0.1, False)])
def test_noise_bounds_a_slope_by_the_largest_step_that_was_taken(largest, expected):
    samples = samples_of(lambda x: 0.0, H / 2, noise=1e-5)  # bounded by 1.8e-4
    assert never_leaves_noise(samples, claim_of(0.0, largest=largest)) == expected


@pytest.mark.parametrize("missing", ["ahead", "behind"])
def test_the_largest_step_may_be_one_of_one_side(missing):
    samples = samples_of(lambda x: x, [0.5, 0.25])
    assert largest_step(replace(samples, **{missing: np.array([[np.nan], [0.25]])})) == 0.5


def test_the_loudest_noise_and_the_largest_step_are_those_of_any_step():
    samples = samples_of(lambda x: x, [0.5, 2.0, 1.0]).louder(np.array([[[1.0]], [[3.0]], [[2.0]]]))
    assert (loudest(samples), largest_step(samples)) == (3.0, 2.0)
