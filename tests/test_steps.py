"""Steps are exact where they can be, stay inside bounds, and never fall below what x can carry."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradaudit.perturb.steps import RESIDUE, Coordinates, Moves, Point, Tangents, everywhere, octaves, untaken
from gradaudit.perturb.steps import given as given_steps


def point(values, epsilon=2.0**-52, lower=-np.inf, upper=np.inf):
    x = np.asarray(values, dtype=float)
    return Point(x, np.full(x.shape, epsilon), np.full(x.shape, lower), np.full(x.shape, upper))


@given(x=st.floats(-1e300, 1e300))
def test_the_scale_is_a_power_of_two_between_half_of_the_larger_of_x_and_one_and_that(x):
    scale = float(point([x]).scale[0])
    assert np.frexp(scale)[0] == 0.5
    assert scale <= max(abs(x), 1.0) < 2 * scale


@given(x=st.floats(-1e6, 1e6))
def test_octaves_land_where_the_step_says(x):
    directions = Coordinates(point([x]), np.array([0]))
    h = octaves(directions, np.array([4.0, 10.0, 13.0]))
    above, below = directions.land(h)
    ulp = np.spacing(abs(x) + h)
    assert (np.abs(above - x - h) <= ulp).all()
    assert (np.abs(x - below - h) <= ulp).all()


def test_inputs_on_different_scales_get_their_own_steps():
    directions = Coordinates(point([1e-8, 1.0, 1e8]), np.arange(3))
    h = octaves(directions, np.array([13.0]))[0]
    assert h[2] > 1e3
    assert (directions.natural == [1e-8, 1.0, 2.0**26]).all()
    assert directions.smallest_step[0] < 1e-15


def test_no_step_leaves_the_bounds():
    directions = Coordinates(point([0.0, 1.0], lower=0.0, upper=1.0), np.arange(2))
    above, below = directions.land(np.full((1, 2), 0.5))
    assert np.isnan(below[0, 0])
    assert above[0, 0] == 0.5
    assert np.isnan(above[0, 1])
    assert below[0, 1] == 0.5


def test_float32_coordinates_land_on_float32_values():
    directions = Coordinates(point([1.0], epsilon=2.0**-23), np.array([0]))
    above, _ = directions.land(np.array([[1e-4]]))
    assert above[0, 0] == np.float32(1 + 1e-4)
    assert np.isnan(octaves(directions, np.array([30.0]))).all()


def test_a_step_too_small_for_x_is_no_step():
    directions = Coordinates(point([1e20]), np.array([0]))
    above, below = directions.land(np.array([[1e-3]]))
    assert np.isnan(above).all()
    assert np.isnan(below).all()


def test_given_steps_come_largest_first_and_once():
    directions = Coordinates(point([1.0, 2.0]), np.arange(2))
    assert given_steps(directions, (1e-5, 1e-3, 1e-3)).tolist() == [[1e-3, 1e-3], [1e-5, 1e-5]]


def test_a_tangent_is_scaled_by_the_coordinate_that_moves_first():
    tangents = Tangents(point([1.0, 1.0]), np.array([[4.0, 0.5]]))
    assert tangents.scale[0] == 0.25


@pytest.mark.parametrize(
    "x", [[3.0], [1.0, -4.0], [5.0, 1.0, -2.0], [4.0, 1.0, 3.0, 2.0], [1.0, np.inf], [1.0, np.nan]]
)
def test_what_counts_as_zero_is_a_fraction_of_the_median_size(x):
    at = Point.of(np.array(x), np.full(len(x), 2.0**-52))
    assert np.array_equal(at.residue, RESIDUE * np.median(np.abs(x)), equal_nan=True)


def test_one_number_everywhere_takes_the_room_of_one_and_cannot_be_written_to():
    array = everywhere(-np.inf, 10**9)
    assert array.shape == (10**9,)
    assert array[-1] == array[0] == -np.inf
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 1.0


def test_a_move_has_the_least_scale_of_what_moves_with_it_and_ignores_what_fills_it_up():
    at = point([1e-8, 1.0, 2.0**26])
    moves = Moves(at, np.array([[2, 1, 0], [2, 1, 2]]), np.array([[1.0, -1.0, 0.0], [1.0, 1.0, 1.0]]))
    pair = Coordinates(at, np.array([1, 2]))
    assert (moves.natural == pair.natural.min()).all()
    assert (moves.scale == pair.scale.min()).all()
    assert (moves.smallest_step == pair.smallest_step.max()).all()


@pytest.mark.parametrize("largest", [0, 1, 2])
def test_a_tangent_goes_as_far_as_the_coordinate_that_it_moves_most(largest):
    v = np.ones((1, 3))
    v[0, largest] = 64.0
    directions = Tangents(point([1.0, 1.0, 1.0]), v)
    assert directions.scale == Tangents(point([1.0, 1.0, 1.0]), np.full((1, 3), 64.0)).scale


@pytest.mark.parametrize("size", [2.0**-6, 1.0, 2.0**6])
def test_a_tangent_of_any_size_goes_as_far_as_one_of_unit_size(size):
    directions = Tangents(point([1.0, 1.0]), np.full((1, 2), size))
    assert directions.scale * size == 1.0
    assert directions.natural * size == pytest.approx(1.0)


def test_a_tangent_of_nothing_has_a_step_all_the_same():
    assert Tangents(point([1.0, 1.0]), np.zeros((1, 2))).scale == 1.0


@pytest.mark.parametrize("scale", [1.0, 2.0**-40, 2.0**-900])
def test_steps_are_alike_by_their_ratio_however_small_they_are(scale):
    h = scale * np.array([4.0, 2.0, 1.0, 2.0])[:, None]
    taken = scale * np.array([8.0, 1.0 + 1e-6])[:, None]
    np.testing.assert_array_equal(untaken(h, taken), scale * np.array([4.0, 2.0, np.nan, np.nan])[:, None])
