"""Dropout with a mask that is given, so that the function is the same at every call. The mask is not differentiated."""

from gradaudit.ops._axes import Array, refuse


def dropout(x: Array, mask: Array, rate: float = 0.5) -> Array:
    """x where ``mask`` is true (or 1), 0 elsewhere, scaled by 1/(1 − rate) so that the expectation stays.

    ``rate`` is the share of elements that the mask was drawn to drop (Srivastava et al., 2014, "Dropout", section 10).
    Raises ValueError unless mask has x's shape and 0 ≤ rate < 1.

    # (…), (…) -> (…)
    """
    return x * mask * _scale(x, mask, rate)


def dropout_vjp(x: Array, mask: Array, cotangent: Array, rate: float = 0.5) -> Array:
    """Gradient of x: the cotangent through the same mask and scale; the map is linear and diagonal."""
    return cotangent * mask * _scale(x, mask, rate)


def _scale(x: Array, mask: Array, rate: float) -> float:
    """What kept elements are multiplied by; a number, and not an array that would widen float32."""
    if x.shape != mask.shape:
        refuse("dropout", (x.shape, mask.shape), "a mask of the shape of x")
    if not 0 <= rate < 1:
        refuse("dropout", rate, "0 <= rate < 1")
    return 1 / (1 - rate)
