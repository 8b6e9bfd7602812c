"""The origin's numerical.Diff, to the letter, and its own examples."""

import math

import numpy as np
import pytest

import gradaudit.functions as F
from gradaudit.origin import diff
from gradaudit.tape import Variable


class Counted:
    """A function of Variables that remembers what it was called with."""

    def __init__(self, function):
        self.function = function
        self.calls = []

    def __call__(self, *variables):
        self.calls.append([x.data.copy() for x in variables])
        return self.function(*variables)


# the origin's examples


def test_sin_at_one():
    assert diff(F.Sin, Variable(1.0)).data == pytest.approx(0.5403, abs=5e-5)
    assert diff(F.Sin, Variable(1.0)).data == pytest.approx(math.cos(1.0), abs=1e-8)


def test_a_cubic_of_two_mul_at_two_is_twelve_and_h_squared():
    # (f(x+h) − f(x−h)) / 2h of x³ is 3x² + h² without rounding: 12.00000001 for h = 1e-4
    slope = diff(lambda x: F.mul(F.mul(x, x), x), Variable(2.0))
    assert slope.data == pytest.approx(12.0, rel=1e-8)
    assert slope.data == pytest.approx(12.0 + 1e-8, abs=5e-11)
    assert f"{slope.data:.8f}" == "12.00000001"


def test_tanh_with_a_smaller_step():
    x = Variable([-1.0, 0.0, 0.5])
    np.testing.assert_allclose(diff(F.tanh, x, h=1e-6).data, 1 - np.tanh(x.data) ** 2, atol=1e-9)


def test_square_at_two_prints_what_the_origin_prints():
    slope = diff(F.square, Variable(2.0), h=1e-4)
    assert str(slope.data) == "4.000000000004"
    assert repr(slope) == "Variable(4.000000000004)"


def test_a_chain_of_square_exp_square():
    slope = diff(lambda x: F.square(F.exp(F.square(x))), [Variable(0.5)])
    assert str(slope.data) == "3.2974426293330694"


# its semantics


def test_the_step_is_one_in_ten_thousand_unless_given():
    x = Variable(0.7)
    assert diff(F.sin, x).data == diff(F.sin, x, h=1e-4).data
    assert diff(F.sin, x).data != diff(F.sin, x, h=1e-3).data


def test_f_is_evaluated_twice_with_every_element_of_every_variable_shifted():
    f = Counted(F.add)
    diff(f, [Variable([1.0, 2.0]), Variable(3.0)], h=0.5)
    assert [[x.tolist() for x in call] for call in f.calls] == [[[1.5, 2.5], 3.5], [[0.5, 1.5], 2.5]]


def test_backward_is_never_called_and_the_result_has_no_graph(monkeypatch):
    def refuse(self, *arguments, **options):
        raise AssertionError("backward was called")

    x = Variable(2.0)
    slope = diff(F.square, x)
    slope.backward()
    assert x.grad is None
    monkeypatch.setattr(Variable, "backward", refuse)
    assert diff(F.square, x).data == slope.data


def test_variables_stay_as_they_are():
    data = np.array([1.0, 2.0])
    x = Variable(data)
    diff(F.square, x)
    assert x.data is data
    assert data.tolist() == [1.0, 2.0]
    assert x.grad is None


def test_it_is_the_derivative_of_each_element_where_f_is_elementwise():
    x = Variable(np.linspace(-2, 2, 12).reshape(3, 4))
    np.testing.assert_allclose(diff(F.sin, x).data, np.cos(x.data), atol=1e-8)


def test_it_is_a_sum_over_a_row_where_f_mixes_elements():
    matrix = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    row_sums = diff(lambda x: F.matmul(matrix, x), Variable([0.3, 0.4]))
    np.testing.assert_allclose(row_sums.data, matrix.sum(axis=1), rtol=1e-9)


def test_it_is_a_sum_over_the_variables_where_f_takes_several():
    assert diff(F.mul, [Variable(2.0), Variable(5.0)]).data == pytest.approx(7.0)


def test_f_may_differentiate_inside():
    def slope(x):
        inner = Variable(x.data)
        F.mul(F.mul(inner, inner), inner).backward()
        return Variable(inner.grad)

    assert diff(slope, Variable(2.0)).data == pytest.approx(12.0)


@pytest.mark.parametrize("h", [0.0, -1e-4, math.inf, math.nan])
def test_a_step_that_is_no_step_is_refused_before_f_is_called(h):
    f = Counted(F.sin)
    with pytest.raises(ValueError, match="allowed a positive finite step"):
        diff(f, Variable(1.0), h=h)
    assert f.calls == []


def test_a_function_that_leaves_the_tape_is_named():
    def plain(x):
        return x.data**2

    with pytest.raises(TypeError, match=r"diff: plain returned .*, allowed one Variable; wrap it"):
        diff(plain, Variable(1.0))


@pytest.mark.parametrize("variables", [np.ones(2), [1.0], 1.0])
def test_what_is_no_variable_is_refused_with_the_fix(variables):
    with pytest.raises(TypeError, match=r"diff: .* allowed Variables; wrap"):
        diff(F.sin, variables)
