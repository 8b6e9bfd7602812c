"""Hessians of a structure: the verdicts of column by column, entry by entry and in tens of gradients."""

import numpy as np
import pytest
import scipy.sparse as sparse

import gradaudit as ga
from gradaudit.checks import _matrix
from gradaudit.checks._recovery import recovered
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.verdict import Status
from gradaudit.perturb.pattern import Pattern
from gradaudit.plan.case import Settings

N = 1000
X = np.random.default_rng(20261123).normal(size=N)


def chain(x):
    return float(np.sin(x).sum() + (x[1:] * x[:-1] ** 2).sum())


def gradient(x):
    slope = np.cos(x)
    slope[1:] += x[:-1] ** 2
    slope[:-1] += 2 * x[:-1] * x[1:]
    return slope


def hessian(x):
    middle = -np.sin(x)
    middle[:-1] += 2 * x[1:]
    return sparse.diags([2 * x[:-1], middle, 2 * x[:-1]], [-1, 0, 1]).tocsr()


def dense_hessian(x):
    return hessian(x).toarray()


def diagonal(x):
    return sparse.diags(hessian(x).diagonal()).tocsr()


def spoiled(*changes, claim=hessian):
    """The Hessian with other values at some places."""

    def changed(x):
        matrix = claim(x).tolil()
        for i, j, value in changes:
            matrix[i, j] = value
        return matrix.tocsr()

    return changed


def audited(claim, x=X, **options):
    return ga.audit(chain, x, gradient=gradient, hessian=claim, checks=["hessian"], **options)


@pytest.mark.parametrize("claim", [hessian, dense_hessian], ids=["sparse", "dense"])
def test_a_tridiagonal_hessian_of_a_thousand_elements_takes_a_hundred_and_fifty_gradients(claim):
    verdict = audited(claim)
    assert verdict.status is Status.PASS
    assert verdict.counts.checked == verdict.counts.passed == N * N
    assert verdict.measures.evaluations < 150
    assert verdict.measures.saved > 1_800
    assert "an output depends on 3 of 1,000 elements" in " ".join(verdict.notes)


def test_a_diagonal_hessian_takes_less_than_two_hundred_gradients():
    verdict = ga.audit(
        lambda x: float(np.sin(x).sum()), X, gradient=np.cos, hessian=lambda x: np.diag(-np.sin(x)), checks=["hessian"]
    )
    assert verdict.status is Status.PASS
    assert verdict.measures.evaluations < 200


CLAIMS = {
    "right": hessian,
    "right, dense": dense_hessian,
    "too sparse": diagonal,
    "zeroed": spoiled((50, 51, 0.0)),
    "twice": lambda x: 2 * hessian(x),
    "a pair": spoiled((50, 51, 3.0), (51, 50, 3.0)),
    "outside": spoiled((3, 90, 1e-3)),
    "one triangle": lambda x: sparse.triu(hessian(x)).tocsr(),
}


@pytest.mark.parametrize("name", CLAIMS)
def test_by_entries_and_by_columns_say_the_same_with_the_same_evidence(name, monkeypatch):
    by_entries = audited(CLAIMS[name], X[:100])
    monkeypatch.setattr(_matrix, "FEWEST", 10**9)
    by_columns = audited(CLAIMS[name], X[:100])
    for field in ("status", "diagnosis", "counts"):
        assert getattr(by_entries, field) == getattr(by_columns, field)
    assert by_entries.measures.max_abs_error == pytest.approx(by_columns.measures.max_abs_error, rel=1e-6, abs=1e-10)
    assert by_entries.measures.evaluations < by_columns.measures.evaluations


def test_an_entry_far_outside_the_pattern_of_f_is_named_beside_its_mirror_image():
    verdict = audited(spoiled((3, 900, 1e-3)))
    assert (verdict.status, verdict.diagnosis) == (Status.FAIL, Diagnosis.NOT_SYMMETRIC)
    (wrong,) = (element for element in verdict.elements if element.status is Status.FAIL)
    assert (wrong.output, wrong.input) == ("gradient x[3]", "x[900]")
    assert "d gradient x[900]/d x[3] is 0, numeric 0 for both" in verdict.evidence


def test_both_halves_of_a_pair_that_f_does_not_have_are_named():
    verdict = audited(spoiled((3, 900, 1e-3), (900, 3, 1e-3)))
    assert verdict.status is Status.FAIL
    wrong = {(one.output, one.input) for one in verdict.elements if one.status is Status.FAIL}
    assert wrong == {("gradient x[3]", "x[900]"), ("gradient x[900]", "x[3]")}


def test_a_claim_sparser_than_f_fails_and_says_how_many_entries_are_missing():
    verdict = audited(diagonal)
    assert verdict.status is Status.FAIL
    assert f"{2 * (N - 1):,} are missing" in " ".join(verdict.notes)


