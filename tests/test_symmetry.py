"""A claimed Hessian that is not symmetric is told so, with the pair of entries; a symmetric one never is."""

import numpy as np
import pytest

from gradaudit.api import audit
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.verdict import Status
from gradaudit.plan.case import Settings

X = np.array([0.3, -0.7, 1.1, 0.9])


def coupled(x):
    return np.sin(x.sum()) + (x**3).sum()


def gradient(x):
    return np.cos(x.sum()) + 3 * x**2


def hessian(x):
    return np.diag(6 * x) - np.sin(x.sum())


def audited(change, **options):
    def claim(x):
        h = hessian(x)
        result = change(h)
        return h if result is None else result

    return audit(coupled, X, gradient=gradient, hessian=claim, **options)


def one_entry(h):
    h[2, 1] = 0.5


def test_one_wrong_entry_is_named_with_its_mirror_image_and_what_both_must_be():
    verdict = audited(one_entry)
    assert (verdict.status, verdict.diagnosis) == (Status.FAIL, Diagnosis.NOT_SYMMETRIC)
    right = f"{-np.sin(X.sum()):.6g}"
    said = {
        f"d gradient x[2]/d x[1] is 0.5 and d gradient x[1]/d x[2] is {right}, numeric {right} for both",
        f"d gradient x[1]/d x[2] is {right} and d gradient x[2]/d x[1] is 0.5, numeric {right} for both",
    }
    assert verdict.evidence in said


@pytest.mark.parametrize("triangle", [np.triu, np.tril])
def test_a_hessian_of_one_triangle_is_told_so(triangle):
    verdict = audited(triangle)
    assert verdict.diagnosis is Diagnosis.NOT_SYMMETRIC
    assert "6 pairs differ; one triangle of the claim is zero" in verdict.evidence


def test_the_pair_is_found_among_a_sample_of_columns():
    verdicts = [audited(np.triu, settings=Settings(elements=3)) for _ in range(2)]
    assert {verdict.diagnosis for verdict in verdicts} == {Diagnosis.NOT_SYMMETRIC}
    assert verdicts[0].evidence == verdicts[1].evidence
    assert "3 pairs differ" in verdicts[0].evidence


@pytest.mark.parametrize(
    "change",
    [lambda h: 2 * h, lambda h: h + 0.1, lambda h: np.diag(h.diagonal()), lambda h: h[::-1, ::-1]],
    ids=["factor", "constant", "diagonal", "reversed"],
)
def test_a_wrong_hessian_that_is_symmetric_has_another_diagnosis(change):
    verdict = audited(change)
    assert verdict.status is Status.FAIL
    assert verdict.diagnosis is not Diagnosis.NOT_SYMMETRIC


def test_a_jacobian_need_not_be_symmetric():
    w = np.arange(16.0).reshape(4, 4)
    wrong = w + np.triu(np.ones((4, 4)), 1)
    assert audit(lambda x: w @ x, X, jacobian=lambda x: wrong).diagnosis is not Diagnosis.NOT_SYMMETRIC


def test_rounding_makes_no_hessian_asymmetric():
    assert audited(lambda h: h * (1 + 1e-9 * np.arange(4))).status is Status.PASS
