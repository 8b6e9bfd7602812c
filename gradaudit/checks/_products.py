"""Matrices that are known by their products only, as SciPy's ``LinearOperator``: they are audited by those.

A Jacobian may also be a pair ``(matvec, rmatvec)`` of functions of flat vectors; rmatvec may be None.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradaudit.checks import part
from gradaudit.checks._comparison import Comparison
from gradaudit.checks._subject import Subject
from gradaudit.engines._boundary import guarded
from gradaudit.perturb.samples import Array


@dataclass(frozen=True)
class Products:
    """Products of a matrix and of its transpose with flat vectors."""

    matvec: Callable[[Array], Any]
    rmatvec: Callable[[Array], Any] | None


def products_of(returned: object) -> list[Products] | None:
    """The blocks of a claimed matrix, one per differentiated input; None where it is written out."""
    if _is_operator(returned):
        return [_products(returned)]
    if not isinstance(returned, tuple | list):
        return None
    if returned and all(map(_is_operator, returned)):  # which may be called, too
        return list(map(_products, returned))
    if len(returned) == 2 and callable(returned[0]) and (callable(returned[1]) or returned[1] is None):
        return [Products(returned[0], returned[1])]
    return None


def compare_jacobian(subject: Subject, blocks: Sequence[Products], rng: np.random.Generator) -> list[Comparison]:
    """Products with tangents beside differences along them, as ``jvp``; products with cotangents, as ``vjp``.

    Where the transpose has no product, the first alone.
    """
    claims = {"jvp": _pushed(subject)}
    if _have_transposes(subject, blocks):
        claims["vjp"] = _pulled(subject)
    return _as("jacobian", subject, claims, rng)


def compare_hessian(subject: Subject, rng: np.random.Generator) -> list[Comparison]:
    """Products with tangents beside differences of the gradient along them, as ``hvp``."""
    return _as("hessian", subject, {"hvp": _curved(subject)}, rng)


def _as(check: str, subject: Subject, claims: dict[str, Any], rng: np.random.Generator) -> list[Comparison]:
    differentiable = replace(subject.differentiable, claims={**subject.differentiable.claims, **claims})
    seen = replace(subject, differentiable=differentiable)
    return [replace(found, check=check) for kind in claims for found in part(kind).compare(seen, rng)]


def _pushed(subject: Subject) -> Callable[..., object]:
    count, shape = len(subject.arguments.inputs), subject.shapes[0]

    def jvp(*values: Any) -> object:
        blocks = _called(subject, "jacobian", values[:count])
        tangents = (np.ravel(tangent) for tangent in values[count:])
        total = sum(np.asarray(block.matvec(v)) for block, v in zip(blocks, tangents, strict=True))
        return np.reshape(total, shape)

    return jvp


def _pulled(subject: Subject) -> Callable[..., object]:
    shapes = [array.shape for array in subject.arguments.arrays]

    def vjp(*values: Any) -> object:
        *inputs, cotangent = values
        flat = np.ravel(cotangent)
        blocks = _called(subject, "jacobian", inputs)
        return tuple(
            np.reshape(block.rmatvec(flat), s) for block, s in zip(blocks, shapes, strict=True) if block.rmatvec
        )

    return vjp


def _curved(subject: Subject) -> Callable[..., object]:
    count = len(subject.arguments.inputs)

    def hvp(*values: Any) -> object:
        (block,), vector = _called(subject, "hessian", values[:count]), values[count]
        return np.reshape(block.matvec(np.ravel(vector)), np.shape(vector))

    return hvp


def _called(subject: Subject, kind: str, inputs: Sequence[object]) -> list[Products]:
    return products_of(subject.differentiable.claims[kind](*inputs)) or []


def _is_operator(value: object) -> bool:
    return callable(getattr(value, "matvec", None)) and callable(getattr(value, "rmatvec", None))


def _products(operator: Any) -> Products:
    return Products(operator.matvec, operator.rmatvec)


def _have_transposes(subject: Subject, blocks: Sequence[Products]) -> bool:
    """Whether every block has a product of its transpose: SciPy raises NotImplementedError where none was given."""
    zero = np.zeros(subject.value.size)

    def tried() -> bool:
        try:
            return all(block.rmatvec is not None and block.rmatvec(zero) is not None for block in blocks)
        except NotImplementedError:
            return False

    return bool(guarded("jacobian", tried))
