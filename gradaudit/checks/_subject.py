"""What a check looks at: a loaded function at one point, called safely, with its claims in canonical shape."""

import time
from collections.abc import Sequence, Sized
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradaudit.engines._arguments import Arguments
from gradaudit.engines._boundary import UserError, guarded
from gradaudit.engines._count import counted
from gradaudit.engines._differentiable import Absent, Differentiable, flatten_output
from gradaudit.engines._trees import Tree, WrongForm, leaves_of
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.perturb.axis import Axis
from gradaudit.perturb.samples import Array
from gradaudit.perturb.steps import Coordinates, Moves, Point
from gradaudit.perturb.structure import directions_on
from gradaudit.plan.precision import EPSILONS, epsilon_of, is_floating, is_real, is_real_floating

#: f is called this often at x: twice to see that it repeats itself, once more after the claims were called.
CALLS_AT_X = 3


class Unfit(Exception):
    """The claim or the function is not something that can be compared: a verdict, not a mismatch of numbers."""

    def __init__(self, diagnosis: Diagnosis, message: str, *, fails: bool = True) -> None:
        super().__init__(message)
        self.diagnosis = diagnosis
        self.fails = fails


@dataclass(frozen=True)
class Subject:
    """A function at a point: ``value`` is f(x), flat, and ``shapes`` are those of its outputs."""

    differentiable: Differentiable
    arguments: Arguments
    point: Point
    value: Array  #: (m,)
    shapes: tuple[tuple[int, ...], ...]
    structure: Tree | None  #: of the containers that the function returns; None where it returns one array
    dtypes: tuple[np.dtype[np.generic], ...]
    seconds: float  #: that one call took, once warm
    moves: Coordinates | Moves  #: the directions in which x can move, one by one
    axis: Axis  #: their names

    @classmethod
    def examine(
        cls,
        differentiable: Differentiable,
        arguments: Arguments,
        point: Point,
        *,
        structures: Sequence[str | None] = (),
    ) -> "Subject":
        """Evaluate f twice at x before anything is compared.

        ``structures`` has an entry for each differentiated input; nothing leaves its structure.
        Raises Unfit where f changes its input, gives another value the second time, or is not finite anywhere;
        UserError where it raises.
        """
        if arguments.size == 0:
            raise Unfit(Diagnosis.SHAPE, _nothing_to_differentiate(arguments))
        output = _call_unmutated("function", differentiable.function, arguments, ())
        began = time.perf_counter()  # the second call: the first may have compiled something
        again = _call_unmutated("function", differentiable.function, arguments, ())
        seconds = time.perf_counter() - began
        value, shapes = _flat(output)
        second, _ = _flat(again)
        if value.tobytes() != second.tobytes():
            raise Unfit(Diagnosis.NONDETERMINISTIC, _two_values(value, second), fails=False)
        if not np.count_nonzero(np.isfinite(value)):
            raise Unfit(Diagnosis.NOT_FINITE, f"f(x) is {_first(value)}: no derivative exists here", fails=False)
        dtypes = tuple(np.asarray(part).dtype for part in leaves_of(output))
        structure = Tree.of(output)
        moves, axis = directions_on(point, arguments.axis, structures)
        if not len(moves):
            raise Unfit(Diagnosis.SHAPE, "no element can move without leaving the structure of its input", fails=False)
        return cls(differentiable, arguments, point, value, shapes, structure, dtypes, seconds, moves, axis)

    @property
    def narrow(self) -> bool:
        """An input or an output is float32 or narrower: tolerances follow."""
        return self.epsilon > EPSILONS["float64"]

    @property
    def epsilon(self) -> float:
        """The spacing at 1 of the narrowest floating numbers among inputs and outputs."""
        kinds = [array.dtype for array in self.arguments.arrays] + list(filter(is_floating, self.dtypes))
        return max(map(epsilon_of, kinds))

    def evaluate(self, flat: Array) -> Array | None:
        """f at a flat point: (m,); None where it raises or returns something else than at x."""
        # a step may leave the domain: that is an answer, not something to warn about
        with np.errstate(all="ignore"):
            return self.value_at(flat)

    def value_at(self, flat: Array) -> Array | None:
        """The same for those who evaluate many points, and hold NumPy's warnings back around all of them."""
        try:
            output = guarded("function", self.differentiable.function, *self.arguments.at(flat))
            value, shapes = flatten_output(output)
        except (UserError, TypeError, ValueError):
            return None
        return value if shapes == self.shapes else None

    def claimed(self, kind: str, *extra: object) -> object:
        """What the claim ``kind`` returns at x; ``extra`` are cotangents or tangents.

        Raises Absent where there is no such claim, Unfit where it changes its input, UserError where it raises.
        """
        claims = self.differentiable.claims
        if kind not in claims:
            has = ", ".join(sorted(claims)) or "no check of a claim"
            raise Absent(f"there is no {kind.removeprefix('value_and_')}; allowed: {has}")
        return _call_unmutated(kind, self.differentiable.claims[kind], self.arguments, extra)

    def claimed_at(self, kind: str, flat: Array, *extra: object) -> object:
        """What the claim ``kind`` returns at another point; ``extra`` are cotangents."""
        return guarded(kind, self.differentiable.claims[kind], *self.arguments.at(flat), *extra)

    def unchanged(self) -> None:
        """Raises Unfit where f no longer gives the value it gave before the claim was called."""
        now = self.evaluate(self.arguments.x)
        if now is None or now.tobytes() != self.value.tobytes():
            raise Unfit(
                Diagnosis.STATEFUL, "f(x) changed after the derivative was called: they share state", fails=False
            )

    def cotangent(self, flat: Array) -> object:
        """A flat cotangent (m,) in the shape of the output: what a vjp is called with."""
        parts, start = [], 0
        for shape, dtype in zip(self.shapes, self.dtypes, strict=True):
            size = int(np.prod(shape))
            part = flat[start : start + size].reshape(shape)
            parts.append(part.astype(dtype) if is_real_floating(dtype) else part.copy())
            start += size
        return parts[0] if self.structure is None else self.structure.build(iter(parts))

    def per_input(self, kind: str, returned: object) -> Array:
        """A gradient in canonical form: flat (n,). Raises Unfit for a wrong count, shape or dtype, and for None."""
        arrays = self.arguments.arrays
        parts = _parts(returned, len(arrays))
        if len(arrays) == 1 and _is_one_row(returned, arrays[0].shape):
            parts = (returned,)
        fix = "; return a tuple with one for each, or hold an input fixed: 'differentiate: false', in Python args="
        require_one_each(kind, parts, arrays, fix=fix)
        for name, part, array in zip(self._names(), parts, arrays, strict=True):
            self._require_no_jacobian(f"{kind} for {name}", part, array.shape)
            require_array(f"{kind} for {name}", part, array.shape, complex_=array.dtype.kind == "c")
        return self.arguments.flatten(parts)

    def _require_no_jacobian(self, what: str, part: object, shape: tuple[int, ...]) -> None:
        """Raises Unfit where ``part``, for an input of ``shape``, has an axis for each of the output beside it."""
        output = self.shapes[0] if len(self.shapes) == 1 else ()
        if output and shape and getattr(part, "shape", None) == output + shape:
            found = f"{what} has shape {output + shape}, that of a jacobian; allowed: {shape}"
            raise Unfit(Diagnosis.SHAPE, f"{found}; claim it as the jacobian, or sum it over the outputs")

    def per_output(self, kind: str, returned: object) -> Array:
        """An output's tangent in canonical form: flat (m,). Raises Unfit as ``per_input``."""
        parts = self._leaves(returned)
        if len(parts) != len(self.shapes):
            found, outputs = counted(len(parts), "array"), counted(len(self.shapes), "output")
            raise Unfit(Diagnosis.SHAPE, f"{kind} returned {found} for {outputs}")
        for index, (part, shape) in enumerate(zip(parts, self.shapes, strict=True)):
            require_array(f"{kind} for output {index}" if self.several else kind, part, shape)
        return np.concatenate([np.asarray(part, dtype=np.float64).ravel() for part in parts])

    def _leaves(self, returned: object) -> Sequence[object]:
        """What was returned for each output: in the containers of the output, or a tuple of its leaves."""
        if self.structure is None:
            return _parts(returned, 1)
        try:
            return list(self.structure.leaves(returned, "out"))
        except WrongForm:
            return returned if isinstance(returned, tuple | list) else (returned,)

    @property
    def several(self) -> bool:
        """The function returns a container of arrays, not one array."""
        return self.structure is not None

    @property
    def outputs(self) -> Axis:
        """How messages name the flat outputs."""
        if self.structure is None or self.structure.plain:
            return Axis.outputs(self.shapes)
        return Axis(tuple(zip(self.structure.names("out"), self.shapes, strict=True)))

    def _names(self) -> list[str]:
        return [self.arguments.names[i] for i in self.arguments.differentiated]


