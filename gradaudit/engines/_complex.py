"""Complex numbers as JAX and autograd have them, and as they are compared.

Their gradient of a real function is ∂f/∂re − i·∂f/∂im, and the cotangent of a complex output is a − i·b where its real
part counts a times and its imaginary part b times. Compared are ∂f/∂re + i·∂f/∂im, and complex outputs as two real ones
along a last axis.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np

from gradaudit.engines._trees import converted


def is_complex(leaf: Any) -> bool:
    """Of an array of any library over NumPy's dtypes, traced or not."""
    return bool(np.issubdtype(getattr(leaf, "dtype", type(leaf)), np.complexfloating))


def conjugated(gradients: Iterable[Any]) -> tuple[Any, ...]:
    """Gradients of the one convention as those of the other."""
    return tuple(map(conjugate, gradients))


def conjugate(leaf: Any) -> Any:
    """The conjugate of a complex array; any other as it is."""
    return leaf.conj() if is_complex(leaf) else leaf


def parted(leaf: Any, numpy: Any) -> Any:
    """A complex array as two real ones along a last axis; any other as it is. ``numpy`` is the library's own."""
    return numpy.stack([numpy.real(leaf), numpy.imag(leaf)], axis=-1) if is_complex(leaf) else leaf


def claimed(
    kind: str, claim: Callable[..., Any], complex_outputs: Callable[[Sequence[Any]], Iterable[bool]]
) -> Callable[..., object]:
    """A user's claim over NumPy's arrays, with complex numbers as the library has them, as one that is compared.

    ``complex_outputs`` says of a call's inputs which leaves of the output are complex.
    """
    turned = partial(parted, numpy=np) if kind == "jvp" else conjugate

    def called(*inputs: Any) -> object:
        if kind == "vjp":
            *point, cotangent = inputs
            inputs = *point, _cotangent_of(complex_outputs(point), cotangent)
        return converted(claim(*inputs), turned)

    return called


def _cotangent_of(outputs: Iterable[bool], cotangent: Any) -> Any:
    """The cotangent of outputs as they are compared, as that of the library's; ``outputs`` says which are complex."""
    flags = iter(outputs)
    return converted(cotangent, lambda part: part[..., 0] - 1j * part[..., 1] if next(flags) else part)
