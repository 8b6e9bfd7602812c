"""Jumps near a point: found where they are, and nothing else taken for one."""

from math import cos, exp, sin

import numpy as np
import pytest

from gradaudit.perturb.jumps import nearest_jump
from gradaudit.perturb.sampling import Probe
from gradaudit.perturb.steps import Coordinates, Point


def found_in(f, *, at=0.5, reach=0.25):
    point = Point.of(np.array([at]), np.array([2.0**-52]))
    probe = Probe(lambda x: np.array([f(x[0])]), np.array([f(at)]), np.zeros(1), None)
    return nearest_jump(lambda h: probe.sample(Coordinates(point, np.array([0])), h), reach, readout=0)


@pytest.mark.parametrize("place", [0.3, 0.47, 0.61, 0.7])
def test_a_small_step_is_found_with_its_size_and_distance(place):
    jump = found_in(lambda x: sin(x) + 1e-5 * (x > place))
    assert jump is not None
    assert jump.size == pytest.approx(1e-5, rel=0.1)
    assert jump.distance == pytest.approx(abs(place - 0.5), rel=0.01)


def test_of_several_jumps_the_nearest_counts():
    jump = found_in(lambda x: exp(x) + 1e-4 * (x > 0.55) + 1e-3 * (x > 0.7) - 1e-3 * (x > 0.3))
    assert jump is not None
    assert jump.distance == pytest.approx(0.05, rel=0.01)


@pytest.mark.parametrize(
    "smooth", [sin, exp, lambda x: 1 / (1 + x * x), lambda x: sin(20 * x), lambda x: x**3, lambda x: 2.0]
)
def test_a_smooth_function_has_none(smooth):
    assert found_in(smooth) is None


@pytest.mark.parametrize("place", [0.41, 0.53])
def test_a_kink_is_no_jump(place):
    assert found_in(lambda x: abs(x - place) + cos(x)) is None


def test_where_f_has_no_value_nothing_is_found():
    assert found_in(lambda x: np.nan if x > 0.6 else sin(x)) is None
