"""Stage suite: from YAML files to a validated Suite. Importing this package alone loads neither YAML nor pydantic."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gradaudit.suite.load import load_suite
    from gradaudit.suite.problem import SuiteError
    from gradaudit.suite.schema import json_schema
    from gradaudit.suite.suite import Suite

__all__ = ["Suite", "SuiteError", "json_schema", "load_suite"]

_HOMES = {"Suite": "suite", "SuiteError": "problem", "json_schema": "schema", "load_suite": "load"}


def __getattr__(name: str) -> object:
    # Workers import gradaudit.suite.files only: they must not pay for pydantic.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
