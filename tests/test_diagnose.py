"""A diagnosis comes with its evidence in a sentence, and that sentence is true of the numbers."""

import numpy as np
import pytest

import gradaudit as ga
from gradaudit.judge.diagnosis import Diagnosis

X = np.array([1.0, 2.0, 4.0, 7.0, 11.0, 16.0, 22.0])
MATRIX = np.arange(1.0, 7.0).reshape(2, 3) ** 2


def squares(*inputs):
    return float(sum((x * x).sum() for x in inputs))


def evidence_on(change, *inputs):
    """What is said of a claim about Σx² whose gradients ``change`` has altered."""
    verdict = ga.audit(squares, *inputs, gradient=lambda *inputs: change(*(2 * x for x in inputs)))
    assert verdict.status == "fail"
    return verdict.diagnosis, verdict.evidence


def placed(*order):
    return lambda g: g[list(order)]


def times(factors):
    """Some elements of a flat gradient, each by a factor of its own."""

    def change(g):
        g = g.copy()
        for element, factor in factors.items():
            g.flat[element] *= factor
        return g

    return change


@pytest.mark.parametrize(
    ("change", "diagnosis", "said"),
    [
        (lambda g: -g, Diagnosis.WRONG_SIGN, "analytic = −numeric everywhere"),
        (times({1: -1, 2: -1}), Diagnosis.WRONG_SIGN, "analytic = −numeric in 2 of 7 elements"),
        (lambda g: 1.3 * g, Diagnosis.CONSTANT_FACTOR, "analytic = 1.3 × numeric everywhere"),
        (times({0: 1.3, 1: 1.3, 5: 1.3}), Diagnosis.CONSTANT_FACTOR, "analytic = 1.3 × numeric in 3 of 7 elements"),
        (times({0: 0.7, 1: 0.7}), Diagnosis.SOME_ELEMENTS, "2 of 7 elements are off by 30 %"),
        (times({0: 0.7, 1: 0.5}), Diagnosis.SOME_ELEMENTS, "2 of 7 elements are off by 30 to 50 %"),
        (
            times({0: 0, 1: 0}),
            Diagnosis.SOME_ELEMENTS,
            "2 of 7 elements are off by 100 %; the claim is zero in all of them",
        ),
        (times({3: 1.5}), Diagnosis.ONE_ELEMENT, "only x[3] is off; the other 6 agree"),
        (np.zeros_like, Diagnosis.ZERO, "every claimed element is zero where f has a slope"),
        (placed(0, 4, 2, 3, 1, 5, 6), Diagnosis.SWAPPED, "x[1] and x[4] carry each other's value"),
        (placed(6, 5, 4, 3, 2, 1, 0), Diagnosis.PERMUTED, "6 elements stand in reverse order"),
        (placed(2, 1, 0, 3, 4, 5, 6), Diagnosis.SWAPPED, "x[0] and x[2] carry each other's value"),
        (placed(5, 4, 3, 2, 1, 0, 6), Diagnosis.PERMUTED, "6 elements stand in reverse order"),
        (placed(6, 0, 1, 2, 3, 4, 5), Diagnosis.PERMUTED, "7 elements are shifted by 1"),
        (placed(1, 2, 3, 4, 5, 6, 0), Diagnosis.PERMUTED, "7 elements are shifted by 1"),
        (placed(4, 5, 6, 0, 1, 2, 3), Diagnosis.PERMUTED, "7 elements are shifted by 3"),
        (placed(1, 2, 0, 3, 4, 5, 6), Diagnosis.PERMUTED, "3 elements are shifted by 1"),
        (placed(1, 0, 3, 2, 4, 5, 6), Diagnosis.PERMUTED, "4 elements carry each other's values"),
    ],
)
def test_what_is_wrong_in_a_vector_is_said_as_it_is(change, diagnosis, said):
    found, evidence = evidence_on(change, X)
    assert (found, evidence.partition(" (looks like")[0]) == (diagnosis, said)


def test_what_is_off_in_all_elements_by_a_varying_share_is_said_with_its_range():
    found, evidence = evidence_on(times({k: 0.9 - 0.01 * k * k for k in range(7)}), X)
    assert (found, evidence) == (Diagnosis.WRONG, "all 7 elements with a derivative are off by 10 to 46 %")


@pytest.mark.parametrize(
    ("factor", "said"),
    [
        (np.pi, " (looks like π)"),
        (1 / np.pi, " (looks like 1/π)"),
        (np.pi / 180, " (looks like π/180: radians for degrees)"),
        (np.log(10), " (looks like log 10: another base of the logarithm)"),
        (7.0, " (looks like the number of inputs, 7)"),
        (1 / 7, " (looks like 1/7, one over the number of inputs)"),
        (6 / 7, " (looks like (n − 1)/n for n = 7)"),
        (7 / 6, " (looks like n/(n − 1) for n = 7)"),
        (1.001 * np.pi, ""),
        (2.0, ""),
        (0.9994, "; if f solves something to a tolerance, that may be all: tighten it"),
        (1.04, ""),
    ],
)
def test_a_factor_is_likened_only_to_what_it_equals(factor, said):
    _, evidence = evidence_on(lambda g: factor * g, X)
    assert evidence == f"analytic = {factor:.6g} × numeric everywhere{said}"


