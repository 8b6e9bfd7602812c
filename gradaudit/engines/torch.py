"""Engine ``torch``: functions over tensors, modules, custom autograd functions; their derivative is autograd's own."""

import sys
from collections.abc import Callable, Mapping
from typing import Any

from gradaudit.engines._code import of_package, refers_to, takes
from gradaudit.engines._differentiable import Differentiable
from gradaudit.engines._moving import Moving
from gradaudit.engines._options import callable_of, with_options
from gradaudit.engines._packing import unwrapped
from gradaudit.engines._torch_calls import Calls, Pinned, seed_of
from gradaudit.engines._torch_derivatives import Derivatives
from gradaudit.engines._torch_modules import Plain, module_of, unseen
from gradaudit.plan.case import Target

differentiates = True


def recognises(function: object, target: Target) -> bool:
    """Modules, ``Function.apply``, functions annotated with Tensor; without a claim, all whose code uses torch.

    Asked without importing torch: where nothing has imported it, nothing can be torch's.
    """
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "nn") or not callable(function):
        return False
    if _is_module(function, torch) or _is_apply(function, torch) or takes(function, torch.Tensor):
        return True
    return not target.claims and (_is_torchs(function) or refers_to(function, _is_torchs))


def load(target: Target, function: object, claims: Mapping[str, Callable[..., object]]) -> Differentiable:
    """Adapt a function of tensors. Arrays go in as tensors of their dtype, everything else as it is.

    ``function`` is one of these, with the case's options (``kwargs``):

    - a function, or ``MyFunction.apply`` of a custom ``torch.autograd.Function``: options go to it;
    - an ``nn.Module``, or the bound ``forward`` of one: options go to ``forward``, but for ``training: true`` or
      ``false``, which sets the mode where ``forward`` has no such parameter; its mode is left as it is otherwise;
    - a class of modules, or a factory (a function without positional parameters, or annotated to return a module):
      options go to it, and what it gives is called.

    A module's parameters that require a gradient are further inputs under their own names; they and the buffers are
    copies, of the inputs' precision. Tensors that a function holds elsewhere are listed in a note. torch's generator
    is seeded alike before each call. ``vjp`` (reverse), ``jvp`` (forward mode), ``gradient`` of the sum of all outputs
    and ``hvp`` (double backward) are autograd's; what the user claims wins over them.

    Raises EngineError where ``function`` cannot be called, or a factory gives no module.
    """
    import torch

    named = callable_of(function, target)
    notes: list[str] = []
    pinned = Pinned(seed_of(target))
    applied = _is_apply(named, torch)  # then its code is torch's own, which makes no module and holds nothing
    module = None if applied else module_of(named, target, pinned)
    called = module or Plain(with_options(_applied_late(named) if applied else named, target))
    hidden = [] if module or applied else unseen(unwrapped(named)[0])
    if hidden:
        notes.append(f"not checked: {', '.join(hidden)} (held by the function, not among its inputs)")
    notes += module.notes if module else []
    calls = Calls(called, Moving(frozenset(target.constants)), pinned, notes)
    derivatives = Derivatives(calls)
    given = {kind: with_options(claim, target) for kind, claim in claims.items()}
    return Differentiable(
        "torch",
        calls.value,
        derivatives.claims,
        batch=calls.batch,
        batched={"vjp": derivatives.many_vjps},
        weighted_hvp=derivatives.weighted_hvp,
        held=module.held if module else None,
        notes=notes,
    ).claiming(given)


def _applied_late(apply: Any) -> Callable[..., Any]:
    """``apply`` of a custom function as its class has it at the time of the call."""
    cls = apply.__self__
    return lambda *inputs, **options: cls.apply(*inputs, **options)


def _is_module(function: object, torch: Any) -> bool:
    holder = getattr(function, "__self__", function)
    return isinstance(holder, torch.nn.Module) or (isinstance(function, type) and issubclass(function, torch.nn.Module))


def _is_apply(function: object, torch: Any) -> bool:
    holder = getattr(function, "__self__", None)
    return isinstance(holder, type) and issubclass(holder, torch.autograd.Function)


def _is_torchs(found: object) -> bool:
    return of_package(found, "torch")
