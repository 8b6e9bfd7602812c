"""The noise of f, measured from its values: rounding, iterative solvers, quantised outputs, low precision inside.

Source of the method: Moré and Wild, whose difference table stands in ``difference_table``.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import wraps
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from gradaudit.perturb.batching import rows_at_once
from gradaudit.perturb.difference_table import VALUES, levels
from gradaudit.perturb.samples import HALF_ULP, Array
from gradaudit.perturb.steps import Point

#: f over flat vectors; None where it has no value (it raised, or its output has another size).
Function = Callable[[Array], Array | None]

#: Spacings of the nine values, in octaves below the natural scale; a larger one is tried only where f does not react.
LADDER = (36, 30, 24, 18, 12, 7)
#: Noise above this fraction of the values may be a pole among them: they are taken again so many octaves nearer to x,
#: where true noise is the same.
LOUD, NEARER = 2.0**-10, 6
#: The line starts this many spacings away from x, so that a kink at x is not on it.
START = 5
#: A common divisor below this many units in the last place is chance.
SMALLEST_QUANTUM = 4096
#: What moves and stops moves by few quanta: one below this fraction of the least step is chance too.
COMMON = 1 / 64
#: Where other parts of f move smoothly at the smallest spacing, noise is looked for at these, in octaves below the
#: natural scale; two levels within this factor are one.
HIDDEN, ALIKE = (24, 18, 12), 8.0
#: Significant bits of bfloat16, float16 and float32.
BITS = (8, 11, 24)
#: What stands still at a value of so many decimals may be rounded to them; fewer may be a constant that is exact.
DECIMALS = range(3, 13)
#: Values inside a function may be so many times as large as the one that comes out.
AMPLIFIED = 16.0
SIGNS = np.array([-1.0, 1.0])
#: Where the nine values are taken, in spacings from x.
PLACES = np.arange(float(START), START + VALUES)[:, None]


@dataclass(frozen=True)
class Swing:
    """How f changes along a line so short that nothing bends on it."""

    step: Array  #: (n,) an eighth of it
    change: Array  #: (m,) from its begin to its end, by eighths


@dataclass(frozen=True)
class Noise:
    """The noise of each output of f around a point."""

    sigma: Array  #: (m,) standard deviation of one evaluation
    evaluations: int
    swing: Swing | None = None  #: along the shortest of the lines; None where f had no value there


def _of_finite_outputs(measure: Callable[..., Noise]) -> Callable[..., Noise]:
    """Leave out what is NaN or infinite at x already: it must not keep the noise of all others from being measured."""

    @wraps(measure)
    def measured(function: Function, point: Point, *, base: Array, rng: np.random.Generator) -> Noise:
        finite = np.isfinite(base)
        if np.count_nonzero(finite) == finite.size:
            return measure(function, point, base=base, rng=rng)

        def some(x: Array) -> Array | None:
            value = function(x)
            return None if value is None else value[finite]

        found = measure(some, point, base=base[finite], rng=rng)
        sigma = HALF_ULP * np.abs(base)
        sigma[finite] = found.sigma
        return Noise(sigma, found.evaluations)

    return measured


@_of_finite_outputs
def measure_noise(function: Function, point: Point, *, base: Array, rng: np.random.Generator) -> Noise:
    """The standard deviation of the error of each output of ``function`` (m outputs) around ``point`` (n coordinates).

    ``base`` is f(x), float64[m]. The nine values lie on one random line next to x. Each output takes the smallest
    spacing at which it reacts, so that curvature and jumps at larger scales are not taken for noise.
    """
    sigma = np.full(base.shape, np.nan)
    waited = np.zeros(base.shape, dtype=bool)
    unit = np.zeros(base.shape)
    evaluations, swing = 0, None
    direction = _random_line(rng, point.x.size)
    for rung, spacing in enumerate(_spacings(point)):
        values, step, spent = _line(function, point, spacing * direction, base)
        evaluations += spent
        if values is None:
            continue
        if rung == 0:
            swing = _swing(values, step)
        still = values[1:] == values[:-1]
        if rung == 0 and not np.count_nonzero(still):  # mostly: there is nothing to wait for
            unit = _unit(values)
            sigma = _level(values, unit, climbed=False)
            if np.count_nonzero(sigma > LOUD * _median_size(values)):
                shorter = 2.0**-NEARER * spacing * direction
                values, step, spent = _line(function, point, shorter, base)
                evaluations += spent
                if values is not None:
                    sigma, swing = _without_poles(sigma, values, unit), _swing(values, step)
            break
        silent = np.isnan(sigma)
        reacting = silent & (np.add.reduce(still, axis=0) < (VALUES - 1) // 2)
        # where others moved at a smaller spacing, silence is no lack of resolution but a flat stretch: what this output
        # shows now may be the kink at its end; so may what has no quantum, unless it is the same at the next spacing
        climbed = rung > 0
        if climbed or still.any():
            flat = np.zeros_like(reacting)
            flat[reacting] = _leaves_flat(values[:, reacting], climbed=climbed)
            bends = np.zeros_like(reacting)
            bends[reacting] = _bends(still[:, reacting])
            reacting &= ~(bends & (~silent.all() | flat & ~waited))
            waited |= flat
        unit[reacting] = _unit(values[:, reacting])
        sigma[reacting] = _level(values[:, reacting], unit[reacting], climbed=climbed)
        silent = np.isnan(sigma)
        # outputs that are exactly zero beside others that react are masked or clipped, not quantised
        if not silent.any() or (not silent.all() and (values[:, silent] == 0).all()):
            break
    _silence_rounds_too(sigma, unit, base)
    floor = HALF_ULP * np.abs(base)
    return Noise(np.fmax(sigma, floor), evaluations, swing)


def _median_size(values: Array) -> Array:
    """(m,) the median of the sizes of nine values; NumPy's own takes ten microseconds to ask for NaN and axes."""
    size = np.abs(values)
    size.partition(VALUES // 2, axis=0)
    return np.asarray(size[VALUES // 2])


def _swing(values: Array, step: Array) -> Swing:
    return Swing(step, (values[-1] - values[0]) / (VALUES - 1))


def _without_poles(sigma: Array, nearer: Array, unit: Array) -> Array:
    """Noise (c,), or that of values (9, c) ``nearer`` to x where it is far less; what stands still may be quantised."""
    level = _level(nearer, unit, climbed=False)
    moves = (nearer[1:] != nearer[:-1]).all(axis=0)
    return np.where(moves & (ALIKE * level < sigma), level, sigma)


def _silence_rounds_too(sigma: Array, unit: Array, base: Array) -> None:
    """What stood still, or was too steep to tell, rounds as coarsely as what moved. Where all stood still, a float32
    inside can hide as much as the rounding of what is larger there; or all is rounded to the last decimal shown."""
    silent = np.isnan(sigma)
    if not np.count_nonzero(silent):
        return
    coarsest = AMPLIFIED * 2.0**-24 if silent.all() else float(unit.max(initial=0.0))
    narrow = silent & (_unit(base[None]) > 0)
    sigma[narrow] = coarsest * np.abs(base[narrow]) / np.sqrt(3)
    if silent.all():  # beside others that move, one may be a whole number that depends on nothing
        sigma[:] = np.fmax(sigma, _last_decimal(base) / np.sqrt(12))


@_of_finite_outputs
def measure_hidden_noise(function: Function, point: Point, *, base: Array, rng: np.random.Generator) -> Noise:
    """The noise that ``measure_noise`` cannot see, for at the smallest spacing another part of f moves smoothly.

    Float32 in the weights of values in float64, or a table that is read beside a formula. It is the same at whatever
    spacing; what a kink leaves in the difference table grows with it. So it counts where it has settled at two spacings
    on one level; 0 elsewhere.
    """
    direction = _random_line(rng, point.x.size)
    found, evaluations = [], 0
    for octave in HIDDEN:
        values, _, spent = _line(function, point, 2.0**-octave * point.natural * direction, base)
        evaluations += spent
        if values is not None:
            level, settled = levels(values)
            found.append(np.where(settled, level, 0.0))
    sigma = np.zeros(base.shape)
    for one, other in combinations(found, 2):
        alike = np.fmin(one, other) * ALIKE >= np.fmax(one, other)
        sigma = np.where(alike, np.fmax(sigma, np.fmax(one, other)), sigma)
    return Noise(sigma, evaluations)


def quantum(values: Array, *, size: float = 0.0) -> float:
    """The step between the values of a quantised function: an approximate common divisor of their differences, or 0.

    Euclid's algorithm on the distinct differences; a remainder under 4·(quotient + 1) ulp of the values, or of ``size``
    where these are changes of something as large, is rounding. Any numbers have a common divisor near their rounding,
    so that a small one says nothing.
    """
    values = np.unique(values[np.isfinite(values)])
    if values.size < 3:
        return 0.0
    ulp = float(np.spacing(np.fmax(np.max(np.abs(values)), size)))
    divisor = 0.0
    for gap in np.unique(np.diff(values)):
        if gap > 64 * ulp:
            divisor = _common_divisor(float(gap), divisor, ulp)
            if divisor <= SMALLEST_QUANTUM * ulp:
                return 0.0
    return divisor


def _spacings(point: Point) -> Iterator[Array]:
    """Spacings (n,) to try, smallest first: octaves of the natural scale, then of the scale where that differs.

    One at a time: the first is mostly enough, and a list of them would be a dozen copies of x.
    """
    natural = point.natural
    yield from (2.0**-m * natural for m in LADDER)
    scale = point.scale
    if (natural != scale).any():
        yield from (2.0**-m * scale for m in LADDER)


def _random_line(rng: np.random.Generator, size: int) -> Array:
    """A random direction (n,) in which no coordinate stands still."""
    return np.asarray(SIGNS[rng.integers(0, 2, size)] * rng.uniform(0.5, 1.0, size))


def _line(function: Function, point: Point, step: Array, base: Array) -> tuple[Array | None, Array, int]:
    """Nine values along ``step``, inside the bounds: (9, m), None where f has no value on either side; the step (n,)
    that was taken between them, and the evaluations spent.
    """
    spent = 0
    for sign in (1.0, -1.0):
        side = sign * step
        end = point.x + (START + VALUES) * side
        inside = np.where((end >= point.lower) & (end <= point.upper), side, 0.0)
        values = np.empty((VALUES, base.size))
        for k, at in enumerate(_places(point.x, inside, base.size)):
            value = function(at)
            spent += 1
            if value is None:
                break
            values[k] = value
        else:
            if np.count_nonzero(np.isfinite(values)) == values.size:
                return values, inside, spent
    return None, step, spent


def _places(x: Array, step: Array, outputs: int) -> Iterator[Array]:
    """The nine points of a line; of few coordinates all at once."""
    together = rows_at_once(x.size, outputs)
    for start in range(0, VALUES, together):
        yield from x + PLACES[start : start + together] * step


def _bends(still: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Columns of values, of which ``still`` (8, c) tells where they stood, that move for good from some place on:
    quantised ones stop and go."""
    return np.asarray(np.count_nonzero(np.diff(still, axis=0), axis=0) <= 1)


def _leaves_flat(values: Array, *, climbed: bool) -> NDArray[np.bool_]:
    """Columns of ``values`` (9, c) that stood still, here or at smaller spacings (``climbed``), and move by far more
    than a unit in their last place, but by no common step: no quantised function, but a flat stretch and its end."""
    steps = np.abs(np.diff(values, axis=0))
    smallest = np.where(steps > 0, steps, np.inf).min(axis=0)
    leaves = (steps == 0).any(axis=0) | climbed
    leaves &= smallest > SMALLEST_QUANTUM * np.spacing(values).max(axis=0)
    steps_of = zip(values.T[leaves], smallest[leaves], strict=True)
    leaves[leaves] = [quantum(column) < COMMON * least for column, least in steps_of]
    return np.asarray(leaves)


def _level(values: Array, unit: Array, *, climbed: bool) -> Array:
    """Noise of each column of ``values`` (9, c), whose precision has ``unit`` (c,); quantisation included."""
    sigma, _ = levels(values)
    if climbed:
        steps = np.array([quantum(column) for column in values.T])
        sigma = np.maximum(sigma, steps / np.sqrt(12))
    return np.maximum(sigma, unit * np.abs(values).max(axis=0) / np.sqrt(3)) if np.count_nonzero(unit) else sigma


def _unit(values: Array) -> Array:
    """(c,) half the spacing at 1 of the narrowest precision that holds each column of ``values``; 0 for float64."""
    mantissa, _ = np.frexp(values)
    unit = np.zeros(values.shape[1])
    for bits in reversed(BITS):
        scaled = np.ldexp(mantissa, bits)
        held = np.logical_and.reduce(scaled == np.rint(scaled), axis=0)
        if not np.count_nonzero(held):  # nor in fewer bits
            break
        unit[held] = 2.0**-bits
    return unit


def _last_decimal(values: Array) -> Array:
    """(c,) what one in the last decimal of each is worth, where they look rounded to so many; 0 elsewhere."""
    size, worth = np.abs(values), np.zeros(values.shape)
    with np.errstate(all="ignore"):
        leading = np.floor(np.log10(size))
        for digits in reversed(DECIMALS):
            exponent = leading - digits + 1
            power = 10.0 ** np.abs(exponent)
            rounded = np.where(exponent > 0, np.rint(size / power) * power, np.rint(size * power) / power)
            worth = np.where(rounded == size, 10.0**exponent if digits > DECIMALS[0] else 0.0, worth)
    return np.where(size > 0, worth, 0.0)


def _common_divisor(a: float, b: float, ulp: float) -> float:
    while b > 0:
        quotient = round(a / b)
        remainder = abs(a - quotient * b)
        if remainder <= 4 * (quotient + 1) * ulp:
            return b
        a, b = b, remainder
    return a
