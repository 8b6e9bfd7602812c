"""What the benchmark of instructions says follows from what was counted; nothing is counted here."""

from collections.abc import Iterable

import numpy as np
import pytest

from benchmarks import instructions
from benchmarks._counters import CYCLES, INSTRUCTIONS, Counts, Meter, Work, differences, parse, per_evaluation
from benchmarks.instructions import MANY, ONE, OURS, REFERENCE_ROW, Contestant, calls, events_of, joined, key, rows

DUMP = """# callgrind format
version: 1
creator: callgrind-3.19.0
cmd:  python -m benchmarks.instructions
desc: Trigger: Client Request

positions: line
events: Ir Dr
summary: 1234 99

fn=(1) f
calls=4 -20
* 364

totals: 1240 99
"""


CALLS: list[None] = []


def work() -> None:
    """Three evaluations."""
    CALLS.extend([None] * 3)


def meter(surroundings: Iterable[int]) -> Meter:
    """Ten instructions and a cycle for an evaluation of ``work``, and what surrounds each time more instructions."""
    more = iter(surroundings)

    def count(all_: Work) -> Counts:
        CALLS.clear()
        all_()
        return {INSTRUCTIONS: 10.0 * len(CALLS) + next(more), CYCLES: float(len(CALLS))}

    return count


def test_the_totals_of_a_dump_are_its_instructions_and_not_what_a_function_of_it_took() -> None:
    assert parse(DUMP) == {INSTRUCTIONS: 1240.0}


@pytest.mark.parametrize("dump", ["", DUMP.replace("totals: 1240 99", ""), DUMP.replace("Ir Dr", "Dr Dw")])
def test_a_dump_without_totals_of_instructions_is_refused(dump: str) -> None:
    with pytest.raises(ValueError, match="no totals of Ir"):
        parse(dump)


def test_what_surrounds_the_evaluations_cancels() -> None:
    found = per_evaluation(meter([5_000, 5_000]), work, repeats=4, evaluations=3)
    assert found == {INSTRUCTIONS: 10.0, CYCLES: 1.0}


def test_a_counter_that_only_grows_is_read_before_and_after() -> None:
    counts = iter([3.0, 10.0])
    assert differences(lambda: {CYCLES: next(counts)})(work) == {CYCLES: 7.0}


def test_one_disturbed_round_does_not_count() -> None:
    one, disturbed = Contestant(OURS, ONE, 8, work, 800), meter([0, 0, 0, 900, 0, 0])
    assert instructions.measured([one], disturbed, rounds=3) == {one.key: {INSTRUCTIONS: 0.0375, CYCLES: 0.00375}}


def test_evaluations_are_counted_where_they_are_made() -> None:
    assert calls(lambda f: [f(np.ones(2)) for _ in range(7)]) == 7


def test_a_row_has_an_event_by_evaluation_by_element_and_beside_c_of_its_own_group_and_n() -> None:
    field = [
        Contestant(name, group, n, work, 16)
        for n in (8, 100)
        for group in (ONE, MANY)
        for name in (REFERENCE_ROW, OURS)
    ]
    found = {one.key: {INSTRUCTIONS: 80.0 * (i + 1), CYCLES: 8.0} for i, one in enumerate(field)}
    columns, cells = rows(field, found)
    assert columns[3:] == [INSTRUCTIONS, "an element", "× C", CYCLES, "an element", "× C"]
    assert cells[1] == [OURS, "8", "16", "160", "20.0", "2.00", "8", "1.0", "1.00"]
    assert cells[7] == [OURS, "100", "16", "640", "6.4", "1.14", "8", "0.1", "1.00"]


def test_without_c_there_is_nothing_beside_it_and_that_is_said() -> None:
    one = Contestant(OURS, ONE, 8, work, 16)
    _, cells = rows([one], {one.key: {INSTRUCTIONS: 80.0}})
    assert cells == [[OURS, "8", "16", "80", "10.0", ""]]
    assert any("No C compiler" in note for note in instructions.missing({one.key: {INSTRUCTIONS: 80.0}}))


def test_without_counts_the_contestants_are_named_and_nothing_else() -> None:
    one = Contestant(OURS, ONE, 8, work, 16)
    assert rows([one], {}) == (["an evaluation within", "n", "evaluations a call"], [[OURS, "8", "16"]])


def test_counts_and_times_of_one_contestant_are_joined() -> None:
    name = key(OURS, ONE, 8)
    both = joined({name: {INSTRUCTIONS: 1.0}}, {name: {CYCLES: 2.0}})
    assert (both, events_of(both)) == ({name: {INSTRUCTIONS: 1.0, CYCLES: 2.0}}, [INSTRUCTIONS, CYCLES])


def test_where_nothing_can_count_that_is_said(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(instructions, "hardware", lambda: None)
    monkeypatch.setattr(instructions, "emulated", lambda *words: None)
    found, note = instructions.counted([], tmp_path)
    assert not found
    assert note.startswith("Not counted")


def test_the_counters_of_the_processor_come_first(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(instructions, "hardware", lambda: meter([7, 7]))
    monkeypatch.setattr(instructions, "emulated", lambda *words: pytest.fail("emulated"))
    found, _ = instructions.counted([Contestant(OURS, ONE, 8, work, 3)], tmp_path)
    assert found == {key(OURS, ONE, 8): {INSTRUCTIONS: 10.0, CYCLES: 1.0}}


def test_the_emulated_processor_is_named(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(instructions, "hardware", lambda: None)
    monkeypatch.setattr(instructions, "emulated", lambda *words: '{"cpu": "haswell", "found": {}}')
    assert "haswell" in instructions.counted([], tmp_path)[1]
