"""Custom autograd functions by their forward alone: what ``vmap`` can take where nobody asks for a derivative.

Under ``vmap`` torch refuses a custom function unless it has a rule for that, which few have; their forwards are plain
functions of tensors, nearly always. So while perturbed points are evaluated, and in this thread only, ``apply`` of all
custom functions is their forward.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_here = threading.local()
_change = threading.Lock()
_inside = 0  #: threads that are in ``forwards_alone``


class Context:
    """Stands for autograd's context where only a value is asked for: it takes everything and keeps nothing."""

    def __init__(self, inputs: int) -> None:
        self.needs_input_grad = (False,) * inputs

    def __getattr__(self, name: str) -> Callable[..., None]:
        if name.startswith(("save_", "mark_", "set_")):
            return lambda *_, **__: None
        raise AttributeError(name)


@contextmanager
def forwards_alone() -> Iterator[None]:
    """Within, and in this thread, ``apply`` of a custom autograd function only computes its value."""
    _enter()
    _here.active = True
    try:
        yield
    finally:
        _here.active = False
        _leave()


def _enter() -> None:
    global _inside
    from torch.autograd import Function

    with _change:
        _inside += 1
        if _inside == 1:
            Function.apply = _forward_or(Function.__dict__["apply"])


def _leave() -> None:
    global _inside
    from torch.autograd import Function

    with _change:
        _inside -= 1
        if _inside == 0:
            Function.apply = Function.__dict__["apply"].__func__.original


def _forward_or(original: Any) -> Any:
    """``apply`` that is the forward within ``forwards_alone``, and ``original`` in every other thread."""

    def apply(cls: Any, *inputs: Any, **options: Any) -> Any:
        if getattr(_here, "active", False):
            return _forward(cls, *inputs, **options)
        return original.__func__(cls, *inputs, **options)

    apply.original = original  # type: ignore[attr-defined]
    return classmethod(apply)


def _forward(cls: Any, *inputs: Any, **options: Any) -> Any:
    from torch.autograd import Function

    takes_context = cls.setup_context is Function.setup_context
    return cls.forward(*([Context(len(inputs))] if takes_context else []), *inputs, **options)
