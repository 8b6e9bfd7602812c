"""Files to a Suite: includes, precedence, origins, and nothing but Suite or SuiteError for any input."""

import subprocess
import sys
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from suite_text import HUBER, function, load, problems, sound, write

from gradaudit.plan import make_plan
from gradaudit.suite import Suite, SuiteError, load_suite
from gradaudit.suite.quantities import Elements

LAYER = "version: 1\nfunctions: [{name: layer, function: m:f, gradient: m:g, inputs: {x: [1.0]}}]\n"


def test_the_problems_of_all_files_are_reported_at_once(tmp_path: Path) -> None:
    one = write(tmp_path, HUBER + "    hh: 1\n", name="one.yaml")
    two = write(tmp_path, HUBER + "    tagz: [a]\n", name="two.yaml")
    with pytest.raises(SuiteError) as caught:
        sound(load_suite([one, two, tmp_path, tmp_path / "three.yaml"], environment={}))
    assert str(caught.value).splitlines() == [
        f"{one}:7:5: unknown key 'hh' in functions[0]; did you mean 'h'?",
        "     7 |     hh: 1",
        "       |     ^",
        f"{two}:7:5: unknown key 'tagz' in functions[0]; did you mean 'tags'?",
        "     7 |     tagz: [a]",
        "       |     ^",
        f"{tmp_path}: this is a folder; name the suite file in it",
        f"{tmp_path / 'three.yaml'}: no such file",
    ]


@pytest.mark.parametrize(("name", "hint"), [("sute.yaml", "; did you mean 'suite.yaml'?"), ("other.yaml", "")])
def test_a_file_that_is_not_there_may_be_called_otherwise(tmp_path: Path, monkeypatch, name: str, hint: str) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, HUBER, name="suite.yaml")
    with pytest.raises(SuiteError) as caught:
        sound(load_suite([name], environment={}))
    assert str(caught.value) == f"{name}: no such file{hint}"


def test_a_file_in_a_folder_that_is_not_there_is_just_not_there() -> None:
    with pytest.raises(SuiteError, match=r"^nowhere/at/all.yaml: no such file$"):
        sound(load_suite(["nowhere/at/all.yaml"], environment={}))


def test_a_module_may_hold_all_its_inputs_and_says_so_by_an_empty_mapping(tmp_path: Path) -> None:
    with patch("gradaudit.suite.available.missing", return_value=None):  # a plan imports no library
        held = write(
            tmp_path, "version: 1\nfunctions: [{function: m:F, engine: torch, inputs: {}}]\n", name="held.yaml"
        )
        assert [case.inputs for case in make_plan(load_suite([held], environment={}))] == [()]
        left_out = write(tmp_path, "version: 1\nfunctions: [{function: m:F, engine: torch}]\n", name="left_out.yaml")
        with pytest.raises(SuiteError, match=r"no inputs; add .*, or \{\} where a module holds them"):
            sound(load_suite([left_out], environment={}))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "1:1: the file is empty; a suite begins with 'version: 1'"),
        ("version: 1", "1:1: the suite has no functions; add 'functions:' or 'include:'"),
        ("[1]", "1:1: the suite must be a mapping (key: value), got a list"),
        ("functions: []", "1:1: missing key 'version'"),
        ('version: "1"', "1:10: version must be 1, got '1'; write 1 without quotes"),
        ("version: 1\nfunctions: [{inputs: {}}]", "2:13: missing key 'function' in functions[0]"),
        (b"\xff\xfev", "0:0: the file is UTF-16 or UTF-32; save it as UTF-8"),
    ],
)
def test_a_file_that_is_no_suite_is_one_sentence(tmp_path: Path, text: str | bytes, expected: str) -> None:
    assert problems(tmp_path, text) == [expected]


def test_no_file_at_all_is_an_error() -> None:
    with pytest.raises(SuiteError, match="no suite file given"):
        sound(load_suite([], environment={}))


def test_several_files_make_one_suite(tmp_path: Path) -> None:
    one, two = write(tmp_path, HUBER, name="one.yaml"), write(tmp_path, LAYER, name="two.yaml")
    suite = load_suite([one, two], environment={})
    assert (suite.name, suite.files) == ("one+two", (str(one), str(two)))
    assert [entry.keys.label for entry in suite.entries] == ["huber", "layer"]


def test_an_include_is_relative_to_its_file_and_patterns_are_sorted(tmp_path: Path) -> None:
    for name in ("b", "a"):
        write(tmp_path, LAYER.replace("name: layer", f"name: {name}"), name=f"layers/{name}.yaml")
    suite = load(tmp_path, f"{HUBER}include: [layers/*.yaml]\n")
    assert [entry.keys.label for entry in suite.entries] == ["huber", "a", "b"]
    assert str(suite.entries[1].place) == f"{tmp_path}/layers/a.yaml:2:13"
    assert suite.entries[1].root == str(tmp_path / "suite.yaml")


