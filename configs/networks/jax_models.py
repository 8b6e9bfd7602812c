"""Functions over jax.numpy: layers over trees of parameters, losses, loops, and custom derivatives."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

Parameters = Mapping[str, Any]


def activation(x: Array, name: str) -> Array:
    """The activation of jax.nn that is called ``name``."""
    return getattr(jax.nn, name)(x)


def special(x: Array, name: str) -> Array:
    """The function of jax.scipy.special that is called ``name``."""
    return getattr(jax.scipy.special, name)(x)


def dense(params: Parameters, x: Array) -> Array:
    """A linear layer."""
    return x @ params["w"] + params["b"]


def mlp(layers: Sequence[Parameters], x: Array) -> dict[str, Any]:
    """A network of linear layers with tanh between them; what it computes and what weight decay costs."""
    for layer in layers[:-1]:
        x = jnp.tanh(dense(layer, x))
    decay = sum(jnp.sum(layer["w"] ** 2) for layer in layers)
    return {"logits": dense(layers[-1], x), "decay": 0.01 * decay}


def layer_norm(params: Parameters, x: Array) -> Array:
    """Layer normalisation over the last axis."""
    return jax.nn.standardize(x, axis=-1) * params["scale"] + params["shift"]


def convolution(kernel: Array, x: Array, stride: int) -> Array:
    """Two-dimensional convolution (n, c, h, w) with padding."""
    return lax.conv_general_dilated(x, kernel, (stride, stride), "SAME")


def max_pool(x: Array) -> Array:
    """The largest of every 2 × 2 window."""
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")


def embedding(table: Array, rows: Array) -> Array:
    """Rows of a table, some of them twice."""
    return table[rows]


def attention(q: Array, k: Array, v: Array) -> Array:
    """Scaled dot-product attention with a causal mask: (batch, time, heads, channels)."""
    return jax.nn.dot_product_attention(q, k, v, is_causal=True)


def gru(params: Parameters, x: Array) -> Array:
    """A gated recurrent unit over time, by ``lax.scan``."""

    def step(h: Array, x_t: Array) -> tuple[Array, Array]:
        z, r = jnp.split(jax.nn.sigmoid(x_t @ params["gates_x"] + h @ params["gates_h"]), 2)
        h = (1 - z) * h + z * jnp.tanh(x_t @ params["new_x"] + (r * h) @ params["new_h"])
        return h, h

    start = jnp.zeros(params["new_h"].shape[0], x.dtype)
    return lax.scan(step, start, x)[1]


def cross_entropy(logits: Array, labels: Array) -> Array:
    """The mean negative log-likelihood of integer labels."""
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=1))


def dropout(x: Array, seed: int) -> Array:
    """Dropout with a mask that a fixed key gives."""
    kept = jax.random.bernoulli(jax.random.key(seed), 0.75, x.shape)
    return jnp.where(kept, x / 0.75, 0.0)


@jax.custom_vjp
def square(x: Array) -> Array:
    """x², whose way back is written by hand."""
    return x**2


square.defvjp(lambda x: (x**2, x), lambda x, g: (2 * g * x,))


@jax.custom_jvp
def log1pexp(x: Array) -> Array:
    """log(1 + exp(x)), whose derivative does not overflow."""
    return jnp.logaddexp(x, 0.0)


log1pexp.defjvps(lambda tangent, _, x: tangent * jax.nn.sigmoid(x))


@jax.jit
def kepler(mean_anomaly: Array, eccentricity: Array) -> Array:
    """The eccentric anomaly: a root, whose derivative is that of the equation it solves."""

    def residual(anomaly: Array) -> Array:
        return anomaly - eccentricity * jnp.sin(anomaly) - mean_anomaly

    def newton(f: Any, start: Array) -> Array:
        slope = jax.grad(f)
        return lax.fori_loop(0, 20, lambda _, a: a - f(a) / slope(a), start)

    return lax.custom_root(residual, mean_anomaly, newton, lambda g, y: y / g(1.0))


@jax.checkpoint
def deep(x: Array, w: Array) -> Array:
    """Layers that are computed again on the way back."""
    for _ in range(4):
        x = jnp.sin(w @ x)
    return x


def spectrum(x: Array) -> Array:
    """The power of every frequency."""
    return jnp.abs(jnp.fft.rfft(x)) ** 2


def log_likelihood(covariance: Array, y: Array) -> Array:
    """A zero-mean Gaussian's log-density, by its Cholesky factor."""
    factor = jnp.linalg.cholesky(covariance)
    white = jax.scipy.linalg.solve_triangular(factor, y, lower=True)
    return -0.5 * white @ white - jnp.sum(jnp.log(jnp.diag(factor)))
