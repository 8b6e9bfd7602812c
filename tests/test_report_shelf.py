"""Every format renders the same audit; outputs are chosen by their ending and written whole or not at all."""

import os
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from report_audit import HOSTILE, literal_audit

from gradaudit import report
from gradaudit.running.record import Audit

FORMATS = sorted(report.formats().items())
NAMES = [suffix for suffix, _ in FORMATS]


def test_the_contract_s_formats_are_on_the_shelf() -> None:
    assert {".html", ".csv", ".json", ".jsonl", ".junit.xml", ".md"} <= set(NAMES)


@pytest.mark.parametrize(("suffix", "format_"), FORMATS, ids=NAMES)
def test_every_format_renders_the_hostile_audit_as_encodable_text(suffix: str, format_: ModuleType) -> None:
    text = format_.render(literal_audit())
    text.encode("utf-8")
    assert "losses.huber" in text or "nightly" in text
    assert not set(text) & set("\x00\x07\x1b\x85\u2028\u2029\u202e\ufffe\r")
    assert HOSTILE not in text


@pytest.mark.parametrize(("suffix", "format_"), FORMATS, ids=NAMES)
def test_every_format_renders_equal_audits_to_equal_bytes(suffix: str, format_: ModuleType) -> None:
    assert format_.render(literal_audit()) == format_.render(literal_audit())


@pytest.mark.parametrize(("suffix", "format_"), FORMATS, ids=NAMES)
def test_every_format_renders_a_run_of_which_nothing_is_known(suffix: str, format_: ModuleType) -> None:
    run = replace(literal_audit().run, files=(), arguments=(), versions={}, git={}, machine={})
    text = format_.render(Audit(run, ()))
    assert text.endswith("\n") or suffix == ".html"


@pytest.mark.parametrize(
    ("name", "beginning"),
    [
        ("night.junit.xml", "<?xml"),
        ("night.html", "<!doctype html>"),
        ("NIGHT.CSV", "id,status,"),
        ("night.jsonl", '{"format":2,"kind":"gradaudit results"'),
        ("night.json", '{\n "format": 1'),
        ("night.md", "<!-- gradaudit markdown, format 1 -->"),
    ],
)
def test_the_ending_of_the_name_chooses_the_format(tmp_path: Path, name: str, beginning: str) -> None:
    report.render(literal_audit(), tmp_path / "new" / "folder" / name)
    assert (tmp_path / "new" / "folder" / name).read_text(encoding="utf-8").startswith(beginning)


def test_half_an_ending_is_refused_with_the_whole_one() -> None:
    with pytest.raises(report.OutputError, match=r"did you mean build/night\.junit\.xml\?"):
        report.check([Path("build/night.xml")])


def test_an_unknown_ending_is_refused_with_the_endings_that_are_known(tmp_path: Path) -> None:
    with pytest.raises(report.OutputError, match=r"report\.pdf.*\.csv.*\.html.*\.junit\.xml"):
        report.check([tmp_path / "report.pdf"])


def test_a_place_that_cannot_be_written_is_refused_before_the_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(report.OutputError, match=r"cannot write .*report\.html: a file stands where .*-o PATH"):
        report.check([tmp_path / "file" / "report.html"])


def test_a_folder_in_the_place_of_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "report.html").mkdir()
    with pytest.raises(report.OutputError, match=r"report\.html: Is a directory"):
        report.check([tmp_path / "report.html"])


def test_a_file_that_is_to_hold_another_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    outer, inner = tmp_path / "a.csv", tmp_path / "a.csv" / "b.csv"
    for paths in ([outer, inner], [inner, outer]):
        with pytest.raises(report.OutputError, match=r"b\.csv: its folder would be .*a\.csv, which is to be a file"):
            report.check(paths)
    assert list(tmp_path.iterdir()) == []


def test_a_check_leaves_no_file_behind(tmp_path: Path) -> None:
    report.check([tmp_path / "report.html"])
    assert list(tmp_path.iterdir()) == []


def test_a_run_leaves_the_files_of_the_contract(tmp_path: Path) -> None:
    report.write_all(literal_audit(), tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    always = {"report.html", "results.csv", "elements.csv", "curves.csv", "results.jsonl", "run.json"}
    assert names == always | {"power.csv", "certificates.csv"}


def test_a_run_without_a_self_test_leaves_no_table_of_it(tmp_path: Path) -> None:
    report.write_all(Audit(literal_audit().run, literal_audit().results[:2]), tmp_path)
    assert not (tmp_path / "power.csv").exists()
    assert not (tmp_path / "certificates.csv").exists()


def test_results_that_were_appended_during_the_run_are_not_rewritten(tmp_path: Path) -> None:
    (tmp_path / "results.jsonl").write_text("the truth")
    report.write_all(literal_audit(), tmp_path)
    assert (tmp_path / "results.jsonl").read_text() == "the truth"


def test_what_a_run_left_reads_back_as_the_audit_that_it_was(tmp_path: Path) -> None:
    report.write_all(literal_audit(), tmp_path)
    again = report.read(tmp_path)
    assert again.run == literal_audit().run
    assert repr(again.results) == repr(literal_audit().results)  # by repr: NaN is not equal to itself


def test_a_failing_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "night.csv"
    target.write_text("old")
    monkeypatch.setattr("os.fsync", lambda descriptor: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(report.OutputError, match="No space left"):
        report.render(literal_audit(), target)
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["night.csv"]


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "night.txt"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        report.render(Audit(literal_audit().run, ()), pipe)
        assert os.read(reader, 100) == b"no case was run\n"
    finally:
        os.close(reader)
    assert pipe.is_fifo()


def test_latest_points_to_the_run_from_beside_its_folder(tmp_path: Path) -> None:
    report.write_latest(literal_audit(), tmp_path / "20261123-001500-ab12cd")
    assert '"run": "20261123-001500-ab12cd"' in (tmp_path / "latest.json").read_text()