@pytest.mark.parametrize(
    ("include", "expected"),
    [
        ("suite.yaml", "include 'suite.yaml' comes back to itself"),
        ("back.yaml", "include 'suite.yaml' comes back to itself"),
        ("missing.yaml", "include 'missing.yaml' is not a file"),
        ("none/*.yaml", "include 'none/*.yaml' matches no file"),
        ('"\\0"', "include '\\x00' is not a file"),
        ('"\\0*/*"', "include '\\x00*/*' matches no file"),
        ("a" * 3000, "is not a file"),
    ],
)
def test_an_include_that_leads_nowhere_or_back_is_refused(tmp_path: Path, include: str, expected: str) -> None:
    write(tmp_path, "version: 1\ninclude: [suite.yaml]\n", name="back.yaml")
    (found,) = problems(tmp_path, f"{HUBER}include: [{include}]\n")
    assert expected in found


def test_a_pattern_that_matches_its_own_file_means_the_others(tmp_path: Path) -> None:
    write(tmp_path, LAYER, name="layer.yaml")
    assert len(load(tmp_path, f'{HUBER}include: ["*.yaml"]\n').entries) == 2


def test_path_and_env_are_those_of_the_file_and_of_what_includes_it(tmp_path: Path) -> None:
    for folder in ("src", "layers/src"):
        (tmp_path / folder).mkdir(parents=True)
    write(tmp_path, LAYER + 'path: [src]\nenv: {A: "2"}\n', name="layers/a.yaml")
    suite = load(tmp_path, HUBER + 'path: [src]\nenv: {A: "1", B: "x"}\ninclude: [layers/a.yaml]\n')
    outer, inner = suite.entries
    assert outer.path == (str(tmp_path / "src"),)
    assert inner.path == (str(tmp_path / "layers" / "src"), str(tmp_path / "src"))
    assert (dict(outer.env), dict(inner.env)) == ({"A": "1", "B": "x"}, {"A": "2", "B": "x"})


def test_a_path_must_be_a_folder_and_env_must_be_text(tmp_path: Path) -> None:
    assert problems(tmp_path, HUBER + "path: [nowhere]\n") == ["7:8: path 'nowhere' is not a folder"]
    assert problems(tmp_path, HUBER + "env: {A: 1}\n") == ['7:10: an environment variable is text, got 1; write "1"']


PRECEDENCE = """\
version: 1
include: [inner.yaml]
defaults: {timeout: 1, tolerance: {resolution: 0.01}, owner: outer}
by_dtype: {float32: {tolerance: {rtol: 0.2}}}
profiles: {p: {kinks: accept}}
"""
INNER = """\
version: 1
defaults: {timeout: 2, tags: [inner], tolerance: {rtol: 0.1, atol: 1.0}}
profiles: {p: {timeout: 5}}
functions:
  - {function: m:f, gradient: m:g, inputs: {x: {shape: [2]}}, timeout: 4, tags: [own], tolerance: {atol: 3.0}}
"""


def test_the_nearest_layer_wins_key_by_key_and_is_named(tmp_path: Path) -> None:
    write(tmp_path, INNER, name="inner.yaml")
    environment = {"GRADAUDIT_H": "[1e-3, 1e-4]", "GRADAUDIT_TOLERANCE_ATOL": "5", "PATH": "/bin"}
    suite = load(tmp_path, PRECEDENCE, profile="p", environment=environment, overrides={"tolerance.atol": "6"})
    found = suite.entries[0].settings("float32")
    inner, outer = tmp_path / "inner.yaml", tmp_path / "suite.yaml"
    assert {key: (setting.value, setting.origin) for key, setting in found.items()} == {
        "h": ((1e-3, 1e-4), "environment GRADAUDIT_H"),
        "elements": (Elements("all"), "built in"),
        "method": ("auto", "built in"),
        "extend": (True, "built in"),
        "kinks": ("accept", f"profile 'p' ({outer}:5:16)"),
        "timeout": (5.0, f"profile 'p' ({inner}:3:16)"),
        "engine": (None, "built in"),
        "checks": (None, "built in"),
        "owner": ("outer", f"defaults ({outer}:3:55)"),
        "tolerance.rtol": (0.2, f"by_dtype float32 ({outer}:4:34)"),
        "tolerance.resolution": (0.01, f"defaults ({outer}:3:36)"),
        "tolerance.atol": (6, "--set tolerance.atol"),
    }
    assert suite.entries[0].settings("float64")["tolerance.rtol"].value == 0.1


