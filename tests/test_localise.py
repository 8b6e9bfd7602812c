"""Group testing by residuals alone: which elements are found, at what price, and what is said where there are many."""

import numpy as np
import pytest

from gradaudit.perturb.localise import ENOUGH, Residual, locate, ramp

POSITIONS = 4096


class Oracle:
    """Residuals of known errors along one direction, with noise of known size, and a budget of questions."""

    def __init__(self, errors, *, noise=1e-9, budget=10_000, seed=0):
        self.errors, self.noise, self.budget = errors, noise, budget
        self.rng = np.random.default_rng(seed)
        self.asked = 0

    def __call__(self, start, stop, ramped):
        if self.asked == self.budget:
            return None
        self.asked += 1
        part = self.errors[start:stop]
        value = float(part @ (ramp(stop - start, POSITIONS) if ramped else np.ones(stop - start)))
        return Residual(value + self.noise * self.rng.uniform(-1, 1), self.noise)

    def locate(self, **more):
        whole = self(0, len(self.errors), False)
        assert whole.certain
        return locate(self, whole, len(self.errors), positions=POSITIONS, **more)


def with_faults(n, faults, *, seed):
    rng = np.random.default_rng(seed)
    errors = np.zeros(n)
    where = rng.choice(n, faults, replace=False)
    errors[where] = rng.uniform(0.1, 1.7, faults) * rng.choice([-1, 1], faults)
    return errors, set(where.tolist())


@pytest.mark.parametrize("n", [2, 3, 1000, 100_000])
@pytest.mark.parametrize("faults", [1, 2])
@pytest.mark.parametrize("seed", range(5))
def test_few_faults_are_found_and_nothing_else_is(n, faults, seed):
    errors, where = with_faults(n, faults, seed=seed)
    found = Oracle(errors, seed=seed).locate()
    assert set(found.elements) == where
    assert found.complete


@pytest.mark.parametrize("seed", range(5))
def test_ten_faults_among_a_hundred_thousand_cost_a_few_questions_each(seed):
    errors, where = with_faults(100_000, 10, seed=seed)
    oracle = Oracle(errors, seed=seed)
    assert set(oracle.locate().elements) == where
    assert oracle.asked < 150


def test_a_single_fault_is_decoded_from_a_ratio_and_not_bisected():
    errors, where = with_faults(2**20, 1, seed=3)
    oracle = Oracle(errors)
    assert set(oracle.locate().elements) == where
    assert oracle.asked <= 6


def test_two_errors_that_cancel_in_their_halves_do_not_hide_each_other():
    errors = np.zeros(1024)
    errors[[100, 900]] = 1.0, -0.5
    assert set(Oracle(errors).locate().elements) == {100, 900}


@pytest.mark.parametrize("snr", [10, 100, 1000])
def test_a_fault_near_the_noise_is_found_or_its_range_is_said(snr):
    for seed in range(20):
        errors, where = with_faults(4096, 1, seed=seed)
        errors[errors != 0] = 1.0
        found = Oracle(errors, noise=1 / snr, seed=seed).locate()
        (fault,) = where
        assert fault in found.elements or any(a <= fault < b for a, b in found.ranges)
        assert set(found.elements) <= where


def test_an_array_that_is_wrong_throughout_is_one_range_and_some_of_it_is_singled_out():
    rng = np.random.default_rng(0)
    errors = np.zeros(10_000)
    errors[3000:7000] = rng.normal(size=4000)
    oracle = Oracle(errors)
    found = oracle.locate(cuts=[3000, 7000])
    assert found.ranges == [(3000, 7000)]
    assert found.elements
    assert all(3000 <= element < 7000 for element in found.elements)
    assert oracle.asked < 200


def test_where_the_budget_ends_what_is_left_is_said():
    errors, where = with_faults(100_000, 10, seed=1)
    oracle = Oracle(errors, budget=20)
    found = oracle.locate()
    assert oracle.asked == 20
    assert not found.complete
    assert set(found.elements) < where
    for fault in where - set(found.elements):
        assert any(a <= fault < b for a, b in found.ranges)


def test_many_faults_end_the_search():
    errors, _ = with_faults(1_000_000, 2000, seed=2)
    oracle = Oracle(errors)
    found = oracle.locate()
    assert len(found.elements) <= ENOUGH
    assert not found.complete
    assert oracle.asked < 1000


class NoValue(Oracle):
    """f has no value where fewer than ``least`` elements move."""

    def __init__(self, errors, *, least):
        super().__init__(errors)
        self.least = least

    def __call__(self, start, stop, ramped):
        known = super().__call__(start, stop, ramped)
        return known if stop - start >= self.least else Residual(float("nan"), float("inf"))


@pytest.mark.parametrize("least", [100, 51, 3])
def test_where_f_has_no_value_the_range_is_said_and_no_element_accused(least):
    errors, _ = with_faults(100, 1, seed=0)
    fault = int(np.flatnonzero(errors)[0])
    found = NoValue(errors, least=least).locate()
    assert not found.elements
    assert not found.complete
    assert any(start <= fault < stop for start, stop in found.ranges)


def test_a_half_in_which_f_has_no_value_is_known_from_the_other():
    errors, where = with_faults(1000, 2, seed=1)

    class LeftHalf(Oracle):
        def __call__(self, start, stop, ramped):
            known = super().__call__(start, stop, ramped)
            return Residual(float("nan"), float("inf")) if (start, stop) == (0, 500) else known

    assert set(LeftHalf(errors).locate().elements) == where
