"""Losses: how far a prediction is from its target, as one number, the mean over all elements.

They are differentiable in prediction and target both, so each vjp returns two gradients (``cross_entropy``, whose
targets are classes, one). The shapes must be equal: a silently broadcast (n, 1) against (n,) is the commonest wrong
loss there is.
"""

from typing import Any

import numpy as np

from gradaudit.ops._axes import Array, refuse
from gradaudit.ops._rows import last_axis_rows, row_log_softmax, row_softmax


def mean_squared_error(prediction: Array, target: Array) -> Any:
    """mean((prediction − target)²). Raises ValueError where shapes differ or nothing is there.  # (…), (…) -> ()"""
    residual = _residual(prediction, target)
    return (residual * residual).sum() / residual.size


def mean_squared_error_vjp(prediction: Array, target: Array, cotangent: Any) -> tuple[Array, Array]:
    """Gradients of prediction and target: ±2·(prediction − target)/n."""
    residual = _residual(prediction, target)
    d_prediction = residual * (cotangent * (2 / residual.size))
    return d_prediction, -d_prediction


def mean_absolute_error(prediction: Array, target: Array) -> Any:
    """mean(|prediction − target|). Raises ValueError where shapes differ or nothing is there.  # (…), (…) -> ()"""
    residual = _residual(prediction, target)
    return np.abs(residual).sum() / residual.size


def mean_absolute_error_vjp(prediction: Array, target: Array, cotangent: Any) -> tuple[Array, Array]:
    """Gradients of prediction and target: ±sign(prediction − target)/n, and 0 where both are equal (the kink)."""
    residual = _residual(prediction, target)
    d_prediction = np.sign(residual) * (cotangent * (1 / residual.size))
    return d_prediction, -d_prediction


def huber(prediction: Array, target: Array, delta: float = 1.0) -> Any:
    """mean of r²/2 where |r| ≤ delta, and of delta·(|r| − delta/2) beyond, with r = prediction − target.

    Source: Huber, 1964, "Robust estimation of a location parameter". Raises ValueError where shapes differ, nothing is
    there, or delta is not positive.

    # (…), (…) -> ()
    """
    _check_delta(delta)
    residual = _residual(prediction, target)
    near = np.minimum(np.abs(residual), delta)  # near·(|r| − near/2) is both branches at once
    return (near * (np.abs(residual) - near / 2)).sum() / residual.size


def huber_vjp(prediction: Array, target: Array, cotangent: Any, delta: float = 1.0) -> tuple[Array, Array]:
    """Gradients of prediction and target: ±r/n, its size cut at delta/n. It is continuous: there is no kink."""
    _check_delta(delta)
    residual = _residual(prediction, target)
    d_prediction = np.minimum(np.maximum(residual, -delta), delta) * (cotangent * (1 / residual.size))
    return d_prediction, -d_prediction


def cross_entropy(logits: Array, targets: Array) -> Any:
    """mean of −log softmax(logits)[target] over the rows of logits (its last axis holds the classes).

    Raises ValueError unless there is one target for each row, and it lies in 0 … c − 1.

    # (…, c), integers (…) -> ()
    """
    positions = _class_positions(logits, targets)
    logarithms = row_log_softmax(last_axis_rows(logits))
    return -logarithms.reshape(logits.size)[positions].sum() / positions.size


def cross_entropy_vjp(logits: Array, targets: Array, cotangent: Any) -> Array:
    """Gradient of the logits: (softmax(logits) − onehot(target))/rows."""
    positions = _class_positions(logits, targets)
    gradient: Array = row_softmax(last_axis_rows(logits)).reshape(logits.size)
    gradient[positions] -= 1
    gradient *= cotangent * (1 / positions.size)
    return gradient.reshape(logits.shape)


def _class_positions(logits: Array, targets: Array) -> Array:
    """Where the target's element of each row lies in the flattened logits."""
    if logits.ndim < 1 or logits.size == 0:
        refuse("cross_entropy", logits.shape, "logits (..., c) with at least one element")
    if logits.shape[:-1] != targets.shape:
        refuse(
            "cross_entropy", (logits.shape, targets.shape), "one target for each row: logits (..., c), targets (...)"
        )
    classes = np.ascontiguousarray(targets).reshape(targets.size)
    if classes.min() < 0 or classes.max() >= logits.shape[-1]:
        refuse(
            "cross_entropy",
            (int(classes.min()), int(classes.max())),
            "0 <= target < c, the length of the last axis of logits",
        )
    positions: Array = np.arange(classes.size) * logits.shape[-1] + classes
    return positions


def _residual(prediction: Array, target: Array) -> Array:
    if prediction.shape != target.shape:
        refuse("loss", (prediction.shape, target.shape), "prediction and target of the same shape")
    if prediction.size == 0:
        refuse("loss", prediction.shape, "at least one element")
    return prediction - target


def _check_delta(delta: float) -> None:
    if not delta > 0:
        refuse("huber", delta, "delta > 0")
