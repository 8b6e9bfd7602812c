"""The benchmark beside ``check_grads``: its faults are what they are called, and its figures are told as measured."""

import re

import numpy as np
import pytest
from markdown_page import ROOT

from benchmarks import check_grads
from benchmarks.check_grads import FAULTS, RIGHT, RIVALS, answers, problems

LIBRARIES = {"jax": "JAX", "autograd": "autograd"}


def spoiled(fault, gradient):
    order, factors = FAULTS[fault](gradient.size)
    return gradient[order] * factors


def test_faults_are_what_they_are_called():
    gradient = np.arange(1.0, 7.0)
    np.testing.assert_array_equal(spoiled(RIGHT, gradient), gradient)
    np.testing.assert_array_equal(spoiled("wrong sign", gradient), -gradient)
    np.testing.assert_array_equal(spoiled("one element zero", gradient), [1, 2, 0, 4, 5, 6])
    np.testing.assert_array_equal(spoiled("two elements swapped", gradient), [4, 2, 3, 1, 5, 6])
    assert all((spoiled(fault, gradient) != gradient).any() for fault in FAULTS if fault != RIGHT)


@pytest.mark.parametrize("library", RIVALS)
def test_both_accuse_wrong_rules_of_a_smooth_function_and_nobody_the_right_one(library, monkeypatch):
    pytest.importorskip(library)
    monkeypatch.setattr(check_grads, "problems", lambda: {"layer": problems()["layer"]})
    monkeypatch.setattr(check_grads, "FAULTS", {fault: FAULTS[fault] for fault in (RIGHT, "one element zero")})
    right, wrong = answers(library)
    assert (right.ours, right.passed) == ("pass", True)
    assert (wrong.ours, wrong.passed) == ("fail", False)


def test_a_library_that_is_missing_is_named(monkeypatch):
    monkeypatch.setattr(check_grads.importlib.util, "find_spec", lambda name: None)
    assert check_grads.run() == "jax: pip install jax\n\nautograd: pip install autograd"


@pytest.mark.parametrize("library", RIVALS)
def test_the_figures_beside_check_grads_are_those_of_the_benchmark(library):
    measured = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    table = measured.split(f"| {LIBRARIES[library]}: rule ")[1].partition("\n\n")[0]
    rows = {row[0]: row[1:] for row in (re.split(r" *\| *", line.strip("| ")) for line in table.splitlines()[2:])}
    assert rows.keys() == FAULTS.keys()
    ours, undecided, rivals = ([int(row[k]) for row in rows.values()] for k in range(3))
    count = len(problems())
    assert ours == [0] + [count] * (len(FAULTS) - 1)
    assert not any(undecided)
    missed = sum(count - accused for accused in rivals[1:])
    told = f"| {rivals[0]} of {count} | {missed} of {count * (len(FAULTS) - 1)} | 0 and 0 |"
    page = (ROOT / "docs" / "rivals.md").read_text(encoding="utf-8")
    assert f"| `{library}.test_util.check_grads` {told}" in page
