"""Which outputs depend on which coordinates, found by bits: nothing missing, nothing invented, little spent."""

import numpy as np
import pytest

from gradaudit.perturb.dependency import Search, beside
from gradaudit.perturb.pattern import Pattern
from gradaudit.perturb.steps import Point

RNG = np.random.default_rng(5)
FEW = RNG.integers(0, 400, (400, 3))
WEIGHTS = RNG.normal(size=(10, 5))
DENSE = RNG.normal(size=(40, 300))


def five_points(x):
    u = np.pad(x.reshape(20, 20), 1)
    return (4 * u[1:-1, 1:-1] - u[:-2, 1:-1] - u[2:, 1:-1] - u[1:-1, :-2] - u[1:-1, 2:] + u[1:-1, 1:-1] ** 3).ravel()


def arrow(x):
    y = x**2 + x[0]
    y[0] = (x**2).sum()
    return y


def search(function, n, *, budget=None, point=None):
    x = np.random.default_rng(0).normal(size=n) if point is None else point.x
    point = point or Point.of(x, np.full(n, 2.0**-52))
    return Search(function, point, function(x.copy()), np.random.default_rng(1), n if budget is None else budget)


def exact(function, n):
    """The pattern from the function's own columns."""
    x = np.random.default_rng(0).normal(size=n)
    base = function(x.copy())
    entries = []
    for j in range(n):
        for step in (0.3, -0.3):
            moved = x.copy()
            moved[j] += step
            entries += [(i, j) for i in np.flatnonzero(function(moved) != base)]
    output, coordinate = np.array(entries).T
    return Pattern.of(output, coordinate, shape=(base.size, n))


@pytest.mark.parametrize(
    ("function", "n", "colours"),
    [
        (np.sin, 300, 1),
        (lambda x: np.sin(x[::-1]), 300, 1),
        (lambda x: np.repeat(x, 3) ** 2, 200, 1),
        (lambda x: (x.reshape(100, 4) ** 2).sum(axis=1), 400, 4),
        (lambda x: np.tanh(x.reshape(64, 10) @ WEIGHTS).ravel(), 640, 10),
        (lambda x: np.diff(x, prepend=0.0) * x, 500, 2),
        (five_points, 400, 7),
    ],
    ids=["elementwise", "reversed", "repeated", "row sums", "batch", "bands", "five points"],
)
def test_a_structure_is_found_entry_by_entry_for_less_than_it_saves(function, n, colours):
    looking = search(function, n)
    found = looking.pattern()
    assert found is not None
    assert found.same_as(exact(function, n))
    assert found.colours == colours
    assert looking.evaluations < n


def test_scattered_dependencies_are_found_where_they_are_few():
    found = search(lambda x: np.sin(x[FEW].sum(axis=1)), 400, budget=10_000).pattern()
    assert found is not None
    assert found.same_as(exact(lambda x: np.sin(x[FEW].sum(axis=1)), 400))


@pytest.mark.parametrize(
    ("function", "n"),
    [(lambda x: np.sin(DENSE @ x), 300), (np.cumsum, 300), (arrow, 300), (lambda x: np.exp(x) / np.exp(x).sum(), 300)],
    ids=["dense", "cumsum", "arrow", "softmax"],
)
def test_a_function_without_structure_costs_few_evaluations(function, n):
    looking = search(function, n)
    assert looking.pattern([Pattern.diagonal(n)] if n == 300 and function(np.ones(n)).size == n else []) is None
    assert looking.evaluations <= 70


def test_one_coupled_pair_among_thousands_refutes_the_structure_that_is_offered():
    def coupled(x):
        y = np.sin(x)
        y[1234] += 1e-9 * x[77]
        return y

    found = search(coupled, 5000).pattern([Pattern.diagonal(5000)])
    assert found is not None
    assert found.place(np.array([1234]), np.array([77])) >= 0
    assert found.output.size == 5001


