"""Softmax and its logarithm along an axis; ``axis=None`` takes all elements as one distribution."""

from gradaudit.ops._axes import Array, from_lanes, lanes
from gradaudit.ops._rows import row_log_softmax, row_softmax, row_softmax_vjp, row_sums


def softmax(x: Array, axis: int | None = -1) -> Array:
    """exp(x)/Σ exp(x) along ``axis``, shifted by the largest element so that nothing overflows.

    −inf has the share 0; a lane of nothing but −inf is NaN. Raises ValueError for an axis of length 0.

    # (…) -> (…)
    """
    return from_lanes(row_softmax(lanes(x, axis)), axis, x.shape)


def softmax_vjp(x: Array, cotangent: Array, axis: int | None = -1) -> Array:
    """y·(ȳ − Σ ȳ·y), the sum along ``axis``: the Jacobian of y = softmax(x) is diag(y) − y·yᵀ."""
    shares = row_softmax(lanes(x, axis))
    return from_lanes(row_softmax_vjp(shares, lanes(cotangent, axis)), axis, x.shape)


def log_softmax(x: Array, axis: int | None = -1) -> Array:
    """x − log Σ exp(x) along ``axis``, shifted by the largest element so that nothing overflows.

    Raises ValueError for an axis of length 0.

    # (…) -> (…)
    """
    return from_lanes(row_log_softmax(lanes(x, axis)), axis, x.shape)


def log_softmax_vjp(x: Array, cotangent: Array, axis: int | None = -1) -> Array:
    """ȳ − softmax(x)·Σ ȳ, the sum along ``axis``: the Jacobian is I − 1·softmax(x)ᵀ."""
    rows = lanes(cotangent, axis)
    gradient = rows - row_softmax(lanes(x, axis)) * row_sums(rows)
    return from_lanes(gradient, axis, x.shape)
