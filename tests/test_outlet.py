"""Texts out of one pipe, each up to a mark that was foretold."""

import os
from collections.abc import Iterator

import pytest

from gradaudit.isolation.outlet import Outlet, Printed
from gradaudit.isolation.wire import mark

MARKS = [mark(number) for number in (0xA1A2A3A4A5A6A7A8, 0xB1B2B3B4B5B6B7B8, 0xC1C2C3C4C5C6C7C8)]


@pytest.fixture
def pipe() -> Iterator[tuple[Outlet, int]]:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    outlet = Outlet(reading)
    for one in MARKS:
        outlet.expect(one)
    yield outlet, writing
    for descriptor in (reading, writing):
        os.close(descriptor)


def test_texts_that_arrive_together_are_told_apart(pipe: tuple[Outlet, int]):
    outlet, writing = pipe
    os.write(writing, b"one" + MARKS[0] + MARKS[1] + b"three" + MARKS[2])
    assert [outlet.next() for _ in MARKS] == ["one", "", "three"]


@pytest.mark.parametrize("size", range(1, 12))
def test_a_mark_may_arrive_in_pieces(pipe: tuple[Outlet, int], size: int):
    outlet, writing = pipe
    stream = b"one" + MARKS[0] + b"two" + MARKS[1]
    for at in range(0, len(stream), size):
        os.write(writing, stream[at : at + size])
        outlet.take()
    assert [outlet.next(), outlet.next()] == ["one", "two"]


def test_where_no_mark_comes_the_text_is_all_that_there_is(pipe: tuple[Outlet, int]):
    outlet, writing = pipe
    os.write(writing, b"one" + MARKS[0][:5])
    assert outlet.next().startswith("one")
    os.write(writing, b"two" + MARKS[1])
    assert outlet.next() == "two"


def test_what_came_without_its_mark_so_far_can_be_seen(pipe: tuple[Outlet, int]):
    outlet, writing = pipe
    os.write(writing, b"one" + MARKS[0] + b"two")
    assert outlet.next() == "one"
    assert outlet.drain() == "two"
    os.write(writing, b" and more")
    assert outlet.drain() == "two and more"


def test_a_text_keeps_its_ends_however_long_it_is_and_the_next_one_is_whole(pipe: tuple[Outlet, int]):
    outlet, writing = pipe
    os.write(writing, b"begins")
    for _ in range(100):
        os.write(writing, b"." * 4096)
        outlet.take()
    os.write(writing, b"ends" + MARKS[0] + b"two" + MARKS[1])
    text = outlet.next()
    assert text.startswith("begins.")
    assert text.endswith(".ends")
    assert "bytes left out" in text
    assert len(text) < Printed.HEAD + Printed.TAIL + 100
    assert outlet.next() == "two"


def test_what_was_printed_is_forgotten_with_its_mark_where_that_is_wanted(pipe: tuple[Outlet, int]):
    outlet, writing = pipe
    os.write(writing, b"left over")
    outlet.clear()
    outlet.expect(MARKS[0])
    os.write(writing, b"one" + MARKS[0])
    assert outlet.next() == "one"
