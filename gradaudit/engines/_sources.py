"""Where a function stands and what its text is: so that a report can point there, and history can see it change."""

import functools
import hashlib
import inspect
import os
from collections.abc import Callable, Mapping

from gradaudit.plan.case import Source, Target


def sources(target: Target, function: object, claims: Mapping[str, Callable[..., object]]) -> tuple[Source, ...]:
    """The source of the function, then of each claim; without place and digest where it has no Python text."""
    references = {"function": target.function, **dict(target.claims)}
    loaded = {"function": function, **claims}
    return tuple(_source(role, references.get(role, ""), found) for role, found in loaded.items())


def _source(role: str, reference: str, found: object) -> Source:
    try:
        behind = _definition(found)
        file, line, digest = _text(*_known_by(behind))
    except Exception:  # built in, made at run time, or an object whose attributes are hostile
        return Source(role, reference)
    return Source(role, reference, _relative(file, os.getcwd()), line, digest)


def _known_by(behind: object) -> tuple[object, str]:
    """What to look a text up by: of a function its code, so that no closure is held, beside the code's file, which two
    codes need not share to be equal."""
    return (behind.__code__, behind.__code__.co_filename) if inspect.isfunction(behind) else (behind, "")


@functools.lru_cache(maxsize=1024)
def _text(behind: object, _file: str) -> tuple[str, int, str]:
    """File, first line and digest of the text of a class or code, once for each: it takes longer than many an audit.

    Raises OSError or TypeError where it has none.
    """
    lines, line = inspect.getsourcelines(behind)  # type: ignore[arg-type]
    file = inspect.getsourcefile(behind) or ""  # type: ignore[arg-type]
    digest = hashlib.blake2b("".join(lines).encode(errors="surrogatepass"), digest_size=8).hexdigest()
    return file, max(line, 1), digest


def _definition(found: object) -> object:
    """The function or class whose text says what ``found`` computes: behind partials, compilers and bound methods."""
    while isinstance(found, functools.partial):
        found = found.func
    if inspect.ismethod(found):  # a classmethod such as ``MyFunction.apply`` belongs to its whole class
        return found.__self__ if inspect.isclass(found.__self__) else found.__func__
    found = getattr(found, "py_func", found)
    if inspect.isroutine(found) or inspect.isclass(found):
        return inspect.unwrap(found)
    return getattr(found, "__wrapped__", type(found))


@functools.lru_cache(maxsize=1024)
def _relative(file: str, folder: str) -> str:
    """Relative to the current ``folder`` where it lies within: the same on every machine."""
    try:
        inside = os.path.relpath(file, folder)
    except ValueError:  # another drive
        return file
    return file if inside.startswith(os.pardir) else inside
