"""results.jsonl keeps every case exactly, from the moment in which it finished."""

import errno
import json
import os
import re
import struct
import threading
import time
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_audit import CASE, FAILED, RUN, literal_audit

from gradaudit.judge.verdict import Measures, Status, Verdict
from gradaudit.plan.case import Case, Given, Settings
from gradaudit.plan.fingerprint import planned
from gradaudit.report import OutputBroken, OutputError, ResultsFile, _codec, _lines, jsonl, read_stored, run_json
from gradaudit.running.record import Audit, Result, Run

RESULT = Result(CASE, FAILED)
OTHER = Result(replace(CASE, id="other"), replace(FAILED, id="other"))


def _open(path: Path, *results: Result) -> ResultsFile:
    """A new file of a run that is to have these results."""
    return ResultsFile.create(path, RUN, planned(result.case for result in results))


def _stored(path: Path, *results: Result) -> Path:
    with _open(path, *results) as file:
        for result in results:
            file.append(result)
    return path


def _results(path: Path) -> list[Result]:
    return list(read_stored(path).results.values())


def test_results_come_back_as_the_dataclasses_they_were(tmp_path: Path) -> None:
    results = literal_audit().results
    again = _results(_stored(tmp_path / "results.jsonl", *results))
    # By repr, which tells types and every digit apart and finds NaN equal to NaN.
    assert list(map(repr, again)) == list(map(repr, results))


def test_results_that_are_comparable_come_back_equal(tmp_path: Path) -> None:
    assert _results(_stored(tmp_path / "results.jsonl", RESULT)) == [RESULT]


@given(value=st.floats(allow_nan=True, allow_infinity=True))
def test_every_float_round_trips_to_the_last_bit(value: float) -> None:
    line = _codec.dumps(Measures(bound=value))
    again = _codec.from_plain(Measures, json.loads(line)).bound
    assert struct.pack("d", again) == struct.pack("d", value) or (again != again and value != value)


WORDS = ["NaN", "Infinity", "-Infinity", "\\NaN", "\\\\-Infinity"]


@given(text=st.text() | st.sampled_from(WORDS))
def test_no_text_is_ever_taken_for_a_number(text: str) -> None:
    line = _codec.dumps(Given(((text, 1.0), text)))
    assert _codec.from_plain(Given, json.loads(line)) == Given(((text, 1.0), text))


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
    assert repr(_codec.from_plain(Given, json.loads(_codec.dumps(Given(value))))) == repr(Given(value))


def test_a_lone_surrogate_in_printed_text_survives(tmp_path: Path) -> None:
    strange = Result(CASE, replace(FAILED, printed="before \udcff after"))
    assert _results(_stored(tmp_path / "results.jsonl", strange)) == [strange]


def test_numbers_that_json_lacks_are_strings() -> None:
    measures = Measures(float("nan"), float("inf"), float("-inf"))
    line = json.loads(_codec.dumps(measures))
    found = line["error_over_tolerance"], line["max_abs_error"], line["max_rel_error"]
    assert found == ("NaN", "Infinity", "-Infinity")


