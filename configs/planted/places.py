"""Claims with the right numbers at the wrong place, or wrong numbers at some places."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Integers = NDArray[np.int64]


def growth(x: Array) -> float:
    """Σ (eˣ + x²), over an array of any shape."""
    return float((np.exp(x) + x * x).sum())


def _right(x: Array) -> Array:
    """The gradient of ``growth``."""
    return np.exp(x) + 2.0 * x


def one_element(x: Array) -> Array:
    """x[3] is off by 0.1 %."""
    gradient = _right(x)
    gradient[3] *= 1.001
    return gradient


def one_of_many(x: Array) -> Array:
    """The sign of x[17] is wrong."""
    gradient = _right(x)
    gradient[17] *= -1.0
    return gradient


def stale_element(x: Array) -> Array:
    """The last element still holds its neighbour's value."""
    gradient = _right(x)
    gradient[-1] = gradient[-2]
    return gradient


def swapped(x: Array) -> Array:
    """x[1] and x[4] are exchanged."""
    gradient = _right(x)
    gradient[[1, 4]] = gradient[[4, 1]]
    return gradient


def backwards(x: Array) -> Array:
    """In reverse order."""
    return _right(x)[::-1].copy()


def shifted(x: Array) -> Array:
    """Rolled by one place."""
    return np.roll(_right(x), 1)


def one_row(x: Array) -> Array:
    """Row 2 is half of what it should be, and shifted."""
    gradient = _right(x)
    gradient[2] = 0.5 * gradient[2] + 0.1
    return gradient


def one_column(x: Array) -> Array:
    """Column 1 is never written."""
    gradient = _right(x)
    gradient[:, 1] = 0.0
    return gradient


def flat_order(x: Array) -> Array:
    """Read column by column where the function reads row by row."""
    return _right(x).ravel(order="F").reshape(x.shape)


def form(x: Array, matrix: Array) -> float:
    """Σ (sin(x)·matrix)².  # (n,), (n, n) -> ()"""
    return float(((np.sin(x) @ matrix) ** 2).sum())


def form_transposed(x: Array, matrix: Array) -> tuple[Array, Array]:
    """The matrix's gradient is transposed."""
    residual = 2.0 * np.sin(x) @ matrix
    return matrix @ residual * np.cos(x), np.outer(residual, np.sin(x))


def form_detached(x: Array, matrix: Array) -> tuple[Array, Array]:
    """The matrix is taken for a constant."""
    residual = 2.0 * np.sin(x) @ matrix
    return matrix @ residual * np.cos(x), np.zeros_like(matrix)


def form_one_input(x: Array, matrix: Array) -> tuple[Array, Array]:
    """x's gradient lacks the derivative of the sine."""
    residual = 2.0 * np.sin(x) @ matrix
    return matrix @ residual, np.outer(np.sin(x), residual)


def ratio(a: Array, b: Array) -> float:
    """Σ a/b."""
    return float((a / b).sum())


def ratio_sign(a: Array, b: Array) -> tuple[Array, Array]:
    """The minus of the quotient rule is forgotten."""
    return 1.0 / b, a / (b * b)


def powers(x: Array, exponent: Array) -> float:
    """Σ x^exponent."""
    return float((x**exponent).sum())


def powers_swapped(x: Array, exponent: Array) -> tuple[Array, Array]:
    """The two gradients come in the wrong order."""
    return x**exponent * np.log(x), exponent * x ** (exponent - 1.0)


def taken(x: Array, indices: Integers) -> float:
    """Σ_k (k + 1)·x[indices[k]]²."""
    return float((np.arange(1, indices.size + 1) * x[indices] ** 2).sum())


def taken_overwritten(x: Array, indices: Integers) -> Array:
    """``+=`` with repeated indices keeps the last of them only."""
    gradient = np.zeros_like(x)
    gradient[indices] += 2.0 * np.arange(1, indices.size + 1) * x[indices]
    return gradient


def hidden(x: Array, mask: NDArray[np.bool_]) -> float:
    """Σ e^x where the mask is false."""
    return float(np.where(mask, 0.0, np.exp(x)).sum())


def hidden_inverted(x: Array, mask: NDArray[np.bool_]) -> Array:
    """The mask is the wrong way round."""
    return np.where(mask, np.exp(x), 0.0)


def recurrence(x: Array) -> float:
    """The state s ← tanh(s/2 + xᵢ) after the last input."""
    state = 0.0
    for part in x:
        state = np.tanh(0.5 * state + part)
    return float(state)


def recurrence_truncated(x: Array) -> Array:
    """Backpropagation through the last two steps only."""
    states = [0.0]
    for part in x:
        states.append(float(np.tanh(0.5 * states[-1] + part)))
    gradient, carry = np.zeros_like(x), 1.0
    for k in range(x.size - 1, x.size - 3, -1):
        carry *= 1.0 - states[k + 1] ** 2
        gradient[k] = carry
        carry *= 0.5
    return gradient
