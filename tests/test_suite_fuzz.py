"""Damaged suites at the command line: a sentence with its place and exit status 2, never a traceback of ours.

A longer run, with other inputs each time: ``pytest tests/test_suite_fuzz.py --hypothesis-profile=long``.
"""

import io
import re
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gradaudit import cli

CONFIGS = Path(__file__).parent.parent / "configs"
QUIET = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])

#: Text that has broken parsers, terminals and reports elsewhere.
HOSTILE = (
    "\x1b[2J\x1b]0;title\x07",
    "\u202etxt.exe",
    "\ud800".encode("utf-8", "surrogatepass").decode("utf-8", "replace"),
    "<script>alert(1)</script>",
    "=HYPERLINK(0)",
    "../../../etc/passwd",
    "/dev/zero",
    "~root",
    "${HOME}$(id)`id`%PATH%{{7*7}}",
    "!!python/object/apply:os.system [id]",
    "*alias",
    "&anchor",
    "a" * 5_000,
    "\x00",
    "\u2028\u2029\x85\ufeff",
    "-",
    "?",
    "{}[],:#",
    "1e999999",
    "0x" + "f" * 400,
    "9" * 5_000,
    "nan",
    "2027-02-31",
    "n[0]",
    "𝔫",
    "__import__('os').system('id')",
    "os:system",
    "builtins:exec",
)

#: One of everything that a suite can say, in few lines.
SUITE = """\
version: 1
name: all of it
seed: 3
path: [.]
env: {WORD: text}
defaults: {h: {from: 1.0e-1, to: 1.0e-9, per_decade: 1}, tolerance: {rtol: 1.0e-5}, timeout: 10s, tags: [a]}
by_dtype: {float32: {tolerance: {rtol: 2.0e-3}}}
profiles: {pr: {select: "tag:a", elements: {directions: 8}}}
functions:
  - name: first
    function: marker:f
    gradient: marker:g
    inputs:
      x: {shape: [n], normal: {mean: 0, std: 3}, avoid: {points: [-1, 1], margin: 1.0e-2}, bounds: [-9, null]}
      flag: {value: 7, differentiate: false}
    kwargs: {delta: 1.0}
    matrix: {n: [1, 8], dtype: [float32, float64], exclude: [{n: 8, dtype: float32}]}
    tags: [b]
    owner: "@team"
    was: [earlier]
    expect: {status: fail, reason: known, until: 2027-01-31}
  - name: second
    engine: python
    function: marker:f
    jacobian: marker:g
    at: {start: {x: [1.0, 2.0]}, end: {x: [3.0, 4.0]}}
    checks: [jacobian]
    elements: {sample: 2}
    kinks: accept
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with the module that suites name: it leaves a trace where it is imported."""
    (tmp_path / "marker.py").write_text("open('imported', 'w').close()\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def said(*arguments: str) -> tuple[int, str, str]:
    """Run a command line in this process: exit status, stdout, stderr."""
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        status = cli.invoke(arguments)
    return status, out.getvalue(), err.getvalue()


def survives(folder: Path, content: bytes | str) -> None:
    """Every command that only reads the suite answers as the contract says, and imports nothing."""
    data = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
    (folder / "suite.yaml").write_bytes(data)
    statuses = set()
    for words in (("validate",), ("list",), ("list", "--format", "json")):
        status, out, err = said(*words, "suite.yaml")
        statuses.add(status)
        assert status in (0, 2, 4), err
        assert "Traceback" not in err + out
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202e\ud800-\udfff]", out + err)
        if status == 2:
            assert re.match(r"suite\.yaml(:\d+:\d+)?: \S", err), err
    assert len(statuses - {4}) <= 1, "validate and list disagree"
    assert not (folder / "imported").exists()
    assert "marker" not in sys.modules


VALUES = st.one_of(
    st.sampled_from(HOSTILE),
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.lists(st.sampled_from(HOSTILE), max_size=3),
    st.dictionaries(st.sampled_from(HOSTILE), st.sampled_from(HOSTILE), max_size=3),
    st.integers(1, 60).map(lambda depth: eval("[" * depth + "]" * depth)),
)


@QUIET
@given(st.binary(max_size=400))
def test_random_bytes_are_survived(folder: Path, content: bytes) -> None:
    survives(folder, content)


@QUIET
@given(st.data())
def test_a_suite_with_one_value_exchanged_is_survived(folder: Path, data: st.DataObject) -> None:
    suite = yaml.safe_load(SUITE)
    holder, key = data.draw(st.sampled_from(places(suite)))
    holder[key] = data.draw(VALUES)
    survives(folder, yaml.safe_dump(suite, allow_unicode=True, sort_keys=False))


@QUIET
@given(st.data())
def test_a_suite_with_one_key_renamed_is_survived(folder: Path, data: st.DataObject) -> None:
    suite = yaml.safe_load(SUITE)
    holder, key = data.draw(st.sampled_from([place for place in places(suite) if isinstance(place[0], dict)]))
    holder[data.draw(st.sampled_from(HOSTILE) | st.text(max_size=9))] = holder.pop(key)
    survives(folder, yaml.safe_dump(suite, allow_unicode=True, sort_keys=False))


@QUIET
@given(st.integers(0, len(SUITE)), st.integers(0, 40), st.sampled_from(HOSTILE) | st.text(max_size=9))
def test_a_suite_with_a_piece_of_its_text_exchanged_is_survived(
    folder: Path, start: int, length: int, piece: str
) -> None:
    survives(folder, SUITE[:start] + piece + SUITE[start + length :])


@QUIET
@given(st.sampled_from(sorted(CONFIGS.glob("*/*.yaml"))), st.data())
def test_a_suite_of_ours_with_a_line_lost_doubled_or_moved_is_survived(
    folder: Path, file: Path, data: st.DataObject
) -> None:
    lines = file.read_text(encoding="utf-8").splitlines()[:60]
    line = data.draw(st.integers(0, len(lines) - 1))
    other = data.draw(st.integers(0, len(lines) - 1))
    lines[other:other] = data.draw(st.sampled_from([[], [lines[line]], ["  " + lines[line]], [lines[line]] * 2]))
    del lines[line]
    survives(folder, "\n".join(lines))


def test_the_suite_that_is_damaged_here_is_in_order(folder: Path) -> None:
    (folder / "suite.yaml").write_text(SUITE)
    assert said("validate", "suite.yaml")[0] == 0


def places(value: object) -> list[tuple[object, object]]:
    """(holder, key or position) of everything in a structure."""
    entries = list(value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ())
    return [place for key, item in entries for place in [(value, key), *places(item)]]
