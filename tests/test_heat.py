"""A heat map shows every element of small inputs, and loses no wrong element of large ones."""

from dataclasses import replace

import numpy as np
import pytest

import gradaudit as ga
from gradaudit.judge.heat import CELLS, _block, _pooled
from gradaudit.judge.points import at_all_points
from gradaudit.judge.verdict import Status


def squares(x):
    return float((x**2).sum())


def wrong_at(*place):
    def gradient(x):
        claim = 2 * x
        claim[place] *= 1.5
        return claim

    return gradient


def test_the_wrong_element_is_the_hot_one():
    x = np.random.default_rng(1).normal(size=(3, 4))
    (heat,) = ga.audit(squares, x, gradient=wrong_at(2, 1)).heat
    assert (heat.check, heat.shape, heat.columns, heat.block) == ("gradient", (3, 4), 4, (1, 1))
    errors = np.reshape(heat.errors, (3, 4))
    assert np.argwhere(errors > 1).tolist() == [[2, 1]]


def test_each_input_has_its_map_and_a_number_alone_has_none():
    (first, second) = ga.audit(
        lambda x, y, z: float(x.sum() * y.sum() * z),
        np.ones(2),
        np.ones((2, 2)),
        np.array(2.0),
        gradient=lambda x, y, z: (np.full(2, 8.0), np.full((2, 2), 4.0), np.array(8.0)),
    ).heat
    assert (len(first.errors), len(second.errors)) == (2, 4)


@pytest.mark.parametrize("shape", [(1, 5000), (5000, 1), (70, 70), (33, 32), (3, 900), (2000, 2000)])
def test_a_large_input_keeps_its_worst_element_in_a_map_of_limited_size(shape):
    block = _block(*shape)
    errors = np.zeros(shape)
    errors[-1, -1] = 7.0
    cells = _pooled(errors, block)
    assert CELLS // 4 < cells.size <= CELLS
    assert np.argwhere(cells == 7.0).tolist() == [[cells.shape[0] - 1, cells.shape[1] - 1]]


def test_elements_that_were_not_checked_are_no_cold_ones():
    cells = _pooled(np.array([[np.nan, np.nan, 0.5, np.nan]]), (1, 2))
    assert np.isnan(cells[0, 0])
    assert cells[0, 1] == 0.5


def test_the_map_of_a_case_with_several_points_is_that_of_the_worst():
    good = ga.audit(squares, np.ones(3), gradient=lambda x: 2 * x)
    bad = ga.audit(squares, np.ones(3), gradient=wrong_at(1))
    assert at_all_points([good, replace(bad, status=Status.FAIL)]).heat == bad.heat
