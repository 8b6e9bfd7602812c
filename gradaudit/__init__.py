"""gradaudit audits derivatives: claims against differences that carry an error bar.

Nothing heavy is imported before it is used: each public name loads its module on first access.
"""

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from gradaudit import functions, ops
    from gradaudit.api import assert_gradient, audit
    from gradaudit.judge.verdict import Status, Verdict
    from gradaudit.numeric import Derivative, directional, gradient, jacobian
    from gradaudit.origin import diff
    from gradaudit.plan.case import Settings, Tolerance
    from gradaudit.running.runner import run
    from gradaudit.tape import Variable, no_grad, primitive

#: Where each public name lives.
_HOME = {
    "Derivative": "numeric",
    "Settings": "plan.case",
    "Status": "judge.verdict",
    "Tolerance": "plan.case",
    "Variable": "tape",
    "Verdict": "judge.verdict",
    "assert_gradient": "api",
    "audit": "api",
    "diff": "origin",
    "directional": "numeric",
    "gradient": "numeric",
    "jacobian": "numeric",
    "no_grad": "tape",
    "primitive": "tape",
    "run": "running.runner",
}

__all__ = [
    "Derivative",
    "Settings",
    "Status",
    "Tolerance",
    "Variable",
    "Verdict",
    "assert_gradient",
    "audit",
    "diff",
    "directional",
    "functions",
    "gradient",
    "jacobian",
    "no_grad",
    "ops",
    "primitive",
    "run",
]


def __getattr__(name: str) -> object:
    if name in ("functions", "ops"):
        return importlib.import_module(f"gradaudit.{name}")
    if name in _HOME:
        return getattr(importlib.import_module(f"gradaudit.{_HOME[name]}"), name)
    raise AttributeError(f"module 'gradaudit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
