"""The language of -k and select."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradaudit.plan.case import Case, Target
from gradaudit.plan.selection import Selection, SelectionError, predicate, unknown_ids


def case(name: str, *tags: str) -> Case:
    return Case(name, name, Target("m:f"), (), (), tags=tags)


CASES = (case("huber[n=1]", "fast", "loss"), case("huber[n=33]", "loss"), case("Conv2d", "fast"), case("or.not", "odd"))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("huber", [0, 1]),
        ("HUBER", [0, 1]),
        ("conv2D", [2]),
        ("n=33", [1]),
        ("huber[n=1]", [0]),
        ("tag:fast", [0, 2]),
        ("not tag:fast", [1, 3]),
        ("tag:fast and not conv", [0]),
        ("huber and n=1] or conv", [0, 2]),
        ("huber and (n=1] or conv)", [0]),
        ("not (huber or conv)", [3]),
        ("not not conv", [2]),
        ("id:Conv2d", [2]),
        ("id:conv2d", []),
        ("tag:fas", []),
        ('"or.not"', [3]),
        ("notable", []),
        ("tag:", []),
    ],
)
def test_an_expression_selects_by_part_of_the_id_tag_or_whole_id(expression: str, expected: list[int]) -> None:
    assert [i for i, each in enumerate(CASES) if predicate(expression)(each)] == expected


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("", "the expression is empty"),
        ("huber and", "a word is missing at the end"),
        ("and huber", "a word is missing before 'and'"),
        ("(huber", "')' is missing"),
        ("huber)", "'and' or 'or' expected before ')'"),
        ("huber conv", "'and' or 'or' expected before 'conv'"),
        ("not", "a word is missing at the end"),
        ("'huber", "a quote is not closed"),
        ("(" * 1000, "nested too deep"),
        ("not " * 1000 + "a", "nested too deep"),
    ],
)
def test_a_broken_expression_says_where(expression: str, words: str) -> None:
    with pytest.raises(SelectionError) as caught:
        predicate(expression)
    assert words in str(caught.value)


@given(st.text(alphabet="ab()\"' notandor:tag", max_size=30))
def test_any_text_is_an_expression_or_refused(text: str) -> None:
    try:
        found = predicate(text)
    except SelectionError:
        return
    assert found(CASES[0]) in (True, False)


def test_an_unknown_id_is_named_with_the_nearest() -> None:
    selection = Selection(ids=("Conv2d", "huber[n=3]"))
    assert unknown_ids(selection, CASES) == ["no case has the id 'huber[n=3]'; did you mean 'huber[n=33]'?"]