@pytest.mark.parametrize(
    ("removed", "expected"),
    [
        ("", 6.0),
        ("set", 7.0),
        ("environment", 5.0),
        ("profile", 4.0),
        ("function", 2.0),
        ("inner", 1.0),
        ("outer", None),
    ],
)
def test_each_layer_shows_once_the_ones_above_it_are_gone(tmp_path: Path, removed: str, expected: float | None) -> None:
    order = ["", "set", "environment", "profile", "function", "inner", "outer"]
    gone = set(order[1 : order.index(removed) + 1])
    inner = INNER.replace("timeout: 4, ", "") if "function" in gone else INNER
    write(tmp_path, inner.replace("timeout: 2, ", "") if "inner" in gone else inner, name="inner.yaml")
    suite = load(
        tmp_path,
        PRECEDENCE.replace("timeout: 1, ", "") if "outer" in gone else PRECEDENCE,
        overrides={} if "set" in gone else {"timeout": 6},
        environment={} if "environment" in gone else {"GRADAUDIT_TIMEOUT": "7s"},
        profile=None if "profile" in gone else "p",
    )
    assert suite.entries[0].settings()["timeout"].value == expected


def test_tags_add_up(tmp_path: Path) -> None:
    write(tmp_path, INNER, name="inner.yaml")
    suite = load(tmp_path, PRECEDENCE.replace("owner: outer", "tags: [outer]"))
    assert tuple(suite.entries[0].tags) == ("own", "inner", "outer")


def test_the_seed_comes_from_the_nearest_file_unless_the_command_line_says_otherwise(tmp_path: Path) -> None:
    write(tmp_path, "seed: 2\n" + LAYER, name="layer.yaml")
    text = "seed: 1\n" + HUBER + "include: [layer.yaml]\n"
    assert [entry.seed.value for entry in load(tmp_path, text).entries] == [1, 2]
    for options in ({"overrides": {"seed": 7}}, {"environment": {"GRADAUDIT_SEED": "7"}}):
        suite = load(tmp_path, text, **options)  # type: ignore[arg-type]
        assert [entry.seed.value for entry in suite.entries] == [7, 7]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"overrides": {"tolerence.rtol": "1"}}, "--set tolerence.rtol: unknown key 'tolerence.rtol'; did you mean"),
        ({"overrides": {"rtol": "1"}}, "--set rtol: unknown key 'rtol'; did you mean 'tolerance.rtol'?"),
        ({"overrides": {"resolutoin": "1"}}, "--set resolutoin: unknown key 'resolutoin'; did you mean 'tolerance.res"),
        ({"overrides": {"h": "-1"}}, "--set h: a step must be greater than 0 and finite, got -1"),
        ({"overrides": {"h": "[1"}}, "--set h: did not find expected"),
        ({"environment": {"GRADAUDIT_H": "big"}}, "environment GRADAUDIT_H: 'big' is not a step"),
        ({"environment": {"GRADAUDIT_TIMOUT": "1"}}, "environment GRADAUDIT_TIMOUT: unknown variable; did you mean"),
        ({"profile": "pp"}, "--profile: unknown profile 'pp'; did you mean 'p'?"),
        ({"environment": {"GRADAUDIT_PROFILE": "x"}}, "environment GRADAUDIT_PROFILE: unknown profile 'x'; allowed: p"),
        ({"environment": {"GRADAUDIT_PROFIL": "p"}}, "environment GRADAUDIT_PROFIL: unknown variable; did you mean 'G"),
        (
            {"overrides": {"timeout": timedelta(seconds=3)}},
            "--set timeout: datetime.timedelta(seconds=3) is not a time",
        ),
        ({"overrides": {"seed": None}}, "--set seed: seed must be a whole number, got nothing (null)"),
    ],
)
def test_wrong_settings_from_outside_name_their_origin(tmp_path: Path, options: dict[str, Any], expected: str) -> None:
    with pytest.raises(SuiteError) as caught:
        load(tmp_path, HUBER + "profiles: {p: {}}\n", **options)
    assert str(caught.value).startswith(expected)
    assert len(caught.value.problems) == 1


def test_numbers_of_numpy_are_the_numbers_that_they_hold(tmp_path: Path) -> None:
    suite = load(tmp_path, HUBER, overrides={"seed": np.int64(7), "h": np.array([1e-3, 1e-4])})
    (entry,) = suite.entries
    assert (entry.seed.value, entry.settings()["h"].value) == (7, (1e-3, 1e-4))


def test_a_tolerance_in_the_environment_holds_and_a_part_of_its_own_wins(tmp_path: Path) -> None:
    given = {"GRADAUDIT_TOLERANCE": "{rtol: 1e-2, atol: 2}", "GRADAUDIT_TOLERANCE_ATOL": "1"}
    (entry,) = load(tmp_path, HUBER, environment=given).entries
    settings = entry.settings()
    assert (settings["tolerance.rtol"].value, settings["tolerance.atol"].value) == (1e-2, 1.0)
    assert settings["tolerance.rtol"].origin == "environment GRADAUDIT_TOLERANCE"


