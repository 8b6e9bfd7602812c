"""results.jsonl keeps every case exactly, from the moment in which it finished."""

import json
import struct
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_audit import CASE, FAILED, RUN, literal_audit

from gradaudit.judge.verdict import Measures
from gradaudit.plan.case import Given
from gradaudit.record import Result
from gradaudit.report import OutputError, ResultsFile, _codec, read_results

RESULT = Result(CASE, FAILED)


def _stored(path: Path, *results: Result) -> Path:
    with ResultsFile(path, run_id=RUN.id) as file:
        for position, result in enumerate(results):
            file.append(result, position=position)
    return path


def test_results_come_back_as_the_dataclasses_they_were(tmp_path: Path) -> None:
    results = literal_audit().results
    again = read_results(_stored(tmp_path / "results.jsonl", *results))
    # By repr, which tells types and every digit apart and finds NaN equal to NaN.
    assert list(map(repr, again)) == list(map(repr, results))


def test_results_that_are_comparable_come_back_equal(tmp_path: Path) -> None:
    assert read_results(_stored(tmp_path / "results.jsonl", RESULT)) == [RESULT]


@given(value=st.floats(allow_nan=True, allow_infinity=True))
def test_every_float_round_trips_to_the_last_bit(value: float) -> None:
    line = _codec.dumps(Measures(bound=value))
    again = _codec.from_plain(Measures, _codec.loads(line)).bound
    assert struct.pack("d", again) == struct.pack("d", value) or (again != again and value != value)


WORDS = ["NaN", "Infinity", "-Infinity", "\\NaN", "\\\\-Infinity"]


@given(text=st.text() | st.sampled_from(WORDS))
def test_no_text_is_ever_taken_for_a_number(text: str) -> None:
    line = _codec.dumps(Given(((text, 1.0), text)))
    assert _codec.from_plain(Given, _codec.loads(line)) == Given(((text, 1.0), text))


plain_yaml = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.sampled_from(["$list", "$map"]),
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(st.text() | st.integers() | st.sampled_from(["$list", "$map", "$$"]), inner)
    ),
    max_leaves=8,
)


@given(value=plain_yaml)
def test_any_option_of_a_suite_comes_back_as_it_was(value: object) -> None:
    assert repr(_codec.from_plain(Given, _codec.loads(_codec.dumps(Given(value))))) == repr(Given(value))


def test_a_lone_surrogate_in_printed_text_survives(tmp_path: Path) -> None:
    strange = Result(CASE, replace(FAILED, printed="before \udcff after"))
    assert read_results(_stored(tmp_path / "results.jsonl", strange)) == [strange]


def test_numbers_that_json_lacks_are_strings(tmp_path: Path) -> None:
    measures = Measures(float("nan"), float("inf"), float("-inf"))
    line = json.loads(_codec.dumps(measures))
    found = line["error_over_tolerance"], line["max_abs_error"], line["max_rel_error"]
    assert found == ("NaN", "Infinity", "-Infinity")


def test_the_header_names_format_kind_and_run(tmp_path: Path) -> None:
    first = _stored(tmp_path / "results.jsonl").read_text().splitlines()[0]
    assert json.loads(first) == {"format": 1, "kind": "gradaudit results", "run": RUN.id}


def test_a_line_can_be_read_while_the_run_goes_on(tmp_path: Path) -> None:
    with ResultsFile(tmp_path / "results.jsonl", run_id=RUN.id) as file:
        file.append(RESULT, position=0)
        assert read_results(tmp_path / "results.jsonl") == [RESULT]


def test_results_come_in_plan_order_however_they_finished(tmp_path: Path) -> None:
    first, second = (replace(RESULT, case=replace(CASE, id=name)) for name in ("first", "second"))
    with ResultsFile(tmp_path / "results.jsonl", run_id=RUN.id) as file:
        file.append(second, position=1)
        file.append(first, position=0)
    assert read_results(tmp_path / "results.jsonl") == [first, second]


def test_a_case_that_was_run_again_counts_as_it_ended_last(tmp_path: Path) -> None:
    again = replace(RESULT, verdict=replace(FAILED, message="the second time"))
    with ResultsFile(tmp_path / "results.jsonl", run_id=RUN.id) as file:
        file.append(RESULT)
        file.append(again)
    assert read_results(tmp_path / "results.jsonl") == [again]


@pytest.mark.parametrize("lost", [1, 2, 40, 500])
def test_a_last_line_torn_by_a_dying_process_is_passed_over(tmp_path: Path, lost: int) -> None:
    other = replace(RESULT, case=replace(CASE, id="other"))
    path = _stored(tmp_path / "results.jsonl", RESULT, other)
    path.write_bytes(path.read_bytes()[:-lost])
    assert read_results(path) == ([RESULT, other] if lost == 1 else [RESULT])


def test_a_damaged_line_in_the_middle_is_named(tmp_path: Path) -> None:
    path = _stored(tmp_path / "results.jsonl", RESULT, RESULT)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], lines[1][:50], lines[2], ""]))
    with pytest.raises(OutputError, match=r"results\.jsonl:2: damaged result"):
        read_results(path)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "results.jsonl").write_text('{"some": "thing"}\n')
    with pytest.raises(OutputError, match=r"results\.jsonl:1: not a results file"):
        read_results(tmp_path / "results.jsonl")


def test_a_newer_format_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "results.jsonl").write_text('{"format": 2, "kind": "gradaudit results"}\n')
    with pytest.raises(OutputError, match=r"format 2, allowed up to 1; upgrade"):
        read_results(tmp_path / "results.jsonl")


def test_a_missing_file_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot read"):
        read_results(tmp_path / "results.jsonl")


def test_an_unwritable_place_is_refused_when_the_file_is_opened(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=r"cannot write .*results\.jsonl"):
        ResultsFile(tmp_path / "file" / "results.jsonl", run_id=RUN.id)


def test_fields_of_a_later_version_are_passed_over_and_missing_ones_take_their_default() -> None:
    read = _codec.from_plain(Measures, {"bound": 0.5, "invented_later": 1})
    assert (read.bound, read.evaluations) == (0.5, 0)
