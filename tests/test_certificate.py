"""The theorem by simulation, and what it says where few directions or a coarse lattice prove nothing."""

import numpy as np
import pytest

from gradaudit.judge.certificate import Certificate
from gradaudit.judge.leftover import Left
from gradaudit.perturb.certificate import COARSE, FINE, PLAIN, Lattice, directions_needed, families, multiplier

N = 40


def errors(kind, rng):
    """Weighted errors w∘δ of N elements, the largest of size 1."""
    found = {
        "one": np.eye(N)[3],
        "pair": np.eye(N)[3] - np.eye(N)[4],
        "all alike": np.ones(N),
        "normal": rng.normal(size=N),
        "geometric": 2.0 ** -np.arange(N),
    }[kind]
    return found / np.abs(found).max()


@pytest.mark.parametrize("lattice", [FINE, COARSE, Lattice(2.0**-3)])
@pytest.mark.parametrize("kind", ["one", "pair", "all alike", "normal", "geometric"])
@pytest.mark.parametrize("directions", [1, 2, 6])
def test_the_largest_error_is_above_its_limit_as_rarely_as_promised(lattice, kind, directions):
    probability, repeats = 0.1, 4000
    rng = np.random.default_rng(directions)
    wrong = errors(kind, rng)
    v = lattice.draw(rng, repeats * directions * N).reshape(repeats, directions, N)
    reach = np.abs(v @ wrong).max(axis=1)
    violated = float(np.mean(multiplier(directions, probability, lattice) * reach < 1))
    assert violated <= probability + 3 * np.sqrt(probability / repeats)


@pytest.mark.parametrize("directions", [1, 6])
def test_the_limit_is_tight_for_a_single_wrong_element(directions):
    rng = np.random.default_rng(0)
    v = FINE.draw(rng, 20_000 * directions).reshape(20_000, directions)
    violated = float(np.mean(multiplier(directions, 0.1, FINE) * np.abs(v).max(axis=1) < 1))
    assert violated == pytest.approx(0.1, abs=0.01)


def test_values_of_a_lattice_are_never_zero_symmetric_and_of_few_bits():
    for lattice in (FINE, COARSE):
        v = lattice.draw(np.random.default_rng(0), 100_000)
        assert np.abs(v).min() >= lattice.grain / 2
        assert np.abs(v).max() < lattice.reach
        assert lattice.reach == pytest.approx(np.sqrt(3), abs=lattice.grain)
        assert (v * 2 / lattice.grain % 2 == 1).all()
        assert np.var(v) == pytest.approx(1.0, abs=0.02)
        assert np.mean(v) == pytest.approx(0.0, abs=0.02)


def test_the_multiplier_goes_to_that_of_the_continuous_cube():
    assert multiplier(6, 1e-6, FINE) == pytest.approx(10 / np.sqrt(3), rel=1e-3)


def test_three_coarse_directions_prove_nothing_at_one_in_a_billion():
    assert multiplier(3, 1e-9, COARSE) == np.inf
    assert np.isfinite(multiplier(3, 1e-9, FINE))


@pytest.mark.parametrize("factor", [0.6, 1.0, 5.0, 50.0, 1e6])
@pytest.mark.parametrize("lattice", [FINE, COARSE])
def test_the_directions_that_are_said_to_be_needed_are_the_fewest(factor, lattice):
    needed = directions_needed(factor, 1e-9, lattice)
    assert needed is not None
    assert multiplier(needed, 1e-9, lattice) <= factor
    assert needed == 1 or multiplier(needed - 1, 1e-9, lattice) > factor


def test_no_number_of_directions_takes_the_limit_below_the_longest_step():
    assert directions_needed(1 / FINE.reach, 1e-9, FINE) is None
    assert directions_needed(0.0, 1e-9, FINE) is None


def test_like_sensitivities_need_one_family_and_decades_need_more():
    rng = np.random.default_rng(0)
    assert families(np.abs(rng.normal(size=1000)) + 0.5) == [PLAIN]
    assert families(np.zeros(10)) == [PLAIN]
    assert [family.name for family in families(10.0 ** rng.uniform(-8, 0, 1000))] == ["plain", "median", "lowest tenth"]


def test_balanced_weights_hold_down_what_is_sensitive_and_nothing_else():
    sensitivity = 10.0 ** np.arange(-6.0, 6.0)
    scale = np.full(12, 4.0)
    median = families(sensitivity)[1]
    weights = median.weights(scale, sensitivity)
    assert (weights[sensitivity <= median.level] == 4.0).all()
    assert (weights * sensitivity <= 4.0 * median.level * (1 + 1e-12)).all()
    assert (np.frexp(weights)[0] == 0.5).all()


def test_decades_count_every_sloped_element_once_with_the_worst_limit_of_each():
    left = Left(size=np.array([20.0, 3.0, 2.0, 0.5, 0.0]), limit=np.array([0.2, 0.03, 0.04, 0.05, 0.06]))
    assert [(one.exponent, one.elements) for one in left.decades()] == [(1, 1), (0, 2), (-1, 1)]
    assert [one.limit for one in left.decades()] == pytest.approx([0.01, 0.02, 0.1])
    assert left.resolved(0.015) == 2


def test_what_is_undecided_says_how_many_directions_would_do():
    certificate = Certificate("gradient", 10, 6, ("plain",), 3, 1e-9, 2.0, 0.02, 4, 1e-3, more=9)
    assert "{directions: 9}" in certificate.undecided
    assert "seed 3" in certificate.sentence
    assert "none of the other 8 elements" in certificate.without(2).sentence
