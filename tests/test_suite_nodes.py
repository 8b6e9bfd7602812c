"""YAML text to nodes: YAML 1.2 scalars, positions, and everything that is refused."""

import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradaudit.suite.nodes import DEEPEST, MOST_NODES, compose
from gradaudit.suite.problem import SuiteError


def value(text: str) -> object:
    return compose(f"v: {text}", file="t.yaml").root.plain()["v"]  # type: ignore[index]


def refusal(text: str) -> str:
    try:
        found = compose(text, file="t.yaml").problems
    except SuiteError as error:  # of syntax
        found = error.problems
    return str(SuiteError(found))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1e-6", 1e-6),
        ("1.0e-3", 1e-3),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("+1.5E+2", 150.0),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("-12", -12),
        ("~", None),
        ("", None),
        ("null", None),
        ("true", True),
        ("FALSE", False),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("off", "off"),
        ("y", "y"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("12:30:45", "12:30:45"),
        ("2027-01-31", "2027-01-31"),
        ("'1'", "1"),
        ('"null"', "null"),
        ("1e", "1e"),
        ("+", "+"),
        ("٣", "٣"),
    ],
)
def test_scalars_follow_the_core_schema_of_yaml_1_2(text: str, expected: object) -> None:
    found = value(text)
    assert found == expected
    assert type(found) is type(expected)


def test_nan_is_a_number() -> None:
    assert math.isnan(value(".NaN"))  # type: ignore[arg-type]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_that_python_prints_is_read_back_exactly(number: float) -> None:
    assert value(repr(number)) == number


def test_a_duplicate_key_names_the_first_place() -> None:
    assert "t.yaml:2:1: duplicate key 'a'; it stands at 1:1 already" in refusal("a: 1\na: 2\n")


def test_a_problem_shows_its_line_with_a_caret_under_the_column() -> None:
    assert refusal("a: 1\nb: {c: 1, c: 2}\n").splitlines()[1:] == [
        "     2 | b: {c: 1, c: 2}",
        "       |           ^",
    ]


def test_all_duplicates_and_tags_are_reported_at_once() -> None:
    text = refusal("a: 1\na: 2\nb: !!python/object:os.system 3\nc: {d: 1, d: 2}\n")
    assert [line.split(": ")[0] for line in text.splitlines() if line.startswith("t.yaml")] == [
        "t.yaml:2:1",
        "t.yaml:3:4",
        "t.yaml:4:11",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: !!str 1", "no tags"),
        ("a: !mine {b: 1}", "no tags"),
        ("? [1, 2]\n: 3", "a key must be text"),
        ("a: &x 1\n*x : 2", "a key must be text"),
        ("a: *missing", "no anchor before it"),
        ("a: &x [1, *x]", "contains itself"),
        ("<<: {a: 1}", "merge key"),
        ("a: 1\n---\nb: 2", "a second document"),
        ("a: [1, 2", "expected ',' or ']'"),
        ("a:\n\tb: 1", "indent with spaces"),
        ("a: @home", "quote text"),
        ("a: [*]", "quote text that begins with *"),
        ("a: team: b", "quote text that holds ': '"),
        ("a: {b:[1]}", "write a space after the colon"),
        ('a: "C:\\users"', "single ones"),
        ("a: 1e999", "too large for float64"),
        ("a: " + "9" * 5000, "5000 digits"),
        ("a: " + "9" * 350, "an integer of 350 digits is too large for float64"),
        ("a: 0x" + "f" * 300, "too large for float64"),
        ("a: \x00", "not YAML text"),
        ("", "the file is empty"),
        ("# only a comment\n", "the file is empty"),
        ("\n \n", "the file is empty"),
    ],
)
def test_what_a_suite_may_not_hold_is_refused_with_a_sentence(text: str, words: str) -> None:
    assert words in refusal(text)


@pytest.mark.parametrize(
    ("text", "place", "fix"),
    [
        ("a:\n  - b: 1\n   c: 2\n", "3:4", "one indentation"),
        ("a:\n  b: 1\n   c: 2\n", "3:5", "one indentation"),
        ("a: 1\n - b: 1\n", "2:5", "one indentation"),
        ('a: "b\nc: 1\n', "1:4", "close the quote"),
        ("a: 1\nb = 2\nc: 3\n", "2:1", "write 'key: value'"),
        ("a: {b: 1\nc: 2\n", "2:2", "opens at 1:4"),
        ("x:\n  a: b\n\u00a0 c: d\n  e: f\n", "3:1", "U+00A0 looks like a space here and is none"),
        ("a:\n  b: 1\n \u3000c: 2\n", "3:2", "U+3000 looks like a space here and is none"),
    ],
)
def test_a_mistake_of_syntax_is_shown_where_it_is_mended_and_with_the_fix(text: str, place: str, fix: str) -> None:
    (headline, *excerpt) = refusal(text).splitlines()
    assert headline.startswith(f"t.yaml:{place}: ")
    assert fix in headline
    assert excerpt[-1].endswith("^")


def test_a_number_in_place_of_a_key_stays_the_text_that_was_written() -> None:
    assert compose("010: a\nnull: b\n", file="t.yaml").root.plain() == {"010": "a", "null": "b"}


def test_deep_nesting_is_refused_and_not_followed() -> None:
    assert f"deeper than {DEEPEST} levels" in refusal("[" * 1_000_000)
    assert f"deeper than {DEEPEST} levels" in refusal("a: " + "{a: " * 1_000)


def test_an_alias_bomb_is_refused_before_it_is_expanded() -> None:
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    assert f"more than {MOST_NODES:,} values" in refusal("\n".join(lines))


def test_an_alias_repeats_the_value_of_its_anchor() -> None:
    assert compose("a: &x {b: [1]}\nc: *x\n", file="t").root.plain() == {"a": {"b": [1]}, "c": {"b": [1]}}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\N{LINE SEPARATOR}", "\x85"])
def test_columns_count_characters_and_every_line_end_of_yaml_counts(end: str) -> None:
    lines = refusal(f"a: 1{end}b: {{ü: 1, ü: 2}}{end}c: 3").splitlines()
    assert lines[0] == "t.yaml:2:11: duplicate key 'ü'; it stands at 2:5 already"
    assert lines[1] == "     2 | b: {ü: 1, ü: 2}"


def test_a_place_can_be_found_for_every_value_and_key() -> None:
    document = compose("a:\n  - {b: 1,  c: [5, 6]}\n", file="t.yaml")
    assert str(document.place(("a", 0, "c", 1))) == "t.yaml:2:20"
    assert str(document.place(("a", 0, "c"), key=True)) == "t.yaml:2:13"
    assert str(document.place(("a", 0, "nowhere", "at", "all"))) == "t.yaml:2:5"


@given(st.text())
def test_any_text_gives_nodes_or_a_suite_error(text: str) -> None:
    with suppress(SuiteError):
        compose(text, file="t.yaml").root.plain()
