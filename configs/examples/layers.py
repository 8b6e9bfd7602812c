"""Layers and losses composed of ``gradaudit.functions``: the tape differentiates them, the suite audits the tape.

Every function takes Variables (floating inputs) and plain arrays (indices, masks), and returns one Variable, or a
tuple of them where a layer has several outputs.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

import gradaudit.functions as F
from gradaudit.tape import Variable, primitive

Integers = NDArray[np.integer[Any]]
Outputs = tuple[Variable, Variable]


def mlp(x: Variable, w1: Variable, b1: Variable, w2: Variable, b2: Variable, targets: Integers) -> Variable:
    """Cross entropy of a network with one hidden layer."""
    hidden = F.tanh(F.linear_bias(x, w1, b1))
    return F.cross_entropy(F.linear_bias(hidden, w2, b2), targets)


def residual_block(x: Variable, gain: Variable, bias: Variable, widen: Variable, narrow: Variable) -> Variable:
    """x + narrow(gelu(widen(layer_norm(x)))): the skip makes a diamond in the graph."""
    return x + F.linear(F.gelu(F.linear(F.layer_norm(x, gain, bias), widen)), narrow)


def gated_unit(x: Variable, weight: Variable, gate: Variable) -> Variable:
    """A gated linear unit: (x·weightᵀ) ⊙ σ(x·gateᵀ)."""
    return F.linear(x, weight) * F.sigmoid(F.linear(x, gate))


def elman(xs: Variable, h: Variable, w_x: Variable, w_h: Variable, b: Variable) -> Variable:
    """A recurrent network over a sequence: the weights are used at every step.  # (t, n, d), … -> (n, m)"""
    for x in xs:
        h = F.rnn_cell(x, h, w_x, w_h, b)
    return h


def lstm(xs: Variable, h: Variable, c: Variable, w_x: Variable, w_h: Variable, b: Variable) -> Outputs:
    """An LSTM over a sequence: the last hidden state and the last cell state."""
    for x in xs:
        state = F.lstm_cell(x, h, c, w_x, w_h, b)
        h, c = state[0], state[1]
    return h, c


def attention_block(
    x: Variable, w_q: Variable, w_k: Variable, w_v: Variable, w_o: Variable, gain: Variable, bias: Variable
) -> Variable:
    """Self-attention with a skip, normalised: x stands at four places of the graph."""
    mixed = F.attention(F.linear(x, w_q), F.linear(x, w_k), F.linear(x, w_v))
    return F.layer_norm(x + F.linear(mixed, w_o), gain, bias)


def conv_net(x: Variable, kernel: Variable, bias: Variable, weight: Variable, targets: Integers) -> Variable:
    """Convolution, ReLU, pooling, a linear layer and a cross entropy."""
    features = F.max_pool2d(F.relu(F.conv2d(x, kernel, bias, padding=1)))
    return F.cross_entropy(F.linear(features.reshape(x.shape[0], -1), weight), targets)


def normalised_conv(x: Variable, kernel: Variable, bias: Variable, gain: Variable, shift: Variable) -> Variable:
    """Convolution, batch normalisation over the batch and the image, softplus, average pooling."""
    return F.avg_pool2d(F.softplus(F.batch_norm(F.conv2d(x, kernel, bias), gain, shift)))


def bag_of_words(table: Variable, words: Integers, weight: Variable, keep: NDArray[np.bool_]) -> Variable:
    """The mean embedding of each sentence, some of it dropped, as log-probabilities."""
    bag = F.mean(F.embedding(table, words), axis=1)
    return F.log_softmax(F.linear(F.dropout(bag, keep, rate=0.25), weight))


def masked_scores(q: Variable, k: Variable, hidden: NDArray[np.bool_]) -> Variable:
    """Attention shares with some positions hidden."""
    scores = q @ F.transpose(k, (0, 2, 1)) / np.sqrt(q.shape[-1])
    return F.softmax(F.mask_fill(scores, hidden, value=-30.0))


def tied_autoencoder(x: Variable, weight: Variable) -> Variable:
    """Encoder and decoder share one weight: its gradient is the sum of both uses."""
    return F.mean_squared_error(F.tanh(F.linear(x, weight)) @ weight, x)


def ridge(weight: Variable, x: Variable, y: Variable) -> Variable:
    """Least squares with a penalty."""
    return F.mean_squared_error(x @ weight, y) + 0.05 * F.sum(F.square(weight))


def gaussian_loss(mean: Variable, log_variance: Variable, y: Variable) -> Variable:
    """Negative log-likelihood of a normal distribution, without its constant."""
    return F.mean(0.5 * log_variance + 0.5 * F.square(y - mean) / F.exp(log_variance))


def contrastive(a: Variable, b: Variable) -> Variable:
    """Each row of ``a`` should be most similar, by cosine, to the same row of ``b``."""
    similarity = (a / _norm(a)) @ (b / _norm(b)).T
    return -F.mean(F.log_softmax(similarity / 0.5) * np.eye(a.shape[0]))


def coupling(x: Variable, scale: Variable, shift: Variable) -> Outputs:
    """An affine coupling layer of a normalising flow, and the logarithm of its Jacobian's determinant."""
    kept, moved = x[:, :2], x[:, 2:]
    log_scale = F.tanh(F.linear(kept, scale))
    return F.concat(kept, moved * F.exp(log_scale) + F.linear(kept, shift), axis=1), F.sum(log_scale, axis=1)


def standardise(x: Variable) -> Variable:
    """Zero mean and unit variance of each column, of single operations."""
    return (x - F.mean(x, axis=0, keepdims=True)) / F.sqrt(F.variance(x, axis=0, keepdims=True) + 1e-3)


def newton_root(a: Variable) -> Variable:
    """√a by five steps of Newton's iteration, differentiated through the loop."""
    root = 0.5 * (a + 1.0)
    for _ in range(5):
        root = 0.5 * (root + a / root)
    return root


def _norm(x: Variable) -> Variable:
    """The length of each row.  # (n, k) -> (n, 1)"""
    return F.sqrt(F.sum(x * x, axis=-1, keepdims=True))


def _swish(x: NDArray[Any], beta: float = 1.0) -> NDArray[Any]:
    return x / (1.0 + np.exp(-beta * x))


def _swish_vjp(x: NDArray[Any], cotangent: NDArray[Any], beta: float = 1.0) -> NDArray[Any]:
    share = 1.0 / (1.0 + np.exp(-beta * x))
    return cotangent * (share + beta * x * share * (1.0 - share))


#: An op of one's own: a function, its vector–Jacobian product, and nothing else.
swish = primitive(_swish, _swish_vjp, name="swish")


def swish_layer(x: Variable, weight: Variable) -> Variable:
    """A layer with the op above, which mixes with the built-in ones."""
    return swish(F.linear(x, weight), beta=1.5)