def require_one_each(what: str, parts: Sized, arrays: Sized, *, fix: str = "") -> None:
    """Raises Unfit where ``parts``, what a claim gave, are not as many as the differentiated ``arrays``."""
    if len(parts) != len(arrays):
        found, inputs = counted(len(parts), "array"), counted(len(arrays), "differentiated input")
        raise Unfit(Diagnosis.SHAPE, f"{what} returned {found} for {inputs}{fix}")


def require_array(what: str, value: object, shape: tuple[int, ...], *, complex_: bool = False) -> None:
    """Raises Unfit where ``value`` is no real array of exactly this shape; a complex one where that is allowed."""
    if value is None:
        raise Unfit(Diagnosis.ZERO, f"{what} is None; allowed: an array of shape {shape}")
    try:
        array = np.asarray(value)
    except ValueError:
        raise Unfit(Diagnosis.SHAPE, f"{what} is ragged; allowed: an array of shape {shape}") from None
    if not (is_real(array.dtype) or (complex_ and array.dtype.kind == "c")):
        name = type(value).__name__ if array.dtype.kind == "O" else str(array.dtype)
        raise Unfit(Diagnosis.DTYPE, f"{what} is {name}; allowed: real floating numbers")
    if array.shape != shape and _broadcasts(shape, array.shape):
        fix = "sum it over the broadcast axes"
        raise Unfit(Diagnosis.NOT_SUMMED, f"{what} has shape {array.shape}; allowed: {shape}; {fix}")
    if array.shape != shape:
        raise Unfit(Diagnosis.SHAPE, f"{what} has shape {array.shape}; allowed: {shape}")


