"""An op, an engine, a check, a report format, a backend, a command: each is one file, is added here, and works."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import gradaudit

OP = '''\
"""A family of one."""

import numpy as np


def cube(x):
    """x³, elementwise."""
    return x * x * x


def cube_vjp(x, cotangent):
    """3·x²·cotangent"""
    return 3 * x * x * cotangent
'''

ENGINE = '''\
"""Engine ``symbolic``: polynomials as tuples of coefficients, differentiated by their rule."""

import numpy as np

from gradaudit.engines._differentiable import Differentiable


differentiates = True


def recognises(function, target):
    return isinstance(function, tuple)


def load(target, function, claims):
    derivative = tuple(k * a for k, a in enumerate(function))[1:]

    def value(x):
        return sum(a * x**k for k, a in enumerate(function))

    def vjp(x, cotangent):
        return cotangent * sum(a * x**k for k, a in enumerate(derivative))

    return Differentiable("symbolic", value, {"vjp": vjp, **claims})
'''

CHECK = '''\
"""Check ``reversed_gradient``: the gradient, its directions from last to first."""

from dataclasses import replace

from gradaudit.checks import gradient

claims = ("gradient",)


def compare(subject, rng):
    return [replace(comparison, check="reversed_gradient") for comparison in gradient.compare(subject, rng)]
'''

FORMAT = '''\
"""A tally: how many cases there are."""

SUFFIX = ".tally"


def render(audit):
    return f"{len(audit.results)}\\n"
'''

BACKEND = '''\
"""Cases from last to first, in one child."""

from gradaudit.backends import sequential


def run(many, alone, *, jobs):
    yield from sequential.run(tuple(reversed(many)), tuple(reversed(alone)), jobs=jobs)
'''

COMMAND = '''\
"""Command ``hello``: a greeting."""

import click

from gradaudit.commands import _speech as speech


@click.command("hello")
def command() -> int:
    """Say hello."""
    speech.put("hello\\n")
    return 0
'''

SUITE = """\
version: 1
path: [.]
functions:
  - {function: "gradaudit.ops:cube", vjp: "gradaudit.ops:cube_vjp", inputs: {x: {shape: [3]}}}
  - {function: "mine:polynomial", engine: symbolic, inputs: {x: {shape: [3]}}}
  - {name: squares, function: "mine:f", gradient: "mine:g", inputs: {x: {shape: [3]}}, checks: [reversed_gradient]}
"""

MINE = """\
polynomial = (1.0, -2.0, 0.5, 3.0)

def f(x):
    return float((x ** 2).sum())

def g(x):
    return 2 * x
"""

ADDED = {
    "ops/cubes.py": OP,
    "engines/symbolic.py": ENGINE,
    "checks/reversed_gradient.py": CHECK,
    "report/tally.py": FORMAT,
    "backends/backwards.py": BACKEND,
    "commands/hello.py": COMMAND,
}


@pytest.fixture
def run(tmp_path: Path):
    """Runs the command line of a copy of the package to which the files were added."""
    shutil.copytree(
        Path(gradaudit.__file__).parent, tmp_path / "gradaudit", ignore=shutil.ignore_patterns("__pycache__")
    )
    for name, text in ADDED.items():
        file = tmp_path / "gradaudit" / name
        assert not file.exists()
        file.write_text(text)
    (tmp_path / "suite.yaml").write_text(SUITE)
    (tmp_path / "mine.py").write_text(MINE)

    def invoke(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONWARNINGS": "default"}
        return subprocess.run(
            [sys.executable, "-m", "gradaudit", *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return invoke


def test_each_part_is_one_file_and_nothing_else_need_know_of_it(run, tmp_path):
    answer = run("run", "suite.yaml", "--backend", "backwards", "-j", "1", "-o", "out.tally", "-o", "out.csv")
    assert (answer.returncode, answer.stdout) == (0, "3 of 3 pass\n"), answer.stdout + answer.stderr
    assert (tmp_path / "out.tally").read_text() == "3\n"
    rows = (tmp_path / "out.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows[1:]] == ["cube", "polynomial", "squares"]
    assert "symbolic" in rows[2]
    assert run("hello").stdout == "hello\n"
    assert "hello" in run("--help").stdout


def test_each_part_is_named_where_a_user_mistypes_it(run, tmp_path):
    (tmp_path / "suite.yaml").write_text(SUITE.replace("engine: symbolic", "engine: symbolik"))
    assert "did you mean 'symbolic'?" in run("validate", "suite.yaml").stderr
    (tmp_path / "suite.yaml").write_text(SUITE.replace("[reversed_gradient]", "[reverse_gradient]"))
    assert "did you mean 'reversed_gradient'?" in run("validate", "suite.yaml").stderr
    (tmp_path / "suite.yaml").write_text(SUITE)
    assert ".tally" in run("run", "suite.yaml", "-o", "out.pdf").stderr
    assert "backwards" in run("run", "suite.yaml", "--backend", "forwards").stderr
