"""Differences of a compiled function along single coordinates: no Python per evaluation, one copy of x per thread.

The kernel takes the function as a first-class value with a fixed signature, so it is compiled once for all functions
and loaded from disk afterwards. It runs without the GIL over a range of coordinates; threads of Python's own share the
ranges out. (Numba's ``parallel=True`` was measured to be no faster, and its default threading layer aborts the process
when two threads of a caller enter it at once.)
"""

import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from typing import Any, Literal, NamedTuple

import numpy as np
from numba import float64, int64, njit, types
from numba.np.numpy_support import carray
from numpy.typing import NDArray

from gradaudit.perturb.ranges import Ranges
from gradaudit.perturb.samples import HALF_ULP, HIDING

Array = NDArray[np.float64]

#: ``status(x, y)``: fills y with f(x) and returns 0, or another number where f raised.
FLAT_FUNCTION = types.FunctionType(int64(float64[::1], float64[::1]))

THREADS_PAY = 1e-3  #: seconds of work left for one thread that are worth starting others
UNDERFLOW, OVERFLOW = 1e-140, 1e140  #: noise beyond these loses digits when squared


class Differences(NamedTuple):
    """What K steps along each of D coordinates did to R readouts; float64[K, D, R] each."""

    rise: Array  #: readout · (f(x + h) − f(x)); NaN where that side is missing
    fall: Array  #: readout · (f(x) − f(x − h)); NaN where that side is missing
    noise: Array  #: standard deviation of the noise in either


def sample_coordinates(
    function: object,
    x: Array,  # (n,)
    *,
    base: Array,  # (m,)
    indices: NDArray[np.int64],  # (D,)
    above: Array,  # (K, D)
    below: Array,  # (K, D)
    readout: Array | None,  # (R, m); None: identity, R = m
    sigma: Array,  # (m,)
    threads: int = 1,
) -> Differences:
    """Evaluate ``function`` with x[indices[d]] replaced by above[k, d] and by below[k, d]; difference with ``base``.

    ``above`` and ``below`` hold coordinate values, not steps; NaN means: do not evaluate, that side is missing. Outputs
    are differenced before they are combined. Output j has noise max(sigma_j, 2⁻⁵⁴·max(|f₊|, |f₋|, |base|)); a readout
    combines, as the root of squares, that of the outputs which moved, and of those which may hide a change (HIDING).
    A side whose function raised is missing; one whose output is not finite is missing in that output (identity) or in
    every readout.

    The result does not depend on ``threads``, to the last bit. Memory: (threads + 1)·n plus the result.

    Raises ValueError where shapes disagree, or where ``function`` wrote into its input.
    """
    weights = np.empty((0, base.size)) if readout is None else readout
    _check_shapes(x=x, base=base, indices=indices, above=above, below=below, weights=weights, sigma=sigma)
    shape = (*above.shape, base.size if readout is None else weights.shape[0])
    differences = Differences(np.empty(shape), np.empty(shape), np.empty(shape))
    given = (_owned(base), _owned(indices, np.int64), _owned(above), _owned(below), _owned(weights), _owned(sigma))
    measure = partial(_sample_range, function)
    ranges = Ranges(indices.size, threads)
    run = partial(_run, measure, _owned(x), given, differences, ranges)
    run(only=1)  # tells what a coordinate costs, before threads are started for it
    if threads == 1 or ranges.left < THREADS_PAY:
        run()
        return differences
    with ThreadPoolExecutor(threads - 1) as pool:
        others = [pool.submit(run) for _ in range(threads - 1)]
        run()
        for other in others:
            other.result()
    return differences


def _run(
    measure: Callable[..., None],
    x: Array,
    given: tuple[Any, ...],
    differences: Differences,
    ranges: Ranges,
    *,
    only: int | None = None,
) -> None:
    """One thread: ranges until there are none, or ``only`` so many, over its own copy of x."""
    work = x.copy()
    try:
        for _ in count() if only is None else range(only):
            start, stop = ranges.take()
            if start == stop:
                break
            began = time.perf_counter()
            measure(work, *given, start, stop, *differences)
            ranges.learn(stop - start, time.perf_counter() - began)
    except BaseException:
        ranges.close()
        raise
    _check_unchanged(work, x)


