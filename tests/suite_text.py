"""Suites as text, for the tests of suite/ and plan/."""

from collections.abc import Mapping
from pathlib import Path

from gradaudit.suite import Suite, SuiteError, load_suite

HUBER = """\
version: 1
functions:
  - function: mypkg.losses:huber
    gradient: mypkg.losses:huber_grad
    inputs:
      x: {shape: [8]}
"""


def write(folder: Path, text: str | bytes, *, name: str = "suite.yaml") -> Path:
    """The text in a file of ``folder``."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def load(
    folder: Path,
    text: str | bytes,
    *,
    overrides: Mapping[str, object] | None = None,
    environment: Mapping[str, str] | None = None,
    profile: str | None = None,
) -> Suite:
    """The suite that ``text`` says, whatever the environment of the tests is. Raises SuiteError where it is not one."""
    path = write(folder, text)
    return sound(load_suite([path], overrides=overrides, environment=environment or {}, profile=profile))


def sound(suite: Suite) -> Suite:
    """The suite. Raises SuiteError with what was wrong when it was read, as planning does."""
    if suite.problems:
        raise SuiteError(suite.problems)
    return suite


def problems(folder: Path, text: str | bytes, **options: Mapping[str, object]) -> list[str]:
    """What is wrong with ``text``: ``line:column: message``, without the file's name."""
    try:
        load(folder, text, **options)  # type: ignore[arg-type]
    except SuiteError as error:
        return [f"{p.place.line}:{p.place.column}: {p.message}" for p in error.problems]
    return []


def function(lines: str) -> str:
    """A suite of one function with a gradient, one input, and ``lines`` beside them."""
    indented = "".join(f"    {line}\n" for line in lines.splitlines())
    return f"{HUBER}{indented}"
