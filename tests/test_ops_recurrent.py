"""One step of a recurrent layer."""

import numpy as np
import pytest
from op_case import OpCase, assert_compiled_agrees, assert_output_is_fresh, assert_vjp_is_the_derivative, covered, ids
from scipy import special

from gradaudit import ops
from gradaudit.ops import recurrent as family

RNN = [((n, d), (n, m), (m, d), (m, m), (m,)) for n, d, m in ((1, 1, 1), (3, 4, 2), (2, 3, 5))]
LSTM = [((n, d), (n, m), (n, m), (4 * m, d), (4 * m, m), (4 * m,)) for n, d, m in ((1, 1, 1), (3, 4, 2), (2, 3, 5))]
CASES = [OpCase("rnn_cell", shapes) for shapes in RNN] + [OpCase("lstm_cell", shapes) for shapes in LSTM]
COMPILED = [OpCase("rnn_cell", RNN[1]), OpCase("lstm_cell", LSTM[1])]


@pytest.mark.parametrize("case", CASES, ids=ids(CASES))
def test_the_vjp_is_the_derivative(case):
    assert_vjp_is_the_derivative(case)
    assert_output_is_fresh(case)


def test_compiled_and_plain_agree():
    assert_compiled_agrees(COMPILED)


def test_every_op_of_the_family_is_tested():
    assert covered(CASES, family)
    assert covered(COMPILED, family)


def test_an_rnn_cell_is_a_tanh_of_two_linear_layers():
    x, h, w_x, w_h, b = OpCase("rnn_cell", RNN[1]).arrays()
    by_hand = [
        [np.tanh(w_x[k] @ x[row] + w_h[k] @ h[row] + b[k]) for k in range(h.shape[1])] for row in range(x.shape[0])
    ]
    np.testing.assert_allclose(ops.rnn_cell(x, h, w_x, w_h, b), by_hand, rtol=1e-13)


def test_an_lstm_cell_gates_its_memory():
    x, h, c, w_x, w_h, b = OpCase("lstm_cell", LSTM[1]).arrays()
    z = np.stack([w_x @ x[row] + w_h @ h[row] + b for row in range(x.shape[0])])
    i, f, g, o = np.split(z, 4, axis=1)
    cell = special.expit(f) * c + special.expit(i) * np.tanh(g)
    hidden, memory = ops.lstm_cell(x, h, c, w_x, w_h, b)
    np.testing.assert_allclose(memory, cell, rtol=1e-13)
    np.testing.assert_allclose(hidden, special.expit(o) * np.tanh(cell), rtol=1e-13)


def test_a_closed_input_gate_and_an_open_forget_gate_keep_the_memory():
    m = 2
    bias = np.repeat([-800.0, 800.0, 0.0, 800.0], m)
    c = np.array([[0.3, -0.7]])
    hidden, memory = ops.lstm_cell(np.ones((1, 3)), np.ones((1, m)), c, np.zeros((8, 3)), np.zeros((8, m)), bias)
    np.testing.assert_array_equal(memory, c)
    np.testing.assert_allclose(hidden, np.tanh(c))


@pytest.mark.parametrize("name", ["rnn_cell", "lstm_cell"])
@pytest.mark.parametrize("position", range(5))
def test_each_array_of_a_wrong_shape_is_refused(name, position):
    shapes = list(RNN[1] if name == "rnn_cell" else LSTM[1])
    shapes[position] = (*shapes[position][:-1], 7)
    allowed = "w_x|same shape"
    with pytest.raises(ValueError, match=f"cell: got .*7.*, allowed: .*({allowed})"):
        getattr(ops, name)(*(np.ones(shape) for shape in shapes))


def test_a_state_for_another_batch_is_refused():
    shapes = [(3, 4), (2, 2), (2, 4), (2, 2), (2,)]
    with pytest.raises(ValueError, match=r"cell: got \(\(3, 4\), \(2, 2\)\), allowed: x \(n, d\) and h \(n, m\)"):
        ops.rnn_cell(*(np.ones(shape) for shape in shapes))
