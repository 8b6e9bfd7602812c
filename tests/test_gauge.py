"""After one sweep a direction costs few steps; where they do not do, it is swept as well."""

import numpy as np
import pytest

from gradaudit.perturb.gauge import FEWEST, MOST, WORSE, Gauge
from gradaudit.perturb.sampling import Probe
from gradaudit.perturb.steps import Point, Tangents

X = np.linspace(0.1, 1.0, 5)


def gauge_of(f, sigma=1e-17):
    return Gauge(Probe(lambda x: np.array([f(x)]), np.array([f(X)]), np.array([sigma]), None))


def directions(count):
    rng = np.random.default_rng(0)
    point = Point.of(X, np.full(5, 2.0**-52))
    drawn = [rng.choice([-1.0, 1.0], (1, 5)) * rng.uniform(0.5, 1.0, (1, 5)) for _ in range(count)]
    return [Tangents(point, v) for v in drawn]


#: What is compared with no claim that it could be apart from.
NO_CLAIM = np.array([[np.nan]])


def spent(gauge, direction, claimed=NO_CLAIM, **options):
    before = gauge.evaluations
    (reading,) = gauge.read(direction, claimed, **options)
    return gauge.evaluations - before, reading


@pytest.mark.parametrize("steepness", [1e4, 1e5, 1e6])
def test_later_directions_take_the_few_finest_steps_where_those_were_best(steepness):
    gauge = gauge_of(lambda x: np.sin(steepness * x.sum()) / steepness)
    first, second, _ = directions(3)
    swept, reading = spent(gauge, first)
    few, other = spent(gauge, second)
    assert swept >= 16
    assert 2 * FEWEST <= few <= 2 * MOST
    assert other.bar < WORSE * reading.bar


def test_every_reading_is_right_within_its_bar():
    gauge = gauge_of(lambda x: np.sin(x).sum())
    for direction in directions(8):
        (reading,) = gauge.read(direction, NO_CLAIM)
        assert abs(reading.value[0] - direction.v[0] @ np.cos(X)) <= 3 * reading.bar[0]


def test_a_bar_that_is_enough_is_not_made_smaller():
    precise, easy = (gauge_of(lambda x: np.sin(x).sum()) for _ in range(2))
    for direction in directions(6):
        precise.read(direction, NO_CLAIM)
        assert easy.read(direction, NO_CLAIM, enough=1e-3)[0].bar < 1e-3
    assert easy.evaluations < precise.evaluations


def test_a_direction_along_which_f_bends_more_is_swept_again():
    """A window that suits the first direction is too coarse for the second, along which f goes much faster."""
    gauge = gauge_of(lambda x: np.sin(x[0]) + np.sin(1e5 * x[1]) / 1e5)
    point = Point.of(X, np.full(5, 2.0**-52))
    slow, fast = (Tangents(point, np.eye(5)[[k]]) for k in (0, 1))
    spent(gauge, slow)
    evaluations, reading = spent(gauge, fast)
    assert evaluations > 2 * MOST
    assert abs(reading.value[0] - np.cos(1e5 * X[1])) <= 3 * reading.bar[0] + 1e-8


def test_what_looks_converged_far_beyond_the_scale_of_f_is_asked_again_where_the_claim_is_another():
    """Beyond a narrow well f is the same on both sides, to the last bit."""
    gauge = gauge_of(lambda x: np.log1p(((x - X + 1e-9) / 1e-9) @ ((x - X + 1e-9) / 1e-9)), sigma=1e-16)
    for direction in directions(4):
        claimed = direction.v @ np.full((5, 1), 2e9 / 6)
        _, reading = spent(gauge, direction, claimed)
        assert reading.value == pytest.approx(claimed[0], rel=1e-3)


def test_directions_that_are_read_together_have_the_numbers_that_they_have_alone():
    """The first one calibrates, and one of the others bends so much more that it is swept."""
    point = Point.of(X, np.full(5, 2.0**-52))
    v = np.array([[1.0, 0, 0, 0, 0], [0, 0, 1.0, 0, 0], [0, 1.0, 0, 0, 0], [0, 0, 0, 0.5, 1.0]])
    alone, together = (gauge_of(lambda x: np.sin(x).sum() + np.sin(1e5 * x[1]) / 1e5) for _ in range(2))
    one_by_one = [alone.read(Tangents(point, row[None]), NO_CLAIM)[0] for row in v]
    assert alone.evaluations > 2 * MOST * len(v)
    for mine, other in zip(one_by_one, together.read(Tangents(point, v), NO_CLAIM[[0, 0, 0, 0]]), strict=True):
        assert (mine.value, mine.bar, mine.h) == (other.value, other.bar, other.h)
        assert np.array_equal(mine.samples.rise, other.samples.rise, equal_nan=True)
    assert together.evaluations == alone.evaluations


def test_many_directions_along_which_nothing_bounds_x_are_evaluated_at_all_steps():
    gauge = gauge_of(lambda x: np.sin(x).sum())
    bounded = Point(X, np.full(5, 2.0**-52), np.full(5, 0.0999), np.full(5, np.inf))
    (free,) = gauge.read(directions(1)[0], NO_CLAIM)
    (narrow,) = gauge.read(Tangents(bounded, directions(1)[0].v), NO_CLAIM)
    assert np.isfinite(free.samples.ahead).all()
    assert not np.isfinite(narrow.samples.ahead + narrow.samples.behind).all()
