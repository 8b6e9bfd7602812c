"""The one place where an exception of user code is caught: it becomes a ``UserError`` that carries its traceback."""

import traceback
from collections.abc import Callable

from gradaudit.engines._differentiable import Absent, EngineError, Misfit


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
        raise UserError(what, _summary(problem), _trace(problem)) from None


def _summary(problem: BaseException) -> str:
    name = type(problem).__name__
    try:
        text = str(problem)
    except (Exception, SystemExit):
        text = "(its str() raises)"
    first = text.strip().splitlines()[0] if text.strip() else ""
    return f"{name}: {first[:200]}" if first else name


def _trace(problem: BaseException) -> str:
    try:
        own = problem.__traceback__.tb_next if problem.__traceback__ else None
        return "".join(traceback.format_exception(type(problem), problem, own))
    except Exception:
        return f"{type(problem).__name__} (its traceback cannot be formatted)"
