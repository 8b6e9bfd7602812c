"""The benchmark of verdicts itself: exact derivatives, claims that are what they say, tables that count right."""

import re

import numpy as np
import pytest

from benchmarks import random_functions
from benchmarks._mutations import BINS, bin_of, right_claims, wrong_claims
from benchmarks._problems import DESIGNED, situate
from benchmarks._problems.problem import exact_gradient
from benchmarks._problems.trees import random_situation, well_posed
from benchmarks.verdicts import OWN, parse, records_of, run
from gradaudit.judge.element import Outcome

SOME = ["smooth/rosenbrock 4", "offset/1e9 + sine", "kink nearby/relu network", "solver/kepler, 1e-10"]


def test_there_are_enough_functions_in_every_family():
    families = [problem.family for problem in DESIGNED.values()]
    assert len(families) >= 90
    assert min(families.count(family) for family in families) >= 8


@pytest.mark.parametrize(
    ("formula", "x", "known"),
    [
        (lambda x, m: m.exp(x[0]) * m.sin(x[1]), [0.3, 0.7], [np.exp(0.3) * np.sin(0.7), np.exp(0.3) * np.cos(0.7)]),
        (lambda x, m: m.log(x[0]), [1e-12], [1e12]),
        (lambda x, m: 1e12 + x[0] ** 2, [3.0], [6.0]),
        (lambda x, m: (x[0] - 1) ** 2, [1.0], [0.0]),
    ],
)
def test_exact_gradients_are_right_to_the_last_bit_or_two(formula, x, known):
    low, high = exact_gradient(formula, np.array(x))
    np.testing.assert_array_equal(low, high)
    np.testing.assert_allclose(low, known, rtol=4e-16)


def test_at_a_kink_the_exact_gradient_is_an_interval():
    low, high = exact_gradient(lambda x, m: abs(x[0]) + 2 * x[0], np.array([0.0]), kink=True)
    assert (low[0], high[0]) == (1.0, 3.0)


@pytest.mark.parametrize("name", sorted(DESIGNED))
def test_every_function_is_finite_deterministic_and_near_its_formula(name):
    situation = situate(DESIGNED[name], 5)
    value = situation.function(situation.x)
    assert np.isfinite(value)
    assert np.isfinite(situation.low).all()
    assert value == situation.function(np.array(situation.x))


@pytest.mark.parametrize("name", SOME)
def test_wrong_claims_are_wrong_and_right_ones_are_right(name):
    situation = situate(DESIGNED[name], 3)
    size = np.abs(situation.low).max()
    for claim in right_claims(situation):
        np.testing.assert_allclose(claim.value, situation.low, rtol=1e-14)
    wrong = wrong_claims(situation)
    assert len(wrong) >= 8
    for claim in wrong:
        assert bin_of(claim.error) in BINS.values()
        assert np.isnan(claim.value).any() or np.max(np.abs(claim.value - situation.low)) > 1e-5 * size


def test_an_error_that_f_cannot_show_is_no_wrong_claim():
    situation = situate(DESIGNED["offset/1e12 + sine"], 0)
    names = {claim.name for claim in wrong_claims(situation)}
    assert "+1 %, all" in names
    assert not names & {"+0.1 %, all", "+0.1 %, one"}


def test_random_functions_are_the_same_for_the_same_seed_and_well_posed():
    one, two = random_situation(11), random_situation(11)
    assert one.function(one.x) == two.function(two.x)
    np.testing.assert_array_equal(one.low, two.low)
    assert well_posed(one)


def test_a_smooth_function_is_judged_without_error_and_for_two_evaluations_an_element():
    records = records_of("smooth/rosenbrock 4", 0, [OWN])
    right = [record for record in records if record.right]
    assert {record.answer.outcome for record in right} == {Outcome.PASS}
    assert {record.answer.outcome for record in records if not record.right} == {Outcome.FAIL}
    assert all(record.answer.deciding == 2 * 4 < record.answer.calls for record in right)


@pytest.mark.parametrize("options", [["--seed"], ["--seed", "x"], ["--fast"], ["--seed", "1", "2"]])
def test_unknown_options_are_refused_with_those_allowed(options):
    with pytest.raises(SystemExit, match=re.escape("allowed: --seed S, --quick")):
        parse(options)


def test_options_stand_in_any_order():
    assert parse(["--quick", "--seed", "7"]) == parse(["--seed", "7", "--quick"]) == (7, True)


def test_every_set_has_its_table_and_says_which_rival_is_missing(monkeypatch):
    monkeypatch.setattr("benchmarks.verdicts.DESIGNED", {name: DESIGNED[name] for name in SOME[:1]})
    monkeypatch.setattr("benchmarks.verdicts.QUICK_TREES", 1)
    monkeypatch.setattr("benchmarks.verdicts.installed", lambda rival: False)
    text = run("--quick")
    assert text.count("| gradaudit") == 4
    assert "Designed functions, held-out seed 1000: 1 functions" in text
    assert "torch is not installed: its row is missing." in text


#: Rounded to so few digits that they hardly move, or in a float32 that swallows them; and one beside a pole.
ACCUSED_ONCE = [90050, 100047, 101525, 200066, 201766, 100234]


@pytest.mark.parametrize("seed", ACCUSED_ONCE)
def test_no_right_claim_is_accused_where_one_was_once(seed):
    right = [record for record in records_of("", seed, [OWN]) if record.right]
    assert len(right) == 2
    assert not [record for record in right if record.false_alarm]


def test_a_wrong_sign_beside_a_pole_is_caught():
    missed = [record.claim.name for record in records_of("", 100234, [OWN]) if record.missed]
    assert missed == []


def test_random_functions_are_counted_and_what_is_bad_is_listed():
    text = random_functions.run("--from=101011", "--count=3")
    assert re.search(r"3 random functions from seed 101011", text)
    assert re.search(r"\| right +\| \d+ +\| 0 +\| \d+ +\|", text)
    assert re.search(r"tree/101013 \(float32\) \| one zero +\| 1 +\| pass", text)
    with pytest.raises(SystemExit, match="allowed: --from=SEED, --count=N"):
        random_functions.run("--from=x")