@pytest.mark.parametrize(("factor", "diagnosis"), [(-1, Diagnosis.WRONG_SIGN), (2, Diagnosis.CONSTANT_FACTOR)])
def test_an_element_that_is_hardly_measured_hides_no_sign_and_no_factor(factor, diagnosis):
    x = np.array([1e12, 1e-12, 1.0])  # beside 1e12, the slope at 1 is known to a few percent
    verdict = ga.audit(lambda x: (1 / x).sum(), x, gradient=lambda x: -factor / x**2)
    assert verdict.diagnosis is diagnosis
    assert verdict.evidence.endswith("× numeric everywhere" if factor > 0 else "−numeric everywhere")


@pytest.mark.parametrize(
    ("change", "diagnosis", "said"),
    [
        (times({3: 1.1, 4: 1.3, 5: 1.6}), Diagnosis.ONE_ROW, "only row 1 of x is off (3 of 3 elements)"),
        (times({0: 1.1, 2: 1.3}), Diagnosis.ONE_ROW, "only row 0 of x is off (2 of 3 elements)"),
        (times({1: 1.1, 4: 1.3}), Diagnosis.ONE_COLUMN, "only column 1 of x is off (2 of 2 elements)"),
        (times({0: 0.9, 4: 0.7}), Diagnosis.SOME_ELEMENTS, "2 of 6 elements are off by 10 to 30 %"),
    ],
)
def test_a_row_or_a_column_is_named_where_all_that_is_off_stands_in_it(change, diagnosis, said):
    assert evidence_on(change, MATRIX) == (diagnosis, said)


@pytest.mark.parametrize("shape", [(3, 3), (2, 3)])
def test_a_transposed_gradient_is_told_of_squares_and_of_others_that_kept_their_order_in_memory(shape):
    x = np.arange(1.0, 1 + np.prod(shape)).reshape(shape) ** 2
    diagnosis, evidence = evidence_on(lambda g: g.T.copy().reshape(shape), x)
    assert diagnosis is Diagnosis.TRANSPOSED
    assert evidence == "the claim for x is the transpose of the numeric derivative"


@pytest.mark.parametrize("shape", [(1, 4), (4, 1), (4,)])
def test_what_is_one_row_or_one_column_is_never_transposed(shape):
    x = X[:4].reshape(shape)
    assert evidence_on(lambda g: g.ravel()[[1, 2, 3, 0]].reshape(shape), x)[0] is Diagnosis.PERMUTED


def test_a_transposed_jacobian_is_told_and_one_that_is_wrong_otherwise_is_not():
    mixing = np.arange(9.0).reshape(3, 3) ** 2
    transposed, other = (
        ga.audit(lambda x: mixing @ x, X[:3], jacobian=lambda x, claim=claim: claim)
        for claim in (mixing.T, mixing[::-1])
    )
    assert transposed.evidence == "the claimed Jacobian is the transpose of the numeric one"
    assert other.diagnosis is not Diagnosis.TRANSPOSED


@pytest.mark.parametrize(
    ("change", "diagnosis", "said"),
    [
        (lambda a, b: (b, a), Diagnosis.SWAPPED, "x0 and x1 carry each other's derivative"),
        (lambda a, b: (a, 0 * b), Diagnosis.ZERO, "the claim is zero for the whole of x1"),
        (lambda a, b: (a, 1.3 * b), Diagnosis.CONSTANT_FACTOR, "analytic = 1.3 × numeric in the whole of x1"),
        (lambda a, b: (a, b + b**2 - 9), Diagnosis.ONE_INPUT, "all failures are in x1; the other input agrees"),
    ],
)
def test_of_two_inputs_it_is_said_which_is_wrong(change, diagnosis, said):
    assert evidence_on(change, X[:4], X[:4][::-1] + 0.5) == (diagnosis, said)


def test_of_three_inputs_it_is_said_how_many_agree():
    _, evidence = evidence_on(lambda a, b, c: (a, b + b**2 - 9, c), X[:4], X[:4] + 0.5, X[:4] + 0.7)
    assert evidence == "all failures are in x1; the other 2 inputs agree"


def kinked(x):
    return float((x * x).sum() + np.abs(x - 1.0).sum())


@pytest.mark.parametrize(
    ("x", "said"),
    [
        ([2.0, 3.0], "only x[0] is off; the other agrees"),
        ([2.0, 1.0], "only x[0] is off; the other is undecided"),
        ([2.0, 1.0, 1.0], "only x[0] is off; the other 2 are undecided"),
        ([2.0, 3.0, 1.0], "only x[0] is off; of the others 1 agrees and 1 is undecided"),
        ([2.0, 3.0, 1.0, 1.0, 4.0], "only x[0] is off; of the others 2 agree and 2 are undecided"),
    ],
)
def test_what_is_undecided_beside_the_one_that_is_off_is_not_said_to_agree(x, said):
    def claim(x):
        return 2 * x + np.sign(x - 1.0) + (np.arange(len(x)) == 0)

    assert ga.audit(kinked, np.array(x), gradient=claim).evidence == said


def test_one_element_is_spoken_of_in_the_singular():
    assert ga.audit(squares, np.array([3.0]), gradient=lambda x: 2 * x + np.nan).evidence.startswith("1 of 1 claimed")
    assert " is NaN" in ga.audit(squares, np.ones(3), gradient=lambda x: 2 * x * [1, np.nan, 1]).evidence
