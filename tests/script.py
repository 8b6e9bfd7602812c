"""A script of the repository as it is when it is run: it imports from beside itself."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SCRIPTS = Path(__file__).parent.parent / "scripts"


def imported(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module; for as long as the test takes, others in its folder can be imported."""
    monkeypatch.syspath_prepend(SCRIPTS)
    found = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module
