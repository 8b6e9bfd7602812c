"""The only code that opens files for a suite: its text, and arrays without pickle."""

import zipfile
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # NumPy is imported where an array is read: listing and validating a suite go without it
    import numpy as np
    from numpy.typing import NDArray

LARGEST_SUITE = 4 * 1024 * 1024  # bytes
ARRAY_SUFFIXES = (".npy", ".npz", ".csv", ".txt")


class FileError(Exception):
    """A file cannot be used: which, why, and the fix."""


def read_text(path: Path) -> str:
    """The text of a suite file: UTF-8, with or without a byte order mark, at most 4 MB.

    Raises FileError.
    """
    data = _read_bytes(path)
    if data.startswith((b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")):
        raise FileError("the file is UTF-16 or UTF-32; save it as UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise FileError(f"byte 0x{data[error.start]:02x} in line {line} is not UTF-8; save the file as UTF-8") from None


def read_array(file: str | Path, key: str | None = None) -> "NDArray[np.generic]":
    """The array in a .npy file, under ``key`` of a .npz archive, or in a .csv or .txt table; pickles are refused.

    A .csv is separated by commas, a .txt by white space; a first line that is no number is taken as its header; a table
    of one row or column has one dimension. Raises FileError.
    """
    path = Path(file)
    if not path.is_file():
        raise FileError(f"{path} is not a file")
    readers = {".npy": _read_npy, ".npz": _read_npz, ".csv": _read_table, ".txt": _read_table}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise FileError(f"{path.name}: suffix {path.suffix!r} is not an array file; allowed: {', '.join(readers)}")
    if key is not None and reader is not _read_npz:
        raise FileError(f"{path.name} holds one array: 'key' is for .npz archives")
    try:
        return reader(path, key)
    except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
        raise FileError(f"{path.name} cannot be read: {error}") from None


def _read_bytes(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise FileError("this is a folder; name the suite file in it")
        with path.open("rb") as stream:
            data = stream.read(LARGEST_SUITE + 1)
    except FileNotFoundError:
        raise FileError(f"no such file{_alike(path)}") from None
    except (OSError, ValueError) as error:
        raise FileError(f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if len(data) > LARGEST_SUITE:
        limit = f"larger than {LARGEST_SUITE // 1024**2} MB"
        raise FileError(f"{limit}; put arrays in files of their own, and split the suite with 'include:'")
    return data


def _alike(path: Path) -> str:
    """``; did you mean 'suite.yaml'?`` where a suite beside it is called nearly so."""
    names = [file.name for file in path.parent.glob("*.y*ml")]
    close = get_close_matches(path.name, names, n=1, cutoff=0.8)
    return f"; did you mean {str(path.with_name(close[0]))!r}?" if close else ""


def _read_npy(path: Path, _: str | None) -> "NDArray[np.generic]":
    from numpy.lib.format import read_array as read_npy

    with path.open("rb") as stream:
        return _real(read_npy(stream, allow_pickle=False), path.name)


def _read_npz(path: Path, key: str | None) -> "NDArray[np.generic]":
    import numpy as np

    if not zipfile.is_zipfile(path):
        raise FileError(f"{path.name} cannot be read: it is no .npz archive")
    # the file is opened here, for NumPy forgets to close what it opened and could not read
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
        names = list(archive.files)
        if key is None and len(names) != 1:
            raise FileError(f"{path.name} holds {len(names)} arrays; say which with 'key:', one of: {', '.join(names)}")
        chosen = names[0] if key is None else key
        if chosen not in names:
            raise FileError(f"{path.name} has no array {chosen!r}; allowed: {', '.join(names)}")
        return _real(archive[chosen], f"{path.name}[{chosen}]")


def _read_table(path: Path, _: str | None) -> "NDArray[np.generic]":
    import numpy as np

    text = path.read_text(encoding="utf-8-sig")
    lines = [line for line in text.splitlines() if line.split("#")[0].strip()]
    delimiter = "," if path.suffix.lower() == ".csv" else None
    header = bool(lines) and not _is_numeric(lines[0], delimiter)
    if len(lines) <= header:
        raise FileError(f"{path.name} holds no numbers")
    return np.loadtxt(lines[header:], delimiter=delimiter, ndmin=1)


def _is_numeric(line: str, delimiter: str | None) -> bool:
    try:
        [float(cell) for cell in line.split("#")[0].split(delimiter)]
    except ValueError:
        return False
    return True


def _real(array: "NDArray[np.generic]", name: str) -> "NDArray[np.generic]":
    if array.dtype.kind not in "fiub":
        raise FileError(f"{name} holds {array.dtype}; allowed: real numbers")
    return array