def test_fields_of_a_later_version_are_passed_over_and_missing_ones_take_their_default() -> None:
    read = _codec.from_plain(Measures, {"bound": 0.5, "invented_later": 1})
    assert (read.bound, read.evaluations) == (0.5, 0)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (Measures, {"bound": "0.5"}),
        (Measures, {"evaluations": 1.5}),
        (Measures, ()),
        (Run, {"id": 5}),
        (Case, {"id": "a", "tags": "fast"}),
        (Case, {"id": "a", "seed": True}),
        (Settings, {"method": "guess"}),
        (Verdict, {"id": "a", "status": "perhaps"}),
        (Run, {"shard": {"index": 3, "count": 2}}),
    ],
)
def test_data_of_another_type_is_refused_where_it_stands(kind: type, data: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        _codec.from_plain(kind, data)


# the file


def test_the_first_line_has_format_kind_run_and_plan(tmp_path: Path) -> None:
    first = json.loads(_stored(tmp_path / "results.jsonl", RESULT, OTHER).read_text().splitlines()[0])
    assert (first["format"], first["kind"], first["run"]["id"]) == (2, "gradaudit results", RUN.id)
    assert [one["id"] for one in first["plan"]] == [CASE.id, "other"]


def test_every_line_is_json_and_ends_with_the_checksum_of_what_precedes_it(tmp_path: Path) -> None:
    for line in _stored(tmp_path / "results.jsonl", RESULT, OTHER).read_bytes().splitlines():
        body = line[: line.index(b',"crc":')]
        assert json.loads(line)["crc"] == f"{zlib.crc32(body):08x}"


def test_a_line_can_be_read_while_the_run_goes_on(tmp_path: Path) -> None:
    with _open(tmp_path / "results.jsonl", RESULT, OTHER) as file:
        file.append(RESULT)
        stored = read_stored(tmp_path / "results.jsonl")
    assert list(stored.results.values()) == [RESULT]
    assert (stored.missing(), stored.run.complete) == (["other"], False)


def test_results_come_in_plan_order_however_they_finished(tmp_path: Path) -> None:
    with _open(tmp_path / "results.jsonl", RESULT, OTHER) as file:
        file.append(OTHER)
        file.append(RESULT)
    assert _results(tmp_path / "results.jsonl") == [RESULT, OTHER]


def test_a_case_that_was_run_again_counts_as_it_ended_last(tmp_path: Path) -> None:
    again = replace(RESULT, verdict=replace(FAILED, message="the second time"))
    with _open(tmp_path / "results.jsonl", RESULT) as file:
        file.append(RESULT)
        file.append(again)
    assert _results(tmp_path / "results.jsonl") == [again]


def test_the_end_says_how_long_it_took_and_a_run_that_was_stopped_early_is_not_complete(tmp_path: Path) -> None:
    with _open(tmp_path / "results.jsonl", RESULT, OTHER) as file:
        file.append(RESULT)
        file.end(replace(RUN, duration_s=7.5, complete=False))
    run = read_stored(tmp_path / "results.jsonl").run
    assert (run.duration_s, run.complete) == (7.5, False)


def test_an_audit_comes_back_whole_from_the_one_file(tmp_path: Path) -> None:
    (tmp_path / "night.jsonl").write_text(jsonl.render(literal_audit()))
    again = read_stored(tmp_path / "night.jsonl").audit()
    assert again.run == literal_audit().run
    assert repr(again.results) == repr(literal_audit().results)


@pytest.mark.parametrize("lost", [1, 2, 40, 500])
def test_a_last_line_torn_by_a_dying_process_is_passed_over_and_its_case_missing(tmp_path: Path, lost: int) -> None:
    path = _stored(tmp_path / "results.jsonl", RESULT, OTHER)
    path.write_bytes(path.read_bytes()[:-lost])
    stored = read_stored(path)
    assert (list(stored.results), stored.missing(), stored.damaged) == ([CASE.id], ["other"], ())
    assert not stored.audit().run.complete


@pytest.mark.parametrize("lost", [0, 1, 40, 500])
def test_a_file_that_is_resumed_loses_its_torn_line_and_no_other(tmp_path: Path, lost: int) -> None:
    path = _stored(tmp_path / "results.jsonl", RESULT, OTHER)
    path.write_bytes(path.read_bytes()[: -lost or None])
    with ResultsFile.resume(path, RUN, planned([CASE, OTHER.case])) as file:
        file.append(OTHER)
    stored = read_stored(path)
    assert (list(stored.results.values()), stored.damaged) == ([RESULT, OTHER], ())


def test_after_a_resume_only_results_of_the_new_plan_count(tmp_path: Path) -> None:
    path = _stored(tmp_path / "results.jsonl", RESULT, OTHER)
    changed = replace(OTHER.case, seed=1)
    ResultsFile.resume(path, RUN, planned([CASE, changed])).close()
    assert read_stored(path).missing() == ["other"]


def test_a_damaged_line_that_took_its_case_is_named_with_what_brings_it_back(tmp_path: Path) -> None:
    path = _stored(tmp_path / "results.jsonl", RESULT, OTHER)
    path.write_bytes(path.read_bytes().replace(b"analytic", b"analytik", 1))
    with pytest.raises(OutputError, match=rf"results\.jsonl:2: damaged result: its checksum .* --resume {RUN.id}"):
        read_stored(path).audit()


def test_a_damaged_line_is_harmless_where_its_case_stands_again_below(tmp_path: Path) -> None:
    path = _stored(tmp_path / "results.jsonl", RESULT)
    path.write_bytes(path.read_bytes().replace(b"analytic", b"analytik", 1))
    with ResultsFile.resume(path, RUN, planned([CASE])) as file:
        file.append(RESULT)
    assert read_stored(path).audit().results == (RESULT,)


@given(position=st.integers(0), bit=st.integers(0, 7))
def test_no_flipped_bit_goes_unnoticed(position: int, bit: int) -> None:
    line = _lines.sealed({"case": "a", "verdict": {"status": "pass", "numbers": (1.5, 2)}})[:-1]
    flipped = bytearray(line)
    flipped[position % len(line)] ^= 1 << bit
    assert _lines.opened(line)["case"] == "a"
    with pytest.raises(_lines.Damaged):
        _lines.opened(bytes(flipped))


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "results.jsonl").write_text('{"some": "thing"}\n')
    with pytest.raises(OutputError, match=r"results\.jsonl:1: not a results file"):
        read_stored(tmp_path / "results.jsonl")


