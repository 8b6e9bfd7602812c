"""A term that is missing along an axis is told by what all rows lack alike, and by nothing less."""

import numpy as np
import pytest

import gradaudit as ga
from gradaudit.judge.diagnosis import Diagnosis

X = np.random.default_rng(3).normal(size=(4, 6))
ROWS = np.random.default_rng(4).normal(size=(4, 1))


def bumps(x):
    return float(np.sin(2 * x).sum())


def claim_that_lacks(term):
    return lambda x: 2 * np.cos(2 * x) - term(x)


LACKING = {
    "a sum or a mean": lambda x: ROWS,
    "a projection onto x": lambda x: ROWS * x,
    "a mean and a projection onto x": lambda x: ROWS + ROWS**2 * x,
}


@pytest.mark.parametrize("term", LACKING)
@pytest.mark.parametrize("axis", [0, 1])
def test_a_term_that_is_missing_in_every_row_is_named_with_its_axis(term, axis):
    x = X if axis else X.T.copy()
    lacking = LACKING[term] if axis else lambda x: LACKING[term](x.T).T
    verdict = ga.audit(bumps, x, gradient=claim_that_lacks(lacking))
    assert verdict.diagnosis is Diagnosis.MISSING_TERM
    assert f"along axis {axis} of x, for each of 4 rows of 6" in verdict.evidence
    assert verdict.evidence.endswith(f"the claim lacks {term}")


@pytest.mark.parametrize(
    "term",
    [
        lambda x: ROWS * x**2,
        lambda x: ROWS * np.sign(x),
        lambda x: ROWS + 0.01 * np.sin(9 * x),
        lambda x: np.where(np.arange(4)[:, None] == 2, 0.3 + 0.2 * x, 0.0),
    ],
    ids=["square", "sign", "nearly constant", "one row only"],
)
def test_what_is_no_line_in_x_or_only_in_one_row_is_no_missing_term(term):
    assert ga.audit(bumps, X, gradient=claim_that_lacks(term)).diagnosis is not Diagnosis.MISSING_TERM


def test_rows_of_two_are_always_on_a_line_and_show_nothing():
    x = X[:, :2].copy()
    verdict = ga.audit(bumps, x, gradient=claim_that_lacks(lambda x: ROWS + ROWS**2 * x))
    assert verdict.diagnosis is not Diagnosis.MISSING_TERM


@pytest.mark.parametrize(
    ("term", "said"), [(lambda x: 0.25, "is 0.25 in all 6 elements"), (lambda x: 0.25 * x, "is 0.25·x in all elements")]
)
def test_what_all_elements_of_a_vector_lack_alike_is_said_with_its_size(term, said):
    verdict = ga.audit(bumps, X[0].copy(), gradient=claim_that_lacks(term))
    assert verdict.diagnosis is Diagnosis.MISSING_TERM
    assert f"numeric − analytic {said}" in verdict.evidence


def test_two_elements_do_not_show_what_all_lack():
    verdict = ga.audit(bumps, X[0, :2].copy(), gradient=claim_that_lacks(lambda x: 0.25))
    assert verdict.diagnosis is not Diagnosis.MISSING_TERM
