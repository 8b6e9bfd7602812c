"""Axes of a matrix in lengths and options."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradaudit.plan.symbols import SymbolError, evaluate, length, substitute

AXES = {"n": 4, "m": 3, "word": "abc", "flag": True, "half": 0.5}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [(7, 7), ("n", 4), ("2*n + 1", 9), ("n*m", 12), ("(n-1)//2", 1), ("n/2", 2), (" n ", 4), ("half*n", 2), ("0", 0)],
)
def test_a_length_is_a_number_or_arithmetic_over_axes(expression: int | str, expected: int) -> None:
    found = length(expression, AXES)
    assert found == expected
    assert type(found) is int


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("k", "unknown symbol 'k': matrix has no such axis; allowed: n, m, word, flag, half"),
        ("n-9", "is -5; allowed: a whole number, 0 or more"),
        ("n/3", "allowed: a whole number"),
        ("1e300", "is not a length"),
        ("9**9**9", "is not a length"),
        ("n // 0", "n // 0"),
        ("9" * 70, "at most 2**40"),
        ("f(n)", "is not a length"),
        ("n.real", "is not a length"),
        ("__import__('os')", "is not a length"),
        ("1if n else 2", "is not a length"),
        ("", "is not a length"),
        ("n n", "is not a length"),
        ("((((((" * 10, "is not a length"),
        ("a" * 500, "is not a length"),
        ("word", "axis 'word' is 'abc' here, not a number"),
        ("flag", "axis 'flag' is True here, not a number"),
        ("999999999999*n", "a whole number, 0 or more"),
    ],
)
def test_anything_else_is_refused_with_a_sentence(expression: str, words: str) -> None:
    with pytest.raises(SymbolError) as caught:
        length(expression, AXES)
    assert words in str(caught.value)


def test_without_a_matrix_the_sentence_shows_how_to_write_one() -> None:
    with pytest.raises(SymbolError, match=r"add it, for example matrix: \{n: \[1, 8, 33\]\}"):
        evaluate("n", {})


def test_options_take_axes_wherever_they_stand() -> None:
    value = {"axis": "$n", "more": ["$word", {"flag": "$flag"}, "n", "$$n", 3]}
    assert substitute(value, AXES) == {"axis": 4, "more": ["abc", {"flag": True}, "n", "$n", 3]}


def test_an_unknown_axis_in_an_option_is_refused() -> None:
    with pytest.raises(SymbolError, match="unknown symbol 'k'"):
        substitute(["$k"], AXES)


@given(st.text(max_size=100))
def test_any_text_is_a_length_or_refused(text: str) -> None:
    try:
        found = length(text, AXES)
    except SymbolError:
        return
    assert found >= 0