def test_a_variable_without_text_is_as_good_as_none(tmp_path: Path) -> None:
    suite = load(tmp_path, "seed: 3\n" + HUBER, environment={"GRADAUDIT_SEED": "", "GRADAUDIT_H": " "})
    (entry,) = suite.entries
    assert (entry.seed.value, entry.settings()["h"].origin) == (3, "built in")


def test_foreign_variables_with_our_prefix_are_left_alone(tmp_path: Path) -> None:
    assert load(tmp_path, HUBER, environment={"GRADAUDIT_WORKER_FOLDER": "x"}).entries


def test_the_work_of_loading_grows_no_faster_than_the_suite(tmp_path: Path) -> None:
    item = "  - {{name: f{0}, function: m:f, gradient: m:g, inputs: {{x: {{shape: [n]}}}}, matrix: {{n: [1, 8]}}}}\n"
    load(tmp_path, HUBER)  # what is imported when it is first needed is no part of it
    small, large = (
        _calls(tmp_path, "version: 1\nfunctions:\n" + "".join(item.format(i) for i in range(count)))
        for count in (50, 200)
    )
    assert large <= 4.2 * small


def _calls(folder: Path, text: str) -> int:
    """Functions that are called to load ``text``: a measure of the work that no other process can disturb."""
    count = 0

    def profile(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(profile)
    try:
        load(folder, text)
    finally:
        sys.setprofile(None)
    return count


def test_workers_and_listing_import_nothing_heavy() -> None:
    program = (
        "import sys, gradaudit.plan.case, gradaudit.suite.files, gradaudit.plan.draw\n"
        "assert not {'pydantic', 'yaml', 'numba', 'scipy', 'joblib'} & set(sys.modules)\n"
        "import gradaudit.suite.load, gradaudit.plan.expand\n"
        "assert not {'numba', 'scipy', 'joblib'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


WORDS = """
    version name seed path env include defaults by_dtype profiles functions function gradient hvp inputs at x n h matrix
    exclude shape normal integers values value file key dtype differentiate bounds avoid points margin tolerance rtol
    elements sample timeout tags checks engine expect status until kwargs mean std low high float32 from to m:f
    """
VALUES = ["m:f", "all", "auto", "30s", "n", "2*n", "$n", "gradient", "tape", "float64", "fail", "2027-01-31"]
KEYS = st.sampled_from(WORDS.split())
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-3, 1000), st.floats(), KEYS, st.sampled_from(VALUES))
STRUCTURES = st.recursive(
    SCALARS, lambda part: st.lists(part, max_size=4) | st.dictionaries(KEYS, part, max_size=5), max_leaves=12
)
ITEMS = st.fixed_dictionaries(
    {"function": st.just("m:f"), "inputs": STRUCTURES | st.dictionaries(KEYS, STRUCTURES, max_size=3)},
    optional={
        "gradient": st.just("m:g"),
        "matrix": STRUCTURES,
        "h": STRUCTURES,
        "at": STRUCTURES,
        "kwargs": STRUCTURES,
    },
)
SUITES = st.fixed_dictionaries(
    {"version": st.just(1), "functions": st.lists(ITEMS, max_size=2)},
    optional={"defaults": STRUCTURES, "by_dtype": STRUCTURES, "profiles": STRUCTURES, "path": STRUCTURES},
)
FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def survives(folder: Path, content: bytes) -> None:
    """Nothing but a Suite or a SuiteError that can be printed comes out."""
    try:
        suite = load(folder, content)
    except SuiteError as error:
        _printable(error)
        return
    assert isinstance(suite, Suite)
    with suppress(SuiteError):
        make_plan(suite)


def _printable(error: SuiteError) -> None:
    assert error.problems
    assert "\x1b" not in str(error)


@FUZZ
@given(st.binary(max_size=300))
def test_random_bytes_give_a_suite_or_a_suite_error(tmp_path: Path, content: bytes) -> None:
    survives(tmp_path, content)


@FUZZ
@given(st.one_of(SUITES, STRUCTURES))
def test_random_structures_give_a_suite_or_a_suite_error(tmp_path: Path, content: object) -> None:
    survives(tmp_path, yaml.safe_dump(content, allow_unicode=True).encode())


@FUZZ
@given(st.integers(0, 400), st.binary(max_size=6))
def test_a_suite_with_a_scratch_gives_a_suite_or_a_suite_error(tmp_path: Path, where: int, scratch: bytes) -> None:
    text = function("h: [1e-3, 1e-4]\nmatrix: {n: [1, 2], dtype: [float32]}\ntolerance: {rtol: 1e-3}").encode()
    survives(tmp_path, text[:where] + scratch + text[where + len(scratch) :])
