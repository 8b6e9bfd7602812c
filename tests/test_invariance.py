"""What must not change a verdict: the units of f, the units of x, a constant, the order of the inputs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradaudit.api import audit
from gradaudit.judge.verdict import Status

N = 5
A = np.random.default_rng(11).normal(size=(N, N))


def f(x):
    return float(np.tanh(A @ x).sum() + (x**4).sum() / 8)


def right(x):
    return A.T @ (1 / np.cosh(A @ x) ** 2) + x**3 / 2


def wrong_in_one(x):
    g = right(x)
    g[2] *= 1.01
    return g


CLAIMS = {
    "right": right,
    "one percent in one element": wrong_in_one,
    "sign": lambda x: -right(x),
    "zero": np.zeros_like,
}
EXPECTED = {name: Status.PASS if name == "right" else Status.FAIL for name in CLAIMS}
CLAIM_NAMES = pytest.mark.parametrize("claim", CLAIMS)
POINTS = st.integers(0, 500).map(lambda seed: np.random.default_rng(seed).normal(size=N))


@CLAIM_NAMES
@settings(max_examples=20)
@given(x=POINTS, power=st.integers(-90, 90))
def test_the_units_of_f(claim, x, power):
    unit = 2.0**power
    plain = audit(f, x, gradient=CLAIMS[claim])
    scaled = audit(lambda x: unit * f(x), x, gradient=lambda x: unit * CLAIMS[claim](x))
    assert plain.status == scaled.status == EXPECTED[claim]
    assert scaled.measures.evaluations == plain.measures.evaluations
    assert scaled.measures.error_over_tolerance == pytest.approx(plain.measures.error_over_tolerance, rel=0.5, abs=1e-4)


@CLAIM_NAMES
@settings(max_examples=20)
@given(x=POINTS, power=st.integers(-300, 300))
def test_units_of_f_beyond_what_squares_can_hold(claim, x, power):
    unit = 2.0 ** (3 * power)
    scaled = audit(lambda x: unit * f(x), x, gradient=lambda x: unit * CLAIMS[claim](x))
    assert scaled.status == EXPECTED[claim]


@CLAIM_NAMES
@settings(max_examples=20)
@given(x=POINTS, power=st.integers(0, 20))
def test_the_units_of_x_above_one(claim, x, power):
    unit = 2.0**power
    scaled = audit(lambda y: f(y / unit), x * unit, gradient=lambda y: CLAIMS[claim](y / unit) / unit)
    assert scaled.status == EXPECTED[claim]


@CLAIM_NAMES
@settings(max_examples=20)
@given(x=POINTS, power=st.integers(-30, -1))
def test_the_units_of_x_below_one(claim, x, power):
    unit = 2.0**power
    scaled = audit(lambda y: f(y / unit), x * unit, gradient=lambda y: CLAIMS[claim](y / unit) / unit)
    assert scaled.status == EXPECTED[claim]


@CLAIM_NAMES
@settings(max_examples=20)
@given(x=POINTS, powers=st.lists(st.integers(-20, 20), min_size=N, max_size=N))
def test_units_of_its_own_for_every_element_of_x(claim, x, powers):
    units = np.exp2(powers)
    scaled = audit(lambda y: f(y / units), x * units, gradient=lambda y: CLAIMS[claim](y / units) / units)
    assert scaled.status == EXPECTED[claim]


@CLAIM_NAMES
@settings(max_examples=20)
@given(x=POINTS, offset=st.floats(-100, 100))
def test_a_constant_that_is_added(claim, x, offset):
    assert audit(lambda x: f(x) + offset, x, gradient=CLAIMS[claim]).status == EXPECTED[claim]


@CLAIM_NAMES
@settings(max_examples=20)
@given(x=POINTS, decade=st.integers(3, 15), sign=st.sampled_from([-1.0, 1.0]))
def test_a_constant_that_drowns_f_can_leave_it_undecided_and_no_more(claim, x, decade, sign):
    offset = sign * 10.0**decade
    assert audit(lambda x: f(x) + offset, x, gradient=CLAIMS[claim]).status in (EXPECTED[claim], Status.INCONCLUSIVE)


@CLAIM_NAMES
@settings(max_examples=20)
@given(x=POINTS, order=st.permutations(range(N)))
def test_the_order_of_the_inputs(claim, x, order):
    order = np.array(order)
    back = np.argsort(order)
    permuted = audit(lambda y: f(y[back]), x[order], gradient=lambda y: CLAIMS[claim](y[back])[order])
    assert permuted.status == EXPECTED[claim]
    assert permuted.counts.failed == audit(f, x, gradient=CLAIMS[claim]).counts.failed


@CLAIM_NAMES
@settings(max_examples=20)
@given(x=POINTS, cut=st.integers(1, N - 1))
def test_the_order_of_the_arguments(claim, x, cut):
    def halves(a, b):
        return tuple(np.split(CLAIMS[claim](np.append(a, b)), [cut]))

    a, b = x[:cut], x[cut:]
    forwards = audit(lambda a, b: f(np.append(a, b)), a, b, gradient=halves)
    backwards = audit(lambda b, a: f(np.append(a, b)), b, a, gradient=lambda b, a: halves(a, b)[::-1])
    assert forwards.status == backwards.status == EXPECTED[claim]
    assert forwards.counts == backwards.counts


@settings(max_examples=20)
@given(x=POINTS)
def test_a_right_claim_never_fails_however_it_is_written(x):
    assert audit(f, x, gradient=right).status is Status.PASS
    assert audit(f, x, vjp=lambda x, c: c * right(x)).status is Status.PASS
    assert audit(f, x, jvp=lambda x, t: right(x) @ t).status is Status.PASS
    assert audit(f, x, jacobian=right).status is Status.PASS
    assert audit(f, x, value_and_gradient=lambda x: (f(x), right(x))).status is Status.PASS
