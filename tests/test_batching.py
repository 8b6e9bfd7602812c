"""f at many points in one call gives the differences that single calls give, or is not used."""

import numpy as np
import pytest

from gradaudit.auditor import audit_function
from gradaudit.engines._arguments import Arguments
from gradaudit.engines._differentiable import Differentiable
from gradaudit.perturb.batching import ROOM, Batched, rows_at_once
from gradaudit.perturb.moved import Along
from gradaudit.perturb.sampling import Probe
from gradaudit.perturb.steps import Coordinates, Point, Tangents, octaves
from gradaudit.plan.case import Case, Given, Input, Target

X = np.random.default_rng(7).normal(size=50)


def f(x):
    return np.array([np.sin(x).sum(), x[0] * x[1], 3.0])


def rows(points):
    return np.stack([np.sin(points).sum(axis=1), points[:, 0] * points[:, 1], np.full(len(points), 3.0)], axis=1)


def probes(batch=rows, function=f, readout=None):
    base = function(X.copy())
    sigma = np.full(base.shape, 2.0**-52)
    return Probe(function, base, sigma, readout), Probe(function, base, sigma, readout, batch=Batched(batch, X))


@pytest.mark.parametrize("readout", [None, np.array([[1.0, -0.5, 2.0], [0.25, 1.0, 1.0]])])
def test_batches_give_the_differences_that_calls_give(readout):
    called, batched = probes(readout=readout)
    point = Point.of(X, np.full(X.shape, 2.0**-52))
    tangents = Tangents(point, np.random.default_rng(1).normal(size=(9, 50)))
    for directions in (Coordinates(point, np.arange(50)), tangents):
        h = octaves(directions, np.array([4.0, 13.0]))
        one, other = called.sample(directions, h), batched.sample(directions, h)
        for name in ("rise", "fall"):
            np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-9, atol=1e-13)
        np.testing.assert_allclose(one.noise, other.noise, rtol=1e-6)


def test_a_call_at_x_is_made_once_and_a_single_point_is_called():
    asked = []

    def counted(points):
        asked.append(len(points))
        return rows(points)

    def never(x):
        raise AssertionError("called")

    _, probe = probes(counted)
    probe = Probe(never, probe.base, probe.sigma, None, batch=probe.batch)
    point = Point.of(X, np.full(X.shape, 2.0**-52))
    probe.sample(Coordinates(point, np.arange(48)), np.full((1, 48), 0.01))
    assert asked == [128, 128]  # above and below, at x
    _, probe = probes(counted)
    asked.clear()
    at_the_edge = Point(X, point.epsilon, X, point.upper)
    probe.sample(Coordinates(at_the_edge, np.arange(1)), np.full((1, 1), 0.01))
    assert asked == []


def test_what_stands_still_does_so_to_the_last_bit_though_rounding_differs_by_place():
    def uneven(points):
        # as a vector unit's rest rounds in another way than its whole lanes
        place = 1 + 2.0**-52 * (np.arange(len(points)) % 3)
        return rows(points) * place[:, None]

    _, probe = probes(uneven)
    point = Point.of(X, np.full(X.shape, 2.0**-52))
    samples = probe.sample(Coordinates(point, np.arange(50)), np.full((1, 50), 2.0**-13))
    assert samples.constant[:, 2].all()
    assert samples.constant[2:, 1].all()


def test_a_row_without_a_value_is_missing_and_the_others_stay():
    def holes(points):
        values = rows(points)
        values[points[:, 0] > X[0]] = np.nan
        return values

    _, probe = probes(holes)
    point = Point.of(X, np.full(X.shape, 2.0**-52))
    samples = probe.sample(Coordinates(point, np.arange(50)), np.full((1, 50), 2.0**-6))
    assert np.isnan(samples.rise[0, 0]).all()
    assert np.isfinite(samples.fall).all()
    assert np.isfinite(samples.rise[0, 1:]).all()


def test_a_call_that_was_not_possible_is_made_point_by_point():
    _, probe = probes(lambda points: None)
    called, _ = probes()
    point = Point.of(X, np.full(X.shape, 2.0**-52))
    directions, h = Coordinates(point, np.arange(50)), np.full((1, 50), 2.0**-6)
    np.testing.assert_array_equal(probe.sample(directions, h).rise, called.sample(directions, h).rise)


@pytest.mark.parametrize(("n", "m"), [(1, 1), (4_000, 4_000), (3_200, 1), (2_000_000, 1), (10, 10**6)])
def test_memory_is_a_few_rows_and_never_n_times_m(n, m):
    assert rows_at_once(n, m) * (n + m) <= max(ROOM, n + m)
    asked = []
    batched = Batched(lambda points: asked.append(points.shape), np.zeros(n))
    list(batched.changes(Along(np.zeros(n), np.ones((3, 1)), np.ones((1, n))), np.arange(3), m))
    assert all(k * (n + m) <= ROOM for k, _ in asked)


def audited(batch):
    arguments = Arguments.of([X])
    differentiable = Differentiable("test", lambda x: f(x), {"vjp": claim}, batch=batch, notes=[])
    case = Case("c", "c", Target("here:f"), (Input("x", Given(None)),), ("vjp",))
    return audit_function(case, differentiable, arguments)


def claim(x, cotangent):
    gradient = cotangent[0] * np.cos(x)
    gradient[:2] += cotangent[1] * x[1::-1]
    return gradient


def test_an_audit_in_batches_passes_what_is_right_and_takes_no_note_of_it():
    verdict = audited(lambda arguments: rows)
    assert verdict.status == "pass"
    assert verdict.notes == ()


@pytest.mark.parametrize(
    ("batch", "said"),
    [
        (lambda points: rows(points) + 1e-3, "where a call gives"),
        (lambda points: rows(points[:1].repeat(len(points), axis=0)), "where a call gives"),
        (lambda points: rows(points)[:, :2], "(16, 2)"),
        (lambda points: 1 / 0, "raised ZeroDivisionError"),
        (lambda points: None, "shape None"),
    ],
)
def test_a_batched_form_that_means_something_else_is_not_used_and_a_note_says_so(batch, said):
    verdict = audited(lambda arguments: batch)
    assert verdict.status == "pass"
    (note,) = verdict.notes
    assert note.startswith("evaluated point by point: the batched function ")
    assert said in note


def test_an_engine_may_have_no_batched_form_for_a_function():
    verdict = audited(lambda arguments: None)
    assert verdict.status == "pass"
    assert verdict.notes == ()


def test_many_points_are_cut_into_one_array_an_input():
    arguments = Arguments.of([np.zeros((2, 3)), np.zeros(4, dtype=np.float32)])
    first, second = arguments.stacked(np.arange(20.0).reshape(2, 10))
    assert first.shape == (2, 2, 3)
    assert second.dtype == np.float32
    assert second.tolist() == [[6, 7, 8, 9], [16, 17, 18, 19]]
