"""What the code of a function refers to, found without running it: how an engine recognises its own."""

import functools
import inspect
from collections.abc import Callable, Iterator
from types import CellType, CodeType, FunctionType, ModuleType

_EMPTY = CellType()


def code_of(function: object) -> object:
    """The Python function behind partial objects, decorators, methods and callable objects."""
    while isinstance(function, functools.partial):
        function = function.func
    if isinstance(function, FunctionType) and not function.__dict__:  # mostly: inspect takes microseconds
        return function
    if not inspect.isroutine(function) and not inspect.isclass(function) and not hasattr(function, "__wrapped__"):
        function = getattr(type(function), "__call__", function)  # noqa: B004 - the method, not whether there is one
    inner = inspect.unwrap(function) if callable(function) else function
    return getattr(inner, "__func__", inner)


def refers_to(function: object, wanted: Callable[[object], bool]) -> bool:
    """Whether the function, or one of its own module that it calls, names anything that is ``wanted``."""
    return any(map(wanted, referred(function)))


def takes(function: object, kind: type) -> bool:
    """Whether a parameter of the function is annotated with ``kind``, by the class itself or by its name."""
    annotations = getattr(code_of(function), "__annotations__", {})
    return any(
        said is kind or (isinstance(said, str) and said.rpartition(".")[2] == kind.__name__)
        for name, said in annotations.items()
        if name != "return"
    )


def of_package(found: object, *packages: str) -> bool:
    """Whether this is a module of one of ``packages``, or a function or object that is defined in one."""
    name = found.__name__ if isinstance(found, ModuleType) else getattr(type(found), "__module__", "")
    return _is_within(name, packages) or (callable(found) and _is_within(getattr(found, "__module__", ""), packages))


def _is_within(name: object, packages: tuple[str, ...]) -> bool:
    return isinstance(name, str) and name.partition(".")[0] in packages


def referred(function: object) -> Iterator[object]:
    """Every object that the code names by a global or holds in its closure, through functions of the same module."""
    first = code_of(function)
    waiting, seen = [first], {id(first)}
    while waiting:
        for _, found in named(waiting.pop()):
            yield found
            if isinstance(found, ModuleType):  # mostly
                continue
            inner = code_of(found)
            same = isinstance(inner, FunctionType) and inner.__module__ == getattr(first, "__module__", None)
            if same and id(inner) not in seen:
                seen.add(id(inner))
                waiting.append(inner)


def named(function: object) -> Iterator[tuple[str, object]]:
    """What the code of a Python function holds in its closure or names by a global, with the name."""
    if not isinstance(function, FunctionType):
        return
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    yield from ((name, cell.cell_contents) for name, cell in cells if cell != _EMPTY)
    known = function.__globals__
    yield from ((name, known[name]) for name in _names(function.__code__) if name in known)


def _names(code: CodeType) -> Iterator[str]:
    """The names in the code and in the functions defined within it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
