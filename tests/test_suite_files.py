"""The only code that opens files: suites as UTF-8, arrays without pickle."""

import os
from pathlib import Path

import numpy as np
import pytest

from gradaudit.suite.files import LARGEST_SUITE, FileError, read_array, read_text


def test_text_is_utf_8_and_a_byte_order_mark_is_no_part_of_it(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_bytes(b"\xef\xbb\xbfversion: 1 # \xc3\xa4")
    assert read_text(tmp_path / "s.yaml") == "version: 1 # ä"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a: 1\nb: \xff\n", "byte 0xff in line 2 is not UTF-8"),
        ("a: 1".encode("utf-16"), "UTF-16"),
        (b"#" * (LARGEST_SUITE + 1), "larger than 4 MB"),
    ],
)
def test_text_that_is_no_suite_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "s.yaml").write_bytes(content)
    with pytest.raises(FileError, match=words):
        read_text(tmp_path / "s.yaml")


def test_a_folder_a_missing_file_and_an_impossible_name_are_told_apart(tmp_path: Path) -> None:
    for path, words in ((tmp_path, "folder"), (tmp_path / "no.yaml", "no such file"), (Path("a" * 5000), "too long")):
        with pytest.raises(FileError, match=words):
            read_text(path)


def test_arrays_are_read_from_every_format(tmp_path: Path) -> None:
    array = np.array([[1.5, 2.0], [3.0, -4.0]])
    np.save(tmp_path / "a.npy", array)
    np.savez(tmp_path / "a.npz", theta=array)
    (tmp_path / "a.csv").write_text("x,y\n1.5,2\n3,-4\n")
    (tmp_path / "a.txt").write_text("# a comment\n\n1.5 2\n3 -4\n")
    for name in ("a.npy", "a.npz", "a.csv", "a.txt"):
        np.testing.assert_array_equal(read_array(tmp_path / name), array)


@pytest.mark.parametrize("table", ["5\n", "x\n5\n", "1\n2\n3\n", "1,2,3\n"])
def test_a_table_of_one_row_or_column_has_one_dimension(tmp_path: Path, table: str) -> None:
    (tmp_path / "a.csv").write_text(table)
    assert read_array(tmp_path / "a.csv").ndim == 1


def test_the_key_chooses_an_array_and_a_wrong_one_lists_what_is_there(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", first=np.arange(2), second=np.arange(3))
    assert read_array(tmp_path / "a.npz", "second").shape == (3,)
    for key in (None, "third"):
        with pytest.raises(FileError, match="first, second"):
            read_array(tmp_path / "a.npz", key)


class Planted:
    """An object whose unpickling would leave a trace."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("pickle-was-executed",)


@pytest.mark.parametrize("name", ["evil.npy", "evil.npz"])
def test_pickles_are_never_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    evil = np.array([Planted()], dtype=object)
    if name.endswith("npy"):
        np.save(tmp_path / name, evil, allow_pickle=True)
    else:
        np.savez(tmp_path / name, a=evil)
    with pytest.raises(FileError, match="cannot be read"):
        read_array(tmp_path / name)
    assert not (tmp_path / "pickle-was-executed").exists()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.npy", b"not an array", "cannot be read"),
        ("a.npz", b"PK\x03\x04 torn", "cannot be read"),
        ("a.npz", b"\x93NUMPY", "no .npz archive"),
        ("a.csv", b"x,y\n", "no numbers"),
        ("a.csv", b"1,2\n3,four\n", "cannot be read"),
        ("a.csv", b"1,2\n3\n", "cannot be read"),
        ("a.csv", b"\xff\xfe1", "cannot be read"),
        ("a.pkl", b"", "suffix '.pkl'"),
    ],
)
def test_a_broken_array_file_gives_a_sentence(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FileError, match=words):
        read_array(tmp_path / name)


def test_text_in_an_array_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array(["a"]))
    with pytest.raises(FileError, match="real numbers"):
        read_array(tmp_path / "a.npy")


def test_a_key_for_a_file_of_one_array_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(2))
    with pytest.raises(FileError, match=r"'key' is for .npz"):
        read_array(tmp_path / "a.npy", "theta")
