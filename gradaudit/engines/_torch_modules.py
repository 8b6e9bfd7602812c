"""Modules as functions of their inputs and parameters, and what else a function of tensors holds."""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

from numpy.typing import NDArray

from gradaudit.engines._arguments import Arguments
from gradaudit.engines._code import code_of, named
from gradaudit.engines._differentiable import EngineError
from gradaudit.engines._packing import arranged, unwrapped
from gradaudit.engines._torch_calls import Pinned, Tensor, array_of, is_narrow
from gradaudit.engines._trees import Layout
from gradaudit.plan.case import Target

Function = Callable[..., Any]


@dataclass(frozen=True)
class Plain:
    """A function that is called with its inputs and nothing else."""

    function: Function

    def __call__(self, tensors: Sequence[Any], /) -> Any:
        """The function's own output."""
        return self.function(*tensors)

    def name(self, position: int, count: int, /) -> str:
        """``input 1``: inputs have names in the suite only."""
        return f"input {position}"


@dataclass(frozen=True)
class Module:
    """A module that is called with its inputs, and after them its parameters."""

    module: Any
    options: Mapping[str, Any]
    training: bool | None  #: None: the mode that it is in
    moving: bool  #: its parameters are inputs; else what is claimed knows nothing of them
    layout: Layout | None = None  #: of its inputs, where some are leaves of containers
    notes: list[str] = field(default_factory=list)

    @cached_property
    def parameters(self) -> dict[str, Tensor]:
        """The parameters that require a gradient, by name; one that stands in several places once."""
        return {name: p for name, p in self.module.named_parameters() if p.requires_grad and self.moving}

    @cached_property
    def constants(self) -> dict[str, Tensor]:
        """Frozen parameters and buffers, by name."""
        frozen = {name: p for name, p in self.module.named_parameters() if name not in self.parameters}
        return frozen | dict(self.module.named_buffers())

    def held(self, arguments: Arguments) -> dict[str, NDArray[Any]]:
        """The parameters as arrays, in the precision of the inputs."""
        narrow = is_narrow(arguments.arrays)
        return {name: array_of(_in_precision(p, narrow=narrow)).copy() for name, p in self.parameters.items()}

    def __call__(self, tensors: Sequence[Any], /) -> Any:
        """The module's output with these inputs and parameters; it and its buffers stay as they were."""
        import torch

        count = len(tensors) - len(self.parameters)
        inputs, given = self._arranged(tensors[:count]), dict(zip(self.parameters, tensors[count:], strict=True))
        narrow = torch.get_default_dtype() is torch.float32
        fixed = {name: _in_precision(t, narrow=narrow).clone() for name, t in self.constants.items()}
        with self._mode():
            return torch.func.functional_call(self.module, given | fixed, tuple(inputs), dict(self.options))

    def _arranged(self, inputs: Sequence[Any]) -> Sequence[Any]:
        return inputs if self.layout is None else arranged(self.layout, inputs)

    @contextmanager
    def _mode(self) -> Iterator[None]:
        """The mode that was asked for; each part has its own again afterwards."""
        if self.training is None:
            yield
            return
        before = [(part, part.training) for part in self.module.modules()]
        self.module.train(self.training)
        try:
            yield
        finally:
            for part, training in before:
                part.training = training

    def name(self, position: int, count: int, /) -> str:
        """A parameter's own name; ``input 1`` for what comes before them."""
        first = count - len(self.parameters)
        return f"input {position}" if position < first else list(self.parameters)[position - first]


def module_of(function: Any, target: Target, pinned: Pinned) -> Module | None:
    """The module that is named, or that a class or factory of modules makes; None where it is a plain function.

    Raises EngineError where a factory gives something else.
    """
    import torch

    function, layout = unwrapped(function)
    options = dict(target.kwargs)
    if _makes_modules(function, options):
        with pinned():
            made = function(**options)
        if not isinstance(made, torch.nn.Module):
            raise EngineError(f"{target.function} made {type(made).__name__}; allowed: a torch.nn.Module")
        return _noted(Module(made, {}, None, not target.claims, layout), target)
    if getattr(function, "__name__", "") == "forward" and isinstance(
        getattr(function, "__self__", None), torch.nn.Module
    ):
        function = function.__self__
    if not isinstance(function, torch.nn.Module):
        return None
    training = None if "training" in inspect.signature(function.forward).parameters else options.pop("training", None)
    mode = None if training is None else bool(training)
    return _noted(Module(function, options, mode, not target.claims, layout), target)


