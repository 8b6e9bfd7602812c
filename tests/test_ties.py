"""Claims that are wrong only where f decides between equals are told from claims that are wrong at some elements."""

import numpy as np
import pytest

from gradaudit.api import audit
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.verdict import Status

#: 1.5 occurs twice, and -0.5 three times.
X = np.array([1.5, -0.5, 0.25, 1.5, 2.0, -0.5, 0.75, -0.5])


def total_square(x):
    return (x**2).sum()


def of_distinct_values(factor):
    """The gradient of total_square by way of its distinct values: wrong by ``factor`` where one occurs again."""

    def gradient(x):
        _, place, count = np.unique(x, return_inverse=True, return_counts=True)
        return 2 * x * np.where(count[place] > 1, factor, 1.0)

    return gradient


@pytest.mark.parametrize("factor", [0.0, 1.01, -1.0])
def test_a_claim_that_is_wrong_at_exactly_the_repeated_values_is_wrong_at_a_tie(factor):
    verdict = audit(total_square, X, gradient=of_distinct_values(factor))
    assert (verdict.status, verdict.diagnosis) == (Status.FAIL, Diagnosis.TIE)
    assert "the 5 elements whose value occurs more than once are off, such as x[0] = 1.5" in verdict.evidence
    assert "the other 3 agree" in verdict.evidence


def test_one_wrong_element_beside_the_ties_is_no_tie():
    def gradient(x):
        g = of_distinct_values(1.01)(x)
        g[2] *= 2
        return g

    assert audit(total_square, X, gradient=gradient).diagnosis is not Diagnosis.TIE


def test_where_all_values_are_tied_a_wrong_claim_is_simply_wrong():
    assert audit(total_square, np.ones(4), gradient=lambda x: 3 * x).diagnosis is Diagnosis.CONSTANT_FACTOR


def test_equal_values_of_different_inputs_are_no_tie():
    a, b = np.array([1.0, 2.0]), np.array([1.0, 3.0])

    def gradient(a, b):
        return b * [1.01, 1.0], a * [1.01, 1.0]

    assert audit(lambda a, b: (a * b).sum(), a, b, gradient=gradient).diagnosis is not Diagnosis.TIE


def test_a_claim_outside_both_slopes_of_the_only_kinks_tells_slopes_and_claim():
    x = np.array([-1.0, 0.0, 0.5, 0.0])
    verdict = audit(lambda x: np.abs(x).sum(), x, gradient=lambda x: np.where(x == 0, 3.0, np.sign(x)))
    assert verdict.diagnosis is Diagnosis.TIE
    beyond = audit(lambda x: np.abs(x).sum(), x[:3], gradient=lambda x: np.where(x == 0, 3.0, np.sign(x)))
    assert beyond.diagnosis is Diagnosis.TIE
    assert "x[1] has slopes -1 and 1, and the claim 3 is not between them" in beyond.evidence


def test_a_claim_that_is_wrong_beside_the_kink_too_is_not_put_down_to_it():
    x = np.array([-1.0, 0.0, 0.5, 2.0])
    wrong = audit(lambda x: np.abs(x).sum(), x, gradient=lambda x: np.where(x == 0, 3.0, 2 * np.sign(x)))
    assert wrong.status is Status.FAIL
    assert wrong.diagnosis is not Diagnosis.TIE


def test_the_mirror_images_of_a_symmetric_matrix_are_no_ties():
    verdict = audit(
        lambda s: 2 * np.log(np.diag(np.linalg.cholesky(s))).sum(),  # reads one triangle
        np.array([[2.0, 0.3, 0.1], [0.3, 1.0, 0.2], [0.1, 0.2, 3.0]]),
        gradient=np.linalg.inv,
    )
    assert verdict.status is Status.FAIL
    assert verdict.diagnosis is not Diagnosis.TIE


def test_what_is_wrong_in_the_whole_of_an_input_of_equal_values_is_no_tie():
    verdict = audit(lambda w, x: (w * x).sum(), np.ones(4), X[:4], gradient=lambda w, x: (-x, w))
    assert verdict.diagnosis is Diagnosis.WRONG_SIGN
    assert "in the whole of x0" in verdict.evidence