def test_a_newer_format_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "results.jsonl").write_text('{"format": 3, "kind": "gradaudit results"}\n')
    with pytest.raises(OutputError, match=r"format 3, allowed up to 2; upgrade"):
        read_stored(tmp_path / "results.jsonl")


def test_a_missing_file_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot read"):
        read_stored(tmp_path / "results.jsonl")


def test_an_unwritable_place_is_refused_when_the_file_is_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=r"cannot write .*results\.jsonl"):
        _open(tmp_path / "file" / "results.jsonl")


def test_the_results_of_another_run_are_never_replaced(tmp_path: Path) -> None:
    path = _stored(tmp_path / "results.jsonl", RESULT)
    with pytest.raises(OutputError, match="another run has left its results there"):
        _open(path)
    assert _results(path) == [RESULT]


def test_two_runs_cannot_write_one_file(tmp_path: Path) -> None:
    with _open(tmp_path / "results.jsonl", RESULT) as file:
        with pytest.raises(OutputError, match="another run is writing it; wait for its end"):
            ResultsFile.resume(tmp_path / "results.jsonl", RUN, planned([CASE]))
        file.append(RESULT)
    assert _results(tmp_path / "results.jsonl") == [RESULT]


def test_a_disk_that_was_full_before_the_first_line_is_told_by_the_file_and_keeps_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(descriptor: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "run" / "results.jsonl"
    monkeypatch.setattr("os.write", write)
    with pytest.raises(OutputBroken, match=f"^cannot write {re.escape(str(path))}: No space left on device"):
        ResultsFile.create(path, RUN, ())
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_takes_back_the_line_that_it_cut_and_harms_no_other(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "results.jsonl"
    write = os.write
    room = iter([100, None])

    def short(descriptor: int, data: bytes) -> int:
        left = next(room)
        if left is None:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data[:left])

    with _open(path, RESULT, OTHER) as file:
        file.append(RESULT)
        before = path.read_bytes()
        monkeypatch.setattr("os.write", short)
        with pytest.raises(OutputBroken, match="No space left on device; make room there"):
            file.append(OTHER)
        monkeypatch.undo()
        assert path.read_bytes() == before
        file.append(OTHER)
    assert _results(path) == [RESULT, OTHER]


def test_a_resume_that_fails_lets_the_file_go(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "results.jsonl"
    with _open(path, RESULT) as file:
        file.append(RESULT)

    def full(descriptor: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.write", full)
    with pytest.raises(OutputBroken, match="No space left on device"):
        ResultsFile.resume(path, RUN, planned([CASE]))
    monkeypatch.undo()
    with ResultsFile.resume(path, RUN, planned([CASE])):  # nobody holds its lock
        assert _results(path) == [RESULT]


def test_the_disk_gets_what_was_written_though_nothing_follows_it(tmp_path: Path, monkeypatch) -> None:
    synced = threading.Event()
    fsync = os.fsync
    monkeypatch.setattr("gradaudit.report._disk.EVERY", 0.01)
    with _open(tmp_path / "results.jsonl", RESULT) as file:
        monkeypatch.setattr("os.fsync", lambda descriptor: (fsync(descriptor), synced.set()))
        file.append(RESULT)
        assert synced.wait(20)  # by the thread: nobody has closed the file
        synced.clear()
    assert synced.is_set()


def test_a_disk_that_fails_later_is_told_to_the_next_write(tmp_path: Path, monkeypatch) -> None:
    failed = threading.Event()

    def failing(descriptor: int) -> None:
        failed.set()
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("gradaudit.report._disk.EVERY", 0.01)
    file = _open(tmp_path / "results.jsonl", RESULT, OTHER)
    monkeypatch.setattr("os.fsync", failing)
    file.append(RESULT)
    assert failed.wait(20)
    while not file._syncing._problem:  # the thread may take a moment to tell
        time.sleep(0.001)
    with pytest.raises(OutputBroken, match="Input/output error"):
        file.append(OTHER)
    with pytest.raises(OutputBroken, match="Input/output error"):
        file.close()


# format 1


def _first_format(folder: Path) -> Path:
    """What the first version of gradaudit left: the run beside it, no checksums, positions for the order."""
    lines = [
        {"position": 1, "case": OTHER.case, "verdict": OTHER.verdict},
        {"position": 0, "case": CASE, "verdict": FAILED},
    ]
    header = _codec.dumps({"format": 1, "kind": "gradaudit results", "run": RUN.id})
    (folder / "results.jsonl").write_text("\n".join([header, *map(_codec.dumps, lines), ""]))
    (folder / "run.json").write_text(run_json.render(Audit(RUN, ())))
    return folder / "results.jsonl"


def test_results_of_the_first_format_are_read_in_plan_order(tmp_path: Path) -> None:
    audit = read_stored(_first_format(tmp_path)).audit()
    assert (audit.run, audit.results) == (RUN, (RESULT, OTHER))


@pytest.mark.parametrize(
    ("text", "said"),
    [(None, "No such file or directory; the results beside it need it"), ("{}", "'kind'.*run the suite again")],
)
def test_a_run_that_cannot_be_read_beside_results_of_the_first_format_is_named(
    tmp_path: Path, text: str | None, said: str
) -> None:
    path = _first_format(tmp_path)
    (tmp_path / "run.json").write_text(text) if text else (tmp_path / "run.json").unlink()
    with pytest.raises(OutputError, match=f"run.json: .*{said}"):
        read_stored(path)


def test_a_torn_last_line_of_the_first_format_is_passed_over(tmp_path: Path) -> None:
    path = _first_format(tmp_path)
    path.write_bytes(path.read_bytes()[:-40])
    assert _results(path) == [OTHER]


def test_a_damaged_line_in_the_middle_of_the_first_format_is_named(tmp_path: Path) -> None:
    path = _first_format(tmp_path)
    first, second, third, end = path.read_text().split("\n")
    path.write_text("\n".join([first, second[:50], third, end]))
    with pytest.raises(OutputError, match=r"results\.jsonl:2: damaged result"):
        read_stored(path)


def test_a_brief_reading_takes_a_verdict_that_is_none_for_a_damaged_line(tmp_path: Path) -> None:
    line = _lines.sealed({"fingerprint": "f", "case": CASE, "verdict": 7})
    path = tmp_path / "results.jsonl"
    path.write_bytes(_lines.sealed(jsonl.head(RUN, ())) + line)
    assert [number for number, _ in read_stored(path, brief=True).damaged] == [2]


def test_a_brief_reading_leaves_out_evidence_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "results.jsonl"
    file.write_text(jsonl.render(literal_audit()))
    whole, brief = read_stored(file), read_stored(file, brief=True)
    assert any(result.verdict.curves for result in whole.results.values())
    empty = {name: getattr(Verdict("", Status.PASS), name) for name in jsonl.EVIDENCE}
    bare = {id_: replace(found, verdict=replace(found.verdict, **empty)) for id_, found in whole.results.items()}
    assert repr(brief.results) == repr(bare)
    assert (brief.run, brief.plan, brief.length) == (whole.run, whole.plan, whole.length)


def test_a_reading_of_some_cases_leaves_out_the_others_and_changes_none(tmp_path: Path) -> None:
    file = tmp_path / "results.jsonl"
    file.write_text(jsonl.render(literal_audit()))
    whole = read_stored(file)
    ids = list(whole.results)[1:3]
    some = read_stored(file, only=ids)
    assert repr(some.results) == repr({id_: whole.results[id_] for id_ in ids})
    assert (some.run, some.length, some.missing()) == (whole.run, whole.length, [])
