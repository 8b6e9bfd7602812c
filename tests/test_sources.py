"""Where a function is written, and that a change of its text is seen."""

import functools
import importlib
from pathlib import Path

import numpy as np
import pytest
from numba import njit

from gradaudit import engines
from gradaudit.auditor import audit_case
from gradaudit.engines._sources import sources
from gradaudit.plan import make_plan
from gradaudit.plan.case import Target
from gradaudit.suite import load_suite

TEXT = """\
import numpy as np


def f(x):
    return float((x ** 2).sum())


def g(x):
    return 2 * x
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Writes ``sourced.py`` and gives the sources of its f and g."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)

    def sources(text: str = TEXT):
        Path("sourced.py").write_text(text)
        importlib.invalidate_caches()
        importlib.sys.modules.pop("sourced", None)
        return engines.load(Target("sourced:f", (("gradient", "sourced:g"),))).sources

    yield sources
    importlib.sys.modules.pop("sourced", None)


def test_a_source_names_file_and_line_relative_to_the_current_folder(module):
    function, gradient = module()
    assert (function.role, function.reference, function.file, function.line) == (
        "function",
        "sourced:f",
        "sourced.py",
        4,
    )
    assert (gradient.role, gradient.line) == ("gradient", 8)


def test_a_changed_text_has_another_digest_and_a_moved_one_the_same(module):
    function, gradient = module()
    moved, changed = module(
        TEXT.replace("import numpy as np\n", "# more\nimport numpy as np\n").replace("2 * x", "3 * x")
    )
    assert moved.digest == function.digest
    assert moved.line == function.line + 1
    assert changed.digest != gradient.digest


@pytest.mark.parametrize(
    "wrap", [njit, functools.partial, functools.cache], ids=["compiled", "partial", "decorated by functools"]
)
def test_the_text_behind_a_wrapper_is_found(wrap):
    def f(x):
        return x

    (source,) = sources(Target("f"), wrap(f), {})
    assert source.file.endswith("test_sources.py")


@pytest.mark.parametrize("function", [np.sin, np.linalg.norm, len, np.float64(3.0).__add__])
def test_what_has_no_text_of_its_own_is_no_problem(function):
    (source,) = sources(Target("f"), function, {})
    assert source.role == "function"


def test_a_verdict_carries_the_sources_of_its_case(module):
    module()
    Path("suite.yaml").write_text(
        "version: 1\nfunctions: [{function: 'sourced:f', gradient: 'sourced:g', inputs: {x: {shape: [2]}}, was: old}]\n"
    )
    (case,) = make_plan(load_suite(["suite.yaml"]))
    assert case.was == ("old",)
    assert [source.role for source in audit_case(case).sources] == ["function", "gradient"]