def _compiled(
    signature: Any = None, *, inline: Literal["never", "always"] = "never"
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """``njit`` without the GIL, kept on disk; in memory only where no folder for the cache can be written."""

    def decorate(kernel: Callable[..., Any]) -> Callable[..., Any]:
        try:
            return njit(signature, nogil=True, cache=True, inline=inline)(kernel)
        except RuntimeError:
            return njit(signature, nogil=True, inline=inline)(kernel)

    return decorate


@_compiled(float64[::1](types.voidptr, int64))
def _borrowed(pointer, size):  # type: ignore[no-untyped-def]
    """The array at ``pointer``, whose owner must be used, or be a caller's, until after the last use of this one.

    References to it are not counted: ten atomic operations an evaluation, which take longer than a small f.
    """
    return carray(pointer, size, np.float64)


@_compiled()
def _evaluate(function, work, index, value, y):  # type: ignore[no-untyped-def]
    """f with one coordinate replaced, into y; all NaN where that side is missing. The caller restores it."""
    if math.isnan(value):
        y[:] = np.nan
        return
    work[index] = value
    if function(work, y) != 0:
        y[:] = np.nan


@_compiled(inline="always")
def _output_noise(up, down, plus, minus, base, sigma):  # type: ignore[no-untyped-def]
    """Noise of one output's differences; sides that are not finite do not count."""
    magnitude = abs(base)
    if math.isfinite(up):
        magnitude = max(magnitude, abs(plus))
    if math.isfinite(down):
        magnitude = max(magnitude, abs(minus))
    return max(sigma, HALF_ULP * magnitude)


@_compiled()
def _moved(up, down):  # type: ignore[no-untyped-def]
    """Whether an output reacted to the step at all."""
    return (math.isfinite(up) and up != 0.0) or (math.isfinite(down) and down != 0.0)


@_compiled()
def _read_each(plus, minus, base, sigma, rise, fall, noise):  # type: ignore[no-untyped-def]
    """Every output is a readout of its own."""
    for j in range(base.size):
        up = plus[j] - base[j]
        down = base[j] - minus[j]
        rise[j] = up if math.isfinite(up) else np.nan
        fall[j] = down if math.isfinite(down) else np.nan
        noise[j] = _output_noise(up, down, plus[j], minus[j], base[j], sigma[j])


@_compiled()
def _root_of_squares(weights, spread, moved, floor):  # type: ignore[no-untyped-def]
    """Root of the sum of squares of weights·spread over the outputs that moved, or whose own term is above floor.

    Scaled only where squares would leave the range of float64.
    """
    total = 0.0
    largest = 0.0
    for j in range(spread.size):
        term = abs(weights[j] * spread[j])
        if moved[j] or term > floor:
            total += term * term
            largest = max(largest, term)
    if largest == 0.0 or UNDERFLOW < largest < OVERFLOW or not math.isfinite(largest):
        return math.sqrt(total)
    total = 0.0
    for j in range(spread.size):
        term = abs(weights[j] * spread[j])
        if moved[j] or term > floor:
            total += (term / largest) ** 2
    return largest * math.sqrt(total)


@_compiled()
def _read_combined(plus, minus, base, sigma, spread, moved, readout, rise, fall, noise):  # type: ignore[no-untyped-def]
    """Rows of ``readout`` combine the outputs; plus and minus become the differences, spread the noise, in place."""
    for j in range(base.size):
        up = plus[j] - base[j]
        down = base[j] - minus[j]
        spread[j] = _output_noise(up, down, plus[j], minus[j], base[j], sigma[j])
        moved[j] = _moved(up, down)
        plus[j] = up
        minus[j] = down
    for r in range(readout.shape[0]):
        up, down = 0.0, 0.0
        for j in range(base.size):
            up += readout[r, j] * plus[j]
            down += readout[r, j] * minus[j]
        # one output that is not finite makes the sum so, whatever its weight
        rise[r] = up if math.isfinite(up) else np.nan
        fall[r] = down if math.isfinite(down) else np.nan
        heard = _root_of_squares(readout[r], spread, moved, np.inf)
        noise[r] = _root_of_squares(readout[r], spread, moved, HIDING * heard)


@_compiled(inline="always")
def _evaluate_scalar(function, work, index, value, y):  # type: ignore[no-untyped-def]
    """As ``_evaluate`` for one output: its value, NaN where that side is missing."""
    if math.isnan(value):
        return math.nan
    work[index] = value
    if function(work, y) != 0:
        return math.nan
    return y[0]


@_compiled()
def _sample_scalar(function, work, base, indices, above, below, weight, sigma, start, stop, rise, fall, noise, y):  # type: ignore[no-untyped-def]
    """One output in one readout: the common case, where a small f costs no more than the arrays of the general one.

    ``y`` (1,) is memory for that output, the caller's: made here, it would be freed as soon as it is borrowed.
    """
    work, y = _borrowed(work.ctypes, work.size), _borrowed(y.ctypes, y.size)
    for d in range(start, stop):
        index = indices[d]
        saved = work[index]
        for k in range(above.shape[0]):
            plus = _evaluate_scalar(function, work, index, above[k, d], y)
            minus = _evaluate_scalar(function, work, index, below[k, d], y)
            work[index] = saved
            up, down = plus - base[0], base[0] - minus
            rise[k, d, 0] = weight * up if math.isfinite(up) else math.nan
            fall[k, d, 0] = weight * down if math.isfinite(down) else math.nan
            noise[k, d, 0] = abs(weight) * _output_noise(up, down, plus, minus, base[0], sigma[0])


_SAMPLE_RANGE = types.void(
    FLAT_FUNCTION,
    float64[::1],  # work (n,)
    float64[::1],  # base (m,)
    int64[::1],  # indices (D,)
    float64[:, ::1],  # above (K, D)
    float64[:, ::1],  # below (K, D)
    float64[:, ::1],  # readout (R, m), or (0, m) for identity
    float64[::1],  # sigma (m,)
    int64,  # start
    int64,  # stop
    float64[:, :, ::1],  # rise (K, D, R)
    float64[:, :, ::1],  # fall
    float64[:, :, ::1],  # noise
)


@_compiled(_SAMPLE_RANGE)
def _sample_range(function, work, base, indices, above, below, readout, sigma, start, stop, rise, fall, noise):  # type: ignore[no-untyped-def]
    """All steps of coordinates start ≤ d < stop; ``work`` holds x before and after, and is perturbed in place."""
    if base.size == 1 and readout.shape[0] <= 1:
        weight = readout[0, 0] if readout.shape[0] else 1.0
        y = np.empty(1)
        _sample_scalar(function, work, base, indices, above, below, weight, sigma, start, stop, rise, fall, noise, y)
        return
    plus, minus, spread = np.empty(base.size), np.empty(base.size), np.empty(base.size)
    moved = np.empty(base.size, np.bool_)
    x, y_plus, y_minus = (
        _borrowed(work.ctypes, work.size),
        _borrowed(plus.ctypes, plus.size),
        _borrowed(minus.ctypes, minus.size),
    )
    for d in range(start, stop):
        index = indices[d]
        saved = work[index]
        for k in range(above.shape[0]):
            _evaluate(function, x, index, above[k, d], y_plus)
            _evaluate(function, x, index, below[k, d], y_minus)
            work[index] = saved
            if readout.shape[0] == 0:
                _read_each(plus, minus, base, sigma, rise[k, d], fall[k, d], noise[k, d])
            else:
                _read_combined(plus, minus, base, sigma, spread, moved, readout, rise[k, d], fall[k, d], noise[k, d])


def _owned(array: Any, dtype: Any = np.float64) -> Any:
    """As the kernel's signature demands: contiguous, of this dtype, and writeable (a frozen array is copied)."""
    return np.require(array, dtype, ["C", "W"])


def _check_shapes(
    *, x: Array, base: Array, indices: NDArray[np.int64], above: Array, below: Array, weights: Array, sigma: Array
) -> None:
    """The kernel does not check bounds, so that a wrong shape must end here."""
    _demand("above and below", (above.shape, below.shape), (above.shape[:1] + indices.shape,) * 2)
    _demand("columns of readout", weights.shape[1:], base.shape)
    _demand("sigma", sigma.shape, base.shape)
    if indices.size and (indices.min() < 0 or indices.max() >= x.size):
        span = f"{indices.min()}…{indices.max()}"
        raise ValueError(f"indices: {span}, allowed 0…{x.size - 1}; give positions in the flat x")


def _demand(name: str, measured: object, allowed: object) -> None:
    if measured != allowed:
        raise ValueError(f"{name}: shape {measured}, allowed {allowed}; give one value per coordinate or output")


def _check_unchanged(work: Array, x: Array) -> None:
    changed = np.flatnonzero(work.view(np.int64) != x.view(np.int64))
    if changed.size:
        i = int(changed[0])
        raise ValueError(
            f"function: x[{i}] is {work[i]:.17g} after the calls, allowed {x[i]:.17g}, as before;"
            " let the function copy its input before it writes"
        )