def test_what_is_offered_may_have_too_many_entries_but_none_too_few():
    bands = exact(lambda x: np.diff(x, prepend=0.0) * x, 300)
    assert search(np.sin, 300).pattern([bands]) is bands
    found = search(lambda x: np.diff(x, prepend=0.0) * x, 300).pattern([Pattern.diagonal(300)])
    assert found is not None
    assert found.same_as(bands)


def test_differences_that_would_cancel_when_all_move_alike_are_seen():
    found = search(np.diff, 300).pattern()
    assert found is not None
    assert found.output.size == 2 * 299


def test_a_branch_that_swallows_nan_hides_nothing():
    found = search(lambda x: np.where(x > -100, np.fmax(x, -100.0), 0.0), 300).pattern()
    assert found is not None
    assert found.output.size == 300


def test_a_domain_that_ends_below_x_is_searched_from_above():
    def roots(x):
        if (x < 0).any():
            raise ValueError
        return np.sqrt(x)

    def caught(x):
        try:
            return roots(x)
        except ValueError:
            return None

    point = Point.of(np.full(300, 1e-5), np.full(300, 2.0**-52))
    assert search(caught, 300, point=point).pattern([Pattern.diagonal(300)]) is not None


def test_nothing_is_moved_beyond_the_bounds():
    n = 300
    point = Point(np.linspace(0, 1, n), np.full(n, 2.0**-52), np.zeros(n), np.ones(n))
    for upwards in (True, False):
        moved = beside(point, 0.0, rng=np.random.default_rng(0), upwards=upwards)
        assert ((moved >= 0) & (moved <= 1)).all()
        assert (moved != point.x).all()


def test_column_by_column_finds_what_no_budget_allows():
    assert search(arrow, 60, budget=0).pattern() is None
    found = search(arrow, 60, budget=0).column_by_column()
    assert found is not None
    assert found.same_as(exact(arrow, 60))


def test_colours_never_share_an_output():
    rng = np.random.default_rng(3)
    pattern = Pattern.of(rng.integers(0, 50, 300), rng.integers(0, 80, 300), shape=(50, 80))
    for colour in range(pattern.colours):
        outputs = pattern.output[pattern.entries_of(np.flatnonzero(pattern.colour == colour))[1]]
        assert len(set(outputs.tolist())) == len(outputs)
    assert pattern.colours >= pattern.crowd


def test_entries_that_are_given_twice_stand_once():
    pattern = Pattern.of(np.array([1, 0, 1]), np.array([2, 0, 2]), shape=(2, 3))
    assert pattern.output.tolist() == [0, 1]
    assert pattern.coordinate.tolist() == [0, 2]
    assert pattern.place(np.array([1, 1]), np.array([2, 1])).tolist() == [1, -1]


@pytest.mark.parametrize("octave", [-20.0, -3.0, 0.0])
@pytest.mark.parametrize("upwards", [True, False])
def test_a_point_beside_x_is_a_half_to_one_times_the_step_away_in_each_coordinate(octave, upwards):
    x = np.array([1e-3, -2.0, 1e6])
    point = Point.of(x, np.full(3, 2.0**-52))
    away = beside(point, octave, rng=np.random.default_rng(3), upwards=upwards) - x
    share = away / (point.scale * 2.0**octave)
    assert (np.sign(share) == (1 if upwards else -1)).all()
    assert (np.abs(share) >= 0.5 - 1e-6).all()
    assert (np.abs(share) <= 1 + 1e-6).all()


def test_a_point_beside_x_goes_the_other_way_or_less_far_where_bounds_leave_no_room():
    x = np.array([0.0, 0.0, 0.0])
    point = Point(x, np.full(3, 2.0**-52), np.array([-1e-4, 0.0, 0.0]), np.array([1e-4, 9.0, 0.0]))
    there = beside(point, 0.0, rng=np.random.default_rng(3), upwards=False)
    assert -1e-4 <= there[0] <= 1e-4
    assert there[0] != 0.0
    assert 0.5 <= there[1] <= 1.0
    assert there[2] == 0.0
