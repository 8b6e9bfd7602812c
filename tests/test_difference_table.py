"""The level of noise in nine values: known noise is found under smooth behaviour, one column at a time or many."""

import numpy as np
import pytest

from gradaudit.perturb.difference_table import VALUES, levels

PLACES = np.arange(VALUES)[:, None]


def columns(count=300, *, seed=0, noise=1e-6):
    """Parabolas of many sizes under noise of one size: (9, count)."""
    rng = np.random.default_rng(seed)
    smooth = sum(rng.normal(size=count) * PLACES**power for power in range(3))
    return smooth + noise * rng.normal(size=(VALUES, count))


def test_noise_under_a_parabola_is_found_within_a_factor():
    level, settled = levels(columns())
    assert settled.mean() > 0.9
    assert 0.5e-6 < np.median(level[settled]) < 2e-6


def test_a_column_by_itself_has_the_level_that_it_has_among_others():
    values = np.concatenate([columns(), columns(noise=1e3), columns(noise=0.0), np.round(columns(), 1)], axis=1)
    level, settled = levels(values)
    for j in range(values.shape[1]):
        alone, settled_alone = levels(values[:, j : j + 1])
        np.testing.assert_allclose(alone, level[j], rtol=1e-12)
        assert settled_alone == settled[j]


@pytest.mark.parametrize("count", [1, 2])
def test_values_that_stand_still_have_no_noise(count):
    level, settled = levels(np.ones((VALUES, count)))
    assert (level == 0).all()
    assert not settled.any()


def test_no_column_is_no_problem():
    level, settled = levels(np.empty((VALUES, 0)))
    assert level.shape == settled.shape == (0,)
