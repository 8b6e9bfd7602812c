"""Numeric derivatives of plain functions over arrays, element by element, each with an error bar."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from os import cpu_count
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gradaudit import engines
from gradaudit.checks._shortcuts import batched, compiled_kernel
from gradaudit.checks._subject import CALLS_AT_X, Subject, Unfit
from gradaudit.engines._arguments import Arguments
from gradaudit.perturb.estimate import Estimate, estimate
from gradaudit.perturb.noise import measure_noise
from gradaudit.perturb.samples import Array
from gradaudit.perturb.sampling import Probe
from gradaudit.perturb.steps import Coordinates, Directions, Point, Tangents

Steps = Literal["auto"] | float | Sequence[float]
Arrays = NDArray[np.inexact] | tuple[NDArray[np.inexact], ...]

#: No claim is called, after which f would be called at x once more.
CALLS_TO_EXAMINE = CALLS_AT_X - 1


@dataclass(frozen=True)
class Derivative:
    """A numeric derivative. Over several inputs each field but the last is a tuple with one array per input."""

    value: Arrays
    uncertainty: Arrays  #: error bar of each element, in its units: truncation + 4 standard deviations of noise
    h: Arrays  #: the step behind each element, in units of x
    evaluations: int  #: of f, those at x and for its noise included


def gradient(f: Callable[..., object], *inputs: object, h: Steps = "auto", threads: int | None = None) -> Derivative:
    """The gradient of a scalar function, element by element: ``value`` has the shape of the input.

    ``inputs`` are floats or floating arrays of any shape; f may be a Python or a Numba function. ``h`` is "auto"
    (chosen per element), one step (the plain central difference, two evaluations an element) or several. What one step
    leaves out cannot be seen from it: its bar is noise and half the gap of the one-sided slopes, which is too small
    where f''(x) vanishes and f'''(x) does not. ``threads`` share out the elements of a compiled f.
    Raises ValueError where f is not scalar, gives another value the second time or none that is finite, and where h is
    not positive; UserError where f raises.
    """
    prepared = _Prepared.of(f, inputs, h, threads=threads)
    subject = prepared.subject
    if subject.value.size != 1:
        raise ValueError(f"f gives an output of shape {subject.shapes[0]}; allowed: a scalar; use jacobian instead")
    found = prepared.along_each_coordinate()
    value, uncertainty, steps = (_one_or_tuple(subject.arguments.shaped(a[:, 0])) for a in found.arrays)
    return Derivative(value, uncertainty, steps, found.evaluations)


def jacobian(f: Callable[..., object], *inputs: object, h: Steps = "auto", threads: int | None = None) -> Derivative:
    """Every output of f along every element: ``value`` has shape output + input, a tuple over several inputs.

    Raises ValueError where f gives several outputs or an input is complex; otherwise as ``gradient``.
    """
    prepared = _Prepared.of(f, inputs, h, threads=threads)
    arguments, shape = prepared.subject.arguments, prepared.only_shape
    if any(array.dtype.kind == "c" for array in arguments.arrays):
        raise ValueError("an input is complex; allowed: real inputs; use directional, or gradient of a scalar function")
    found = prepared.along_each_coordinate()

    def blocks(flat: Array) -> tuple[Array, ...]:
        spans = zip(arguments.arrays, pairwise(arguments.offsets), strict=True)
        return tuple(flat[slice(*span)].T.reshape(shape + array.shape) for array, span in spans)

    value, uncertainty, steps = (_one_or_tuple(blocks(a)) for a in found.arrays)
    return Derivative(value, uncertainty, steps, found.evaluations)


def directional(f: Callable[..., object], inputs: object, tangents: object, *, h: Steps = "auto") -> Derivative:
    """The derivative of f along ``tangents``: ``value`` has the shape of the output.

    ``inputs`` and ``tangents`` are one array each, or sequences of the same length and shapes.
    Raises ValueError where they differ; otherwise as ``gradient``.
    """
    points = tuple(inputs) if isinstance(inputs, tuple | list) else (inputs,)
    moves = tuple(tangents) if isinstance(tangents, tuple | list) else (tangents,)
    prepared = _Prepared.of(f, points, h)
    arguments, shape = prepared.subject.arguments, prepared.only_shape
    measured = [np.asarray(move).shape for move in moves]
    allowed = [array.shape for array in arguments.arrays]
    if measured != allowed:
        raise ValueError(f"tangents have shapes {measured}; allowed: those of the inputs, {allowed}")
    found = prepared.along(arguments.flatten(moves))
    value, uncertainty, steps = (a[0].reshape(shape) for a in found.arrays)
    return Derivative(value, uncertainty, steps, found.evaluations)


@dataclass(frozen=True)
class _Prepared:
    """f at x, ready to be perturbed."""

    subject: Subject
    probe: Probe
    h: tuple[float, ...] | None
    spent: int  #: evaluations that this took

    @classmethod
    def of(
        cls, f: Callable[..., object], inputs: Sequence[object], h: Steps, *, threads: int | None = None
    ) -> "_Prepared":
        steps = _steps(h)  # refused before the first evaluation
        arguments = Arguments.of(
            [np.asarray(x, dtype=float) if isinstance(x, int | float | list) else x for x in inputs]
        )
        differentiable = engines.adapt_primal(f)
        if differentiable.held:
            arguments = arguments.beside(differentiable.held(arguments), differentiated=False)
        try:
            subject = Subject.examine(differentiable, arguments, Point.of(arguments.x, arguments.epsilon))
        except Unfit as problem:
            raise ValueError(str(problem)) from None
        noise = measure_noise(subject.evaluate, subject.point, base=subject.value, rng=np.random.default_rng(0))
        probe = Probe(
            subject.evaluate,
            subject.value,
            noise.sigma,
            readout=None,
            threads=threads or cpu_count() or 1,
            batch=batched(subject),
        )
        return cls(subject, probe, steps, noise.evaluations + CALLS_TO_EXAMINE)

    @property
    def only_shape(self) -> tuple[int, ...]:
        """That of the one output. Raises ValueError where there are several."""
        shapes = self.subject.shapes
        if self.subject.several:
            raise ValueError(f"f gives {len(shapes)} outputs; allowed: one array; differentiate them one by one")
        return shapes[0]

    def along_each_coordinate(self) -> Estimate:
        """(n, m) arrays."""
        subject, size = self.subject, self.subject.arguments.size
        kernel = compiled_kernel(subject, evaluations=2 * size)
        return self._estimate(replace(self.probe, kernel=kernel), Coordinates(subject.point, np.arange(size)))

    def along(self, v: Array) -> Estimate:
        """(1, m) arrays, along v (n,)."""
        return self._estimate(self.probe, Tangents(self.subject.point, v[None]))

    def _estimate(self, probe: Probe, directions: Directions) -> Estimate:
        """With all evaluations that were made so far."""
        found = estimate(probe, directions, self.h)
        at_x = probe.batch.evaluations_at_x if probe.batch else 0
        return replace(found, evaluations=found.evaluations + self.spent + at_x)


def _steps(h: Steps) -> tuple[float, ...] | None:
    if isinstance(h, str):
        if h != "auto":
            raise ValueError(f"h is {h!r}; allowed: 'auto', a step, or a sequence of steps")
        return None
    steps = tuple(np.asarray(h, dtype=float).ravel().tolist())
    if not steps or not all(np.isfinite(step) and step > 0 for step in steps):
        raise ValueError(f"h is {h!r}; allowed: positive finite steps")
    return steps


def _one_or_tuple(parts: tuple[NDArray[np.inexact], ...]) -> Arrays:
    return parts[0] if len(parts) == 1 else parts
