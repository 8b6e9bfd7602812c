"""One step of a recurrent layer. Weights are (outputs, inputs), as in ``linear``."""

import numpy as np

from gradaudit.ops._axes import Array, refuse
from gradaudit.ops._rows import totals_by_column
from gradaudit.ops.activation import sigmoid
from gradaudit.ops.matrix import linear, linear_vjp

Gradients = tuple[Array, Array, Array, Array, Array]


def rnn_cell(x: Array, h: Array, w_x: Array, w_h: Array, b: Array) -> Array:
    """The next hidden state tanh(x·w_xᵀ + h·w_hᵀ + b).

    Source: Elman, 1990, "Finding structure in time". Raises ValueError for shapes that do not fit.

    # (n, d), (n, m), (m, d), (m, m), (m,) -> (n, m)
    """
    _check_shapes(x, h, w_x, w_h, b, 1)
    hidden: Array = np.tanh(linear(x, w_x) + linear(h, w_h) + b)
    return hidden


def rnn_cell_vjp(x: Array, h: Array, w_x: Array, w_h: Array, b: Array, cotangent: Array) -> Gradients:
    """Gradients of x, h, w_x, w_h and b: z̄ = ȳ·(1 − y²) for y = tanh(z), then those of two linear layers."""
    y = rnn_cell(x, h, w_x, w_h, b)
    return _layers_vjp(x, h, w_x, w_h, cotangent * (1 - y * y))


def lstm_cell(x: Array, h: Array, c: Array, w_x: Array, w_h: Array, b: Array) -> Array:
    """The next hidden state and the next cell state, stacked: ``out[0]`` is h', ``out[1]`` is c'.

    (i, f, g, o) = the four blocks of x·w_xᵀ + h·w_hᵀ + b, of m columns each and in this order (as in PyTorch's
    LSTMCell); c' = σ(f)·c + σ(i)·tanh(g) and h' = σ(o)·tanh(c'). Source: Gers, Schmidhuber and Cummins, 2000, "Learning
    to forget". One array is returned because whatever differentiates, compiles or records an op expects one output.
    Raises ValueError for shapes that do not fit.

    # (n, d), (n, m), (n, m), (4m, d), (4m, m), (4m,) -> (2, n, m)
    """
    i, f, g, o = _gates(x, h, c, w_x, w_h, b)
    cell = f * c + i * g
    return np.stack((o * np.tanh(cell), cell))


def lstm_cell_vjp(
    x: Array, h: Array, c: Array, w_x: Array, w_h: Array, b: Array, cotangent: Array
) -> tuple[Array, Array, Array, Array, Array, Array]:
    """Gradients of x, h, c, w_x, w_h and b; the cotangent is stacked as the output is.

    With t = tanh(c'): the cell's whole cotangent is k = c̄' + h̄'·o·(1 − t²), so c̄ = k·f, and before the gates' own
    σ' = σ·(1 − σ) and tanh' = 1 − tanh² it is ī = k·g, f̄ = k·c, ḡ = k·i, ō = h̄'·t. Source: Greff et al., 2017,
    "LSTM: a search space odyssey", section 2.B, without peepholes.
    """
    i, f, g, o = _gates(x, h, c, w_x, w_h, b)
    t = np.tanh(f * c + i * g)
    d_cell = cotangent[1] + cotangent[0] * o * (1 - t * t)
    d_i = d_cell * g * i * (1 - i)
    d_f = d_cell * c * f * (1 - f)
    d_g = d_cell * i * (1 - g * g)
    d_o = cotangent[0] * t * o * (1 - o)
    d_z = np.concatenate((d_i, d_f, d_g, d_o), axis=1)
    d_x, d_h, d_w_x, d_w_h, d_b = _layers_vjp(x, h, w_x, w_h, d_z)
    return d_x, d_h, d_cell * f, d_w_x, d_w_h, d_b


def _gates(x: Array, h: Array, c: Array, w_x: Array, w_h: Array, b: Array) -> tuple[Array, Array, Array, Array]:
    """Input gate, forget gate, candidate and output gate, each through its own activation.  # -> 4 × (n, m)"""
    _check_shapes(x, h, w_x, w_h, b, 4)
    if c.shape != h.shape:
        refuse("lstm_cell", (h.shape, c.shape), "h and c of the same shape (n, m)")
    m = h.shape[1]
    z = linear(x, w_x) + linear(h, w_h) + b
    gates = sigmoid(z)
    candidate = np.tanh(z[:, 2 * m : 3 * m])
    return gates[:, :m].copy(), gates[:, m : 2 * m].copy(), candidate, gates[:, 3 * m :].copy()


def _layers_vjp(x: Array, h: Array, w_x: Array, w_h: Array, d_z: Array) -> Gradients:
    """Gradients of x·w_xᵀ + h·w_hᵀ + b, in the order x, h, w_x, w_h, b."""
    d_x, d_w_x = linear_vjp(x, w_x, d_z)
    d_h, d_w_h = linear_vjp(h, w_h, d_z)
    return d_x, d_h, d_w_x, d_w_h, totals_by_column(d_z)


def _check_shapes(x: Array, h: Array, w_x: Array, w_h: Array, b: Array, blocks: int) -> None:
    if x.ndim != 2 or h.ndim != 2 or x.shape[0] != h.shape[0]:
        refuse("recurrent cell", (x.shape, h.shape), "x (n, d) and h (n, m)")
    width = blocks * h.shape[1]
    if w_x.shape != (width, x.shape[1]) or w_h.shape != (width, h.shape[1]) or b.shape != (width,):
        refuse(
            "recurrent cell",
            (x.shape, h.shape, w_x.shape, w_h.shape, b.shape),
            "w_x (k, d), w_h (k, m) and b (k,) for x (n, d) and h (n, m), with k = m in rnn_cell and 4m in lstm_cell",
        )