def _noted(module: Module, target: Target) -> Module:
    import torch

    for name, tensor in (module.parameters | module.constants).items():
        if isinstance(tensor, torch.nn.parameter.UninitializedTensorMixin):
            raise EngineError(f"{target.function}: {name} has no shape yet; call the module once before it is named")
    if module.constants:
        module.notes.append(f"held fixed: {', '.join(module.constants)} (buffers and frozen parameters)")
    hooked = [name for name, parameter in module.parameters.items() if _has_hooks(parameter)]
    if hooked:
        module.notes.append(f"hooks on {', '.join(hooked)} are not run: the module is called with copies of these")
    return module


def _has_hooks(parameter: Tensor) -> bool:
    """Whether something changes or takes its gradient; torch has no other way to ask."""
    return bool(parameter._backward_hooks or parameter._post_accumulate_grad_hooks)


def _makes_modules(function: Any, options: Mapping[str, Any]) -> bool:
    import torch

    if isinstance(function, type):
        return issubclass(function, torch.nn.Module)
    if not inspect.isroutine(function) and not isinstance(function, partial):
        return False
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return False
    made = signature.return_annotation
    if isinstance(made, type) and issubclass(made, torch.nn.Module):
        return True
    if isinstance(made, str) and made.rpartition(".")[2] == "Module":
        return True
    return not any(_takes_an_input(p) and p.name not in options for p in signature.parameters.values())


def _takes_an_input(parameter: inspect.Parameter) -> bool:
    return parameter.kind not in (parameter.KEYWORD_ONLY, parameter.VAR_KEYWORD)


def _in_precision(tensor: Tensor, *, narrow: bool) -> Tensor:
    """A floating or complex tensor in single or double precision; any other as it is."""
    import torch

    if tensor.is_complex():
        return tensor.detach().to(torch.complex64 if narrow else torch.complex128)
    if tensor.is_floating_point():
        return tensor.detach().to(torch.float32 if narrow else torch.float64)
    return tensor.detach()


def unseen(function: Any) -> list[str]:
    """Names of tensors that require a gradient and that a function holds beside its inputs.

    Looked for in its closure, the globals that it names, its defaults, the object that it is bound to, and in modules,
    lists, tuples and dicts found there.
    """
    found = (name for where, value in _holdings(function) for name in _trainable(where, value))
    return list(dict.fromkeys(found))


def _holdings(function: Any) -> Iterator[tuple[str, Any]]:
    while isinstance(function, partial):
        yield from ((f"argument {k}", value) for k, value in enumerate(function.args))
        yield from function.keywords.items()
        function = function.func
    holder = getattr(function, "__self__", None)
    if holder is not None and not isinstance(holder, type):
        yield from getattr(holder, "__dict__", {}).items()
        yield "self", holder
    inner = code_of(function)
    if inspect.isfunction(inner):
        yield from named(inner)
        yield from _defaults(inner)
    elif not inspect.isroutine(function):
        yield from getattr(function, "__dict__", {}).items()


def _defaults(function: Any) -> Iterator[tuple[str, Any]]:
    names, values = function.__code__.co_varnames[: function.__code__.co_argcount], function.__defaults__ or ()
    yield from zip(names[len(names) - len(values) :], values, strict=True)
    yield from (function.__kwdefaults__ or {}).items()


def _trainable(where: str, value: Any, *, within: frozenset[int] = frozenset()) -> Iterator[str]:
    """Names of tensors that require a gradient in what is called ``where``; ``within`` are the containers around it."""
    import torch

    if id(value) in within:  # it holds itself
        return
    inside = within | {id(value)}
    if isinstance(value, torch.Tensor):
        if value.requires_grad:
            yield where
    elif isinstance(value, torch.nn.Module):
        yield from (f"{where}.{name}" for name, p in value.named_parameters() if p.requires_grad)
    elif isinstance(value, dict):
        yield from (name for key, part in value.items() for name in _trainable(f"{where}.{key}", part, within=inside))
    elif isinstance(value, list | tuple):
        yield from (name for k, part in enumerate(value) for name in _trainable(f"{where}.{k}", part, within=inside))
