"""How a vector–Jacobian product is called, and what it may return: arrays in, one checked array per input out."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import Parameter
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]
EVERY = 1 << 30  # more inputs than any call has

_POSITIONAL = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


class WrongPullback(ValueError):
    """An op's vjp returned a wrong count, shape or dtype; the message names the op."""


@dataclass(frozen=True, slots=True)
class Pullback:
    """A vjp ``vjp(*inputs, cotangent, **options)`` beside the number of its inputs.

    The parameter called ``cotangent``, or else the last one without a default, takes the cotangent. Parameters
    before it are the inputs and those after it the options, in the order in which the function itself takes them.
    The signature is read once, here, so that a call costs a slice.
    """

    name: str
    vjp: Callable[..., Any]
    inputs: int  #: leading positional arguments that are arrays; EVERY where the vjp takes ``*arrays``
    by_keyword: bool = False  #: the cotangent is passed as ``cotangent=``

    @classmethod
    def of(cls, vjp: Callable[..., Any], name: str) -> "Pullback":
        """Read the signature of ``vjp``. Raises TypeError where it has no place for a cotangent."""
        try:
            parameters = list(inspect.signature(vjp).parameters.values())
        except ValueError:  # built in without a signature: all that is known is the convention
            return cls(name, vjp, EVERY)
        required = [p for p in parameters if p.kind in _POSITIONAL and p.default is Parameter.empty]
        variadic = any(p.kind is Parameter.VAR_POSITIONAL for p in parameters)
        for place, parameter in enumerate(parameters):
            if parameter.name == "cotangent":
                if parameter.kind is Parameter.KEYWORD_ONLY:
                    return cls(name, vjp, EVERY if variadic else len(required), by_keyword=True)
                return cls(name, vjp, place)
        if variadic:
            return cls(name, vjp, EVERY)
        if not required:
            raise TypeError(
                f"{name}: its vjp takes {inspect.signature(vjp)}, which has no place for the cotangent; "
                "write it as vjp(*inputs, cotangent)"
            )
        return cls(name, vjp, len(required) - 1)

    def __call__(
        self, arguments: Sequence[Any], options: Mapping[str, Any], cotangent: Any, *, wanted: Sequence[int]
    ) -> list[Array | None]:
        """Gradients of the arguments at the positions ``wanted``, each of its argument's shape.

        None stands where the vjp returned None: no derivative. Raises ValueError where the vjp returned a wrong number
        of gradients, a wrong shape, or no real numbers; what the vjp itself raises gets a note with the op's name.
        """
        try:
            returned = self._call(arguments, options, cotangent)
        except Exception as problem:
            problem.add_note(f"raised by the vjp of {self.name}")
            raise
        gradients = returned if isinstance(returned, tuple | list) else (returned,)
        owners = self._owners(arguments, len(gradients))
        return [self._checked(gradients, owners, arguments, position) for position in wanted]

    def _call(self, arguments: Sequence[Any], options: Mapping[str, Any], cotangent: Any) -> Any:
        if self.by_keyword:
            return self.vjp(*arguments, cotangent=cotangent, **options)
        return self.vjp(*arguments[: self.inputs], cotangent, *arguments[self.inputs :], **options)

    def _owners(self, arguments: Sequence[Any], count: int) -> list[int]:
        """Positions of the inputs that ``count`` gradients belong to.

        One for each input; or, where class targets, indices and masks get none, one for each floating input; or one for
        each of the leading inputs.
        """
        inputs = list(range(min(self.inputs, len(arguments))))
        if count == len(inputs):
            return inputs
        floating = [position for position in inputs if _is_floating(arguments[position])]
        if count == len(floating):
            return floating
        if count < len(inputs):
            return inputs[:count]
        raise WrongPullback(
            f"{self.name}: its vjp returned {count} gradients for {len(inputs)} inputs; "
            "return one array for each input, in order"
        )

    def _checked(
        self, gradients: Sequence[Any], owners: list[int], arguments: Sequence[Any], position: int
    ) -> Array | None:
        if position not in owners:
            raise WrongPullback(
                f"{self.name}: its vjp returned {len(gradients)} gradients, none for input {position}, a Variable; "
                "return one array for each input, or pass that input as plain data (variable.data)"
            )
        gradient = gradients[owners.index(position)]
        if gradient is None:
            return None
        array = np.asarray(gradient)
        allowed = arguments[position].shape
        if array.shape != allowed:
            raise WrongPullback(
                f"{self.name}: its vjp returned shape {array.shape} for input {position}, allowed {allowed}, "
                "the input's own; sum over axes that were broadcast (gradaudit.ops.sum_to)"
            )
        if array.dtype.kind not in "fiub":
            raise WrongPullback(
                f"{self.name}: its vjp returned {array.dtype} for input {position}, allowed real numbers"
            )
        return array


def _is_floating(argument: Any) -> bool:
    return isinstance(argument, float) or getattr(getattr(argument, "dtype", None), "kind", "") == "f"
