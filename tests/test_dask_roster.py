"""Which dask workers may take a case, from what the scheduler says of them."""

import pytest

from gradaudit.backends._dask_roster import SILENCE, Roster

LONG = SILENCE + 1.0


def test_all_workers_may_take_cases_where_nobody_is_in_trouble():
    roster = Roster()
    assert roster.update({"a": 0.1, "b": 0.2}) == []
    assert roster.targets() is None


def test_a_worker_that_is_silent_gets_no_case_until_it_is_heard_of():
    roster = Roster()
    roster.update({"a": LONG, "b": 0.0})
    assert roster.targets() == {"b"}
    assert roster.is_silent(["a"])
    assert not roster.is_silent(["a", "b"])  # the other one has it too
    assert not roster.is_silent([])
    roster.update({"a": 0.0, "b": 0.0})
    assert roster.targets() is None


def test_an_overdue_worker_gets_no_case_until_it_begins_or_ends_one():
    roster = Roster()
    roster.update({"a": 0.0, "b": 0.0})
    roster.suspect(["a"])
    roster.update({})  # the scheduler says nothing for a while
    roster.update({"a": 0.0, "b": 0.0})
    assert roster.targets() == {"b"}
    assert roster.is_overdue(["a"])
    roster.heard("a")
    assert roster.targets() is None


def test_a_worker_that_joins_later_is_asked_once_and_used_when_it_is_in_order():
    roster = Roster(["a"])
    assert roster.update({"a": 0.0, "b": 0.0}) == ["b"]
    assert roster.update({"a": 0.0, "b": 0.0}) == []
    assert roster.targets() == {"a"}
    roster.judge("b", "")
    assert roster.targets() == {"a", "b"}


def test_a_worker_that_joins_later_and_lacks_something_is_never_used():
    roster = Roster(["a"])
    roster.update({"a": 0.0, "b": 0.0})
    roster.judge("b", "worker b has no numpy")
    roster.update({"b": 0.0})
    assert roster.targets() == {"a"}  # which may come back
    assert not roster.is_hopeful()
    assert roster.refused() == ["worker b has no numpy"]


@pytest.mark.parametrize("question", [Roster.refused, Roster.is_hopeful])
def test_a_newcomer_may_be_judged_in_the_middle_of_a_question(question):
    class Meanwhile(str):
        """A reason, during whose reading another thread admits the next worker."""

        def __bool__(self) -> bool:
            if asked and not admitted:
                admitted.append("c")
                roster.judge("c", "")
            return True

    roster, asked, admitted = Roster(["a"]), [], []
    roster.update({"b": 0.0, "c": 0.0, "d": 0.0})
    roster.judge("b", Meanwhile("no numpy"))
    asked.append(question)
    question(roster)
    assert admitted == ["c"]


def test_there_is_hope_while_the_only_worker_is_being_asked():
    roster = Roster(["a"])
    roster.update({"b": 0.0})
    assert not roster.usable()
    assert roster.is_hopeful()


def test_there_is_none_where_all_are_silent():
    roster = Roster()
    roster.update({"a": LONG, "b": LONG})
    assert not roster.is_hopeful()
    assert roster.targets() is None  # somebody may be back
