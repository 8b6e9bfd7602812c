"""``pytest suite.yaml``: each case is a test, and none can take pytest down."""

import subprocess
import sys
from pathlib import Path

import pytest

MODULE = """\
import os
import numpy as np

def square(x):
    return float((x ** 2).sum())

def right(x):
    return 2 * x

def wrong(x):
    print("said by the gradient")
    return -2 * x

def noisy(x):
    return float((x ** 2).sum() + 1e-3 * np.sin(1e12 * x).sum())

def dies(x):
    os._exit(7)
"""

SUITE = """\
version: 1
path: [.]
functions:
  - {name: right, function: "m:square", gradient: "m:right", inputs: {x: {shape: [2]}}, tags: [fast]}
  - {name: wrong, function: "m:square", gradient: "m:wrong", inputs: {x: {shape: [n]}}, matrix: {n: [1, 2]}}
  - {name: noisy, function: "m:noisy", gradient: "m:right", inputs: {x: {shape: [2]}}}
  - {name: dies, function: "m:dies", gradient: "m:right", inputs: {x: {shape: [2]}}, tags: [fast]}
  - name: known
    function: m:square
    gradient: m:wrong
    inputs: {x: {shape: [2]}}
    expect: {status: fail, reason: a known bug, until: 2999-01-01}
"""


@pytest.fixture
def session(tmp_path: Path):
    """Runs pytest on a suite in its own process: (exit status, what it said)."""
    (tmp_path / "m.py").write_text(MODULE)
    (tmp_path / "suite.yaml").write_text(SUITE)
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")

    def run(*arguments: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "pytest", "-p", "no:randomly", "-p", "no:cacheprovider", "-ra", *arguments]
        answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
        return answer.returncode, answer.stdout + answer.stderr

    run.folder = tmp_path
    return run


def test_each_case_is_a_test_whose_failure_is_the_verdict(session):
    status, said = session("suite.yaml")
    assert status == 1
    assert "3 failed, 1 passed, 1 skipped, 1 xfailed" in said
    assert "FAIL wrong[n=1]  d out/d x[0]: analytic" in said
    assert "wrong sign" in said
    assert "again: gradaudit run suite.yaml --id 'wrong[n=1]'\n" in said
    assert "said by the gradient" in said
    assert "exit code 7" in said
    assert "SKIPPED" in said
    assert "inconclusive: " in said
    assert "site-packages" not in said
    assert "Traceback" not in said


def test_cases_are_chosen_by_name_and_by_tag(session):
    assert "1 passed, 5 deselected" in session("suite.yaml", "-k", "fast and right")[1]
    status, said = session("suite.yaml::wrong[n=2]", "-q")
    assert status == 1
    assert "1 failed" in said


def test_strict_fails_the_inconclusive(session):
    status, said = session("suite.yaml", "-k", "noisy", "--gradaudit-strict")
    assert status == 1
    assert "INCONCLUSIVE noisy" in said


def test_the_command_that_runs_a_case_again_has_the_profile_of_the_session(session):
    (session.folder / "suite.yaml").write_text(SUITE + "profiles: {quick: {timeout: 9s}}\n")
    said = session("suite.yaml::wrong[n=2]", "--gradaudit-profile", "quick")[1]
    assert "again: gradaudit run suite.yaml --profile=quick --id 'wrong[n=2]'\n" in said


def test_a_suite_that_is_not_in_order_says_where(session):
    (session.folder / "bad.yaml").write_text(SUITE.replace("gradient:", "gradeint:", 1))
    status, said = session("bad.yaml")
    assert status == 2
    assert "bad.yaml:4:" in said
    assert "unknown key 'gradeint' in functions[0]; did you mean 'gradient'?" in said


def test_files_that_nobody_named_are_left_alone(session):
    (session.folder / "test_one.py").write_text("def test_one(): pass\n")
    (session.folder / "other.yaml").write_text("some: settings\n")
    assert "1 passed" in session()[1]
    (session.folder / "pytest.ini").write_text("[pytest]\ngradaudit_suites = suite*.yaml\n")
    assert "3 failed, 2 passed, 1 skipped, 1 xfailed" in session()[1]


@pytest.mark.parametrize(
    ("patterns", "paths", "left_out"),
    [("suit.yaml", ".", True), ("suite.yaml", "tests", True), ("s*.yaml", ".", False)],
)
def test_a_pattern_that_matches_no_suite_is_told(session, patterns, paths, left_out):
    (session.folder / "tests").mkdir()
    (session.folder / "tests" / "test_one.py").write_text("def test_one(): pass\n")
    (session.folder / "pytest.ini").write_text(f"[pytest]\ngradaudit_suites = {patterns}\ntestpaths = {paths}\n")
    told = f"gradaudit_suites: '{patterns}' matches no file in"
    assert (told in session("--collect-only")[1]) is left_out
    assert told not in session("--collect-only", "tests/test_one.py")[1]


def test_a_session_without_suites_loads_nothing_heavy(session):
    (session.folder / "test_one.py").write_text(
        "import sys\ndef test_one(): assert not {'numpy', 'yaml', 'numba', 'pydantic'} & set(sys.modules)\n"
    )
    status, said = session("test_one.py", "-p", "no:hypothesispytest")
    assert status == 0, said