def test_a_claim_denser_than_f_passes_and_says_so():
    def stored(x):
        right, extra = hessian(x).tocoo(), np.arange(N - 5)
        values = np.concatenate([right.data, np.zeros(N - 5)])
        places = np.concatenate([right.row, extra]), np.concatenate([right.col, extra + 5])
        return sparse.csr_array((values, places), shape=(N, N))

    verdict = audited(stored)
    assert verdict.status is Status.PASS
    assert f"{N - 5} are stored for nothing" in " ".join(verdict.notes)


def test_an_entry_that_a_sample_left_out_is_no_asymmetry():
    verdict = audited(lambda x: 1.5 * hessian(x), settings=Settings(elements=40))
    assert verdict.diagnosis is Diagnosis.CONSTANT_FACTOR


def test_a_gradient_without_structure_is_taken_column_by_column():
    mixing = np.random.default_rng(0).normal(size=(64, 64)) / 8
    square = mixing @ mixing.T

    verdict = ga.audit(
        lambda x: float(0.5 * x @ square @ x), X[:64], gradient=lambda x: square @ x, hessian=lambda x: square
    )
    assert verdict.status is Status.PASS
    assert verdict.measures.saved == 0


def test_the_gradients_that_are_told_are_those_that_were_called_also_after_a_failure():
    calls = 0

    def counted(x):
        nonlocal calls
        calls += 1
        return gradient(x)

    for claim in (hessian, spoiled((3, 900, 1e-3))):
        calls = 0
        verdict = ga.audit(chain, X, gradient=counted, hessian=claim, checks=["hessian"])
        assert abs(verdict.measures.evaluations - calls) <= 3  # f itself is called at x, and the claim too


# products with the Hessian


def product(x, tangent):
    return hessian(x) @ tangent


def audited_product(claim, **options):
    return ga.audit(chain, X, gradient=gradient, hvp=claim, checks=["hvp"], **options)


def test_every_entry_of_a_tridiagonal_hessian_is_compared_through_its_products():
    verdict = audited_product(product)
    assert verdict.status is Status.PASS
    assert verdict.counts.checked == N * N + 3 * N
    assert verdict.measures.evaluations < 250
    assert verdict.measures.saved > 1_800


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ((50, 50, 7.0), ("gradient x[50]", "x[50]")),
        ((50, 51, 0.0), ("gradient x[50]", "x[51]")),
        ((3, 900, 1e-3), ("gradient x[3]", "x[900]")),
    ],
    ids=["diagonal", "dropped", "outside"],
)
def test_one_wrong_entry_behind_a_product_is_named(change, place):
    wrong = spoiled(change)
    verdict = audited_product(lambda x, tangent: wrong(x) @ tangent)
    assert verdict.status is Status.FAIL
    assert place in {(one.output, one.input) for one in verdict.elements if one.status is Status.FAIL}


def test_what_is_too_small_for_dense_tangents_fails_by_its_entry():
    wrong = spoiled((3, 900, 1e-6))
    verdict = audited_product(lambda x, tangent: wrong(x) @ tangent)
    assert verdict.status is Status.FAIL
    assert "d gradient x[3]/d x[900]" in verdict.message


def test_a_search_in_vain_is_counted():
    calls, mixing = 0, np.random.default_rng(0).normal(size=(80, 80)) / 9
    square = mixing @ mixing.T

    def counted(x):
        nonlocal calls
        calls += 1
        return square @ x

    for claim in ({"hvp": lambda x, tangent: square @ tangent}, {"hessian": lambda x: square}):
        calls, (check,) = 0, claim
        verdict = ga.audit(lambda x: float(0.5 * x @ square @ x), X[:80], gradient=counted, checks=[check], **claim)
        assert verdict.status is Status.PASS
        assert abs(verdict.measures.evaluations - calls) <= 3


def test_entries_are_recovered_from_two_products_a_colour():
    rng = np.random.default_rng(5)
    matrix = np.diag(rng.normal(size=40)) + np.diag(rng.normal(size=39), 1)
    known = Pattern.of(*np.nonzero(matrix), shape=matrix.shape)
    matrix[7, 30], matrix[20, 2], matrix[9, 9] = 1e-9, 0.5, np.nan
    asked = 0

    def product(columns, weights):
        nonlocal asked
        asked += 1
        return matrix[:, columns] @ weights

    pattern, values = recovered(product, known, rng)
    np.testing.assert_array_equal(values, matrix[pattern.output, pattern.coordinate])
    assert {(7, 30), (20, 2)} <= set(zip(pattern.output.tolist(), pattern.coordinate.tolist(), strict=True))
    assert asked <= 2 * 2 + 2 * 9
