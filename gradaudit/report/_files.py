"""Files appear whole or not at all, and a place that cannot be written is refused before anything is measured."""

import errno
import os
import tempfile
from pathlib import Path

from gradaudit.report._disk import sync_folder

#: Errors of a place that was in order when the run began, and is so no longer.
_BREAKAGE = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG, errno.ENOMEM, errno.ENODEV, errno.ESTALE}


class OutputError(Exception):
    """An output that cannot be written or read, or a format that nobody renders; the message says what to do."""


class OutputBroken(OutputError):
    """A disk that is full or out of order: no fault of the command. What stood there before is as it was."""


def write_whole(path: Path, text: str) -> None:
    """Write `text` as UTF-8 to `path` so that a reader sees the old file or the new one, never a part.

    Missing folders are made. A device or a pipe (``/dev/stdout``) is written to, not replaced.
    Raises OutputError where the place cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8", newline="\n")
        else:
            _replace(path.resolve(), text)
    except OSError as error:
        raise unwritable(path, error) from error


def require_writable(path: Path) -> None:
    """Make the folder of `path` and try to write in it.

    Raises OutputError where a later write would be refused; leaves no file behind.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not path.exists() or path.is_file():
            tempfile.TemporaryFile(dir=path.resolve().parent).close()
    except OSError as error:
        raise unwritable(path, error) from error


def unwritable(path: Path, error: OSError, *, remedy: str = "choose another place with -o PATH") -> OutputError:
    """The error to raise for an `error` of the operating system at `path`."""
    if error.errno in _BREAKAGE:
        return OutputBroken(f"cannot write {path}: {error.strerror}; make room there, and try again")
    # Making a folder where a file stands fails with "File exists", which would puzzle a reader.
    reason = "a file stands where its folder should be" if isinstance(error, FileExistsError) else error.strerror
    return OutputError(f"cannot write {path}: {reason}; {remedy}")


def _replace(path: Path, text: str) -> None:
    # Not tempfile's: its files are private to the user, and a report is to be read by others.
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
        sync_folder(path.parent)
    finally:
        part.unlink(missing_ok=True)