def _broadcasts(shape: tuple[int, ...], onto: tuple[int, ...]) -> bool:
    """Whether an input of ``shape`` broadcasts onto the larger shape ``onto``."""
    try:
        return bool(np.broadcast_shapes(shape, onto) == onto)
    except ValueError:
        return False


def _nothing_to_differentiate(arguments: Arguments) -> str:
    allowed = "allowed: at least one floating input with an element"
    if not arguments.arrays:
        return f"nothing is differentiated; {allowed}; whole numbers are constants: write 1.0, not 1"
    names = (arguments.names[i] for i in arguments.differentiated)
    shapes = [f"{name} has shape {array.shape}" for name, array in zip(names, arguments.arrays, strict=True)]
    return f"no input that is differentiated has an element: {', '.join(shapes)}; {allowed}"


def _call_unmutated(what: str, function: object, arguments: Arguments, extra: Sequence[object]) -> object:
    inputs = arguments.at(arguments.x)
    assert callable(function)
    returned = guarded(what, function, *inputs, *extra)
    for name, before, after in zip(arguments.names, arguments.inputs, inputs, strict=True):
        if isinstance(before, np.ndarray) and isinstance(after, np.ndarray) and not _same(before, after):
            raise Unfit(Diagnosis.INPUT_MUTATED, f"{what} changed its input {name}; work on a copy of it")
    return returned


def _same(before: NDArray[np.generic], after: NDArray[np.generic]) -> bool:
    first, second = np.asarray(before), np.asarray(after)  # without masks, below which copies have bytes of their own
    if first.shape != second.shape:
        return False
    if first.dtype.char in "gG":  # the bytes of a long double hold padding, and a point holds it in double precision
        double = np.float64 if first.dtype.char == "g" else np.complex128
        return np.array_equal(first.astype(double), second.astype(double), equal_nan=True)
    return first.tobytes() == second.tobytes()


def _flat(output: object) -> tuple[Array, tuple[tuple[int, ...], ...]]:
    try:
        return flatten_output(output)
    except (TypeError, ValueError) as problem:
        raise Unfit(Diagnosis.DTYPE, str(problem)) from None


def _parts(returned: object, count: int) -> tuple[object, ...]:
    if isinstance(returned, tuple | list) and (count > 1 or len(returned) == 1):
        return tuple(returned)
    return (returned,)


def _is_one_row(returned: object, shape: tuple[int, ...]) -> bool:
    """A list of one number is an array of one element, not the container of an array without axes."""
    if shape[:1] != (1,) or not isinstance(returned, tuple | list) or len(returned) != 1:
        return False
    try:
        return bool(np.shape(returned[0]) == shape[1:])
    except ValueError:  # ragged
        return False


def _first(value: Array) -> str:
    return repr(float(value[0])) if value.size else "empty"


def _two_values(first: Array, second: Array) -> str:
    if first.size != second.size:
        return f"f(x) had {first.size} elements and then {second.size}"
    index = int(np.argmax(first.view(np.int64) != second.view(np.int64)))  # bits, which tell NaN and −0 apart, too
    return f"f(x) was {float(first[index])!r} and then {float(second[index])!r}"
