"""The one place where an exception of user code is caught: it becomes a ``UserError`` that carries its traceback."""

import importlib
import os
import traceback
from collections.abc import Callable

from gradaudit.engines._differentiable import Absent, EngineError, Misfit

#: Files that a call or an import of theirs goes through before it comes to them.
_MACHINERY = (
    *(os.path.join(os.path.dirname(os.path.dirname(__file__)), stage, "") for stage in ("isolation", "engines")),
    os.path.dirname(importlib.__file__),
    "<frozen importlib",
)


class UserError(Exception):
    """User code raised. ``what`` names the call; ``trace`` is the traceback, without our own frames."""

    def __init__(self, what: str, summary: str, trace: str) -> None:
        super().__init__(f"{what} raised {summary}")
        self.what = what
        self.summary = summary
        self.trace = trace


def guarded(what: str, function: Callable[..., object], *arguments: object) -> object:
    """Call user code. Raises UserError for whatever it raises, SystemExit included; Ctrl-C and our own errors pass."""
    try:
        return function(*arguments)
    except (EngineError, Misfit, Absent):
        raise
    except (Exception, SystemExit) as problem:
        raise UserError(what, _summary(problem), trace_of(problem)) from None


def _summary(problem: BaseException) -> str:
    name = type(problem).__name__
    try:
        text = str(problem)
    except (Exception, SystemExit):
        text = "(its str() raises)"
    first = text.strip().splitlines()[0] if text.strip() else ""
    return f"{name}: {first[:200]}" if first else name


def trace_of(problem: BaseException) -> str:
    """The traceback from their first line on: what led to the call or the import is ours and Python's.

    Where no line of theirs was reached, all of it; but for a syntax error, which tells its place itself.
    """
    whole = found = problem.__traceback__
    while found is not None and found.tb_frame.f_code.co_filename.startswith(_MACHINERY):
        found = found.tb_next
    if found is None and not isinstance(problem, SyntaxError):
        found = whole
    try:
        return "".join(traceback.format_exception(type(problem), problem, found))
    except Exception:
        return f"{type(problem).__name__} (its traceback cannot be formatted)"
