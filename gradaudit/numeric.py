"""Numeric derivatives of plain functions over arrays, element by element, each with an error bar."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os import cpu_count
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gradaudit import engines
from gradaudit.checks._subject import Subject, batched, compiled_kernel
from gradaudit.engines._arguments import Arguments
from gradaudit.perturb.estimate import estimate
from gradaudit.perturb.noise import measure_noise
from gradaudit.perturb.samples import Array
from gradaudit.perturb.sampling import Probe
from gradaudit.perturb.steps import Coordinates, Point, Tangents

Steps = Literal["auto"] | float | Sequence[float]
Arrays = NDArray[np.inexact] | tuple[NDArray[np.inexact], ...]


@dataclass(frozen=True)
class Derivative:
    """A numeric derivative. Over several inputs each field but the last is a tuple with one array per input."""

    value: Arrays
    uncertainty: Arrays  #: error bar of each element, in its units: truncation + 4 standard deviations of noise
    h: Arrays  #: the step behind each element, in units of x
    evaluations: int  #: of f


def gradient(f: Callable[..., object], *inputs: object, h: Steps = "auto", threads: int | None = None) -> Derivative:
    """The gradient of a scalar function, element by element: ``value`` has the shape of the input.

    ``inputs`` are floats or floating arrays of any shape; f may be a Python or a Numba function. ``h`` is "auto"
    (chosen per element), one step (the plain central difference, two evaluations an element) or several.
    Raises ValueError where f is not scalar or h not positive; UserError where f raises.
    """
    subject, probe, spent = _prepared(f, inputs, threads=threads)
    if subject.value.size != 1:
        raise ValueError(f"f gives an output of shape {subject.shapes[0]}; allowed: a scalar; use jacobian instead")
    found = estimate(probe, Coordinates(subject.point, np.arange(subject.arguments.size)), _steps(h))
    value, uncertainty, steps = (_one_or_tuple(subject.arguments.shaped(a[:, 0])) for a in found.arrays)
    return Derivative(value, uncertainty, steps, found.evaluations + spent)


def jacobian(f: Callable[..., object], *inputs: object, h: Steps = "auto", threads: int | None = None) -> Derivative:
    """Every output of f along every element: ``value`` has shape output + input, a tuple over several inputs.

    Otherwise as ``gradient``.
    """
    subject, probe, spent = _prepared(f, inputs, threads=threads)
    shape = _only_shape(subject)
    if any(array.dtype.kind == "c" for array in subject.arguments.arrays):
        raise ValueError("an input is complex; allowed: real inputs; use directional, or gradient of a scalar function")
    found = estimate(probe, Coordinates(subject.point, np.arange(subject.arguments.size)), _steps(h))

    def blocks(flat: Array) -> tuple[Array, ...]:
        offsets = subject.arguments.offsets
        arrays = subject.arguments.arrays
        return tuple(
            flat[start:stop].T.reshape(shape + array.shape)
            for array, start, stop in zip(arrays, offsets, offsets[1:], strict=False)
        )

    value, uncertainty, steps = (_one_or_tuple(blocks(a)) for a in found.arrays)
    return Derivative(value, uncertainty, steps, found.evaluations + spent)


def directional(
    f: Callable[..., object], inputs: object, tangents: object, *, h: Steps = "auto", threads: int | None = None
) -> Derivative:
    """The derivative of f along ``tangents``: ``value`` has the shape of the output.

    ``inputs`` and ``tangents`` are one array each, or sequences of the same length and shapes.
    Raises ValueError where they differ; otherwise as ``gradient``.
    """
    points = tuple(inputs) if isinstance(inputs, tuple | list) else (inputs,)
    moves = tuple(tangents) if isinstance(tangents, tuple | list) else (tangents,)
    subject, probe, spent = _prepared(f, points, threads=threads)
    shape = _only_shape(subject)
    measured = [np.asarray(move).shape for move in moves]
    allowed = [array.shape for array in subject.arguments.arrays]
    if measured != allowed:
        raise ValueError(f"tangents have shapes {measured}; allowed: those of the inputs, {allowed}")
    v = subject.arguments.flatten(moves)[None]
    found = estimate(probe, Tangents(subject.point, v), _steps(h))
    value, uncertainty, steps = (a[0].reshape(shape) for a in found.arrays)
    return Derivative(value, uncertainty, steps, found.evaluations + spent)


def _prepared(f: Callable[..., object], inputs: Sequence[object], *, threads: int | None) -> tuple[Subject, Probe, int]:
    """f at x, ready to be perturbed, and how many evaluations that took."""
    arguments = Arguments.of([np.asarray(x, dtype=float) if isinstance(x, int | float | list) else x for x in inputs])
    differentiable = engines.adapt_primal(f)
    if differentiable.held:
        arguments = arguments.beside(differentiable.held(arguments), differentiated=False)
    subject = Subject.examine(differentiable, arguments, Point.of(arguments.x, arguments.epsilon))
    noise = measure_noise(subject.evaluate, subject.point, base=subject.value, rng=np.random.default_rng(0))
    kernel = compiled_kernel(subject, evaluations=2 * arguments.size)
    batch = batched(subject)
    probe = Probe(subject.evaluate, subject.value, noise.sigma, None, kernel, threads or cpu_count() or 1, batch)
    return subject, probe, noise.evaluations + 2


def _only_shape(subject: Subject) -> tuple[int, ...]:
    if subject.several:
        raise ValueError(f"f gives {len(subject.shapes)} outputs; allowed: one array; differentiate them one by one")
    return subject.shapes[0]


def _steps(h: Steps) -> tuple[float, ...] | None:
    if isinstance(h, str):
        if h != "auto":
            raise ValueError(f"h is {h!r}; allowed: 'auto', a step, or a sequence of steps")
        return None
    steps = tuple(float(step) for step in np.atleast_1d(np.asarray(h, dtype=float)))
    if not steps or not all(np.isfinite(step) and step > 0 for step in steps):
        raise ValueError(f"h is {h!r}; allowed: positive finite steps")
    return steps


def _one_or_tuple(parts: tuple[NDArray[np.inexact], ...]) -> Arrays:
    return parts[0] if len(parts) == 1 else parts
