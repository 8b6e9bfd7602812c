"""The results file while a run is going on: locked against a second run, and appended to, line by line.

A line has reached the operating system when ``append`` returns, so that ``kill -9`` costs nothing that had finished;
the disk follows within a second, which is what a power failure may cost. A write that fails takes back what it had
written of its line.
"""

import fcntl
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from gradaudit.plan.fingerprint import Planned
from gradaudit.report import _lines
from gradaudit.report._disk import Syncing, sync_folder
from gradaudit.report._files import OutputError, unwritable
from gradaudit.report.jsonl import end_line, head, read_stored, result_line
from gradaudit.running.record import Result, Run

REMEDY = "make it writable, or run in another folder"


class ResultsFile:
    """``results.jsonl``, open from before the first measurement until after the last report. Use as a context."""

    def __init__(self, path: Path, descriptor: int, plan: Sequence[Planned]) -> None:
        self.path = path
        self._descriptor = descriptor
        self._fingerprints: Mapping[str, str] = {one.id: one.fingerprint for one in plan}
        self._length = os.lseek(descriptor, 0, os.SEEK_END)
        self._syncing = Syncing(descriptor)

    @classmethod
    def create(cls, path: Path, run: Run, plan: Sequence[Planned]) -> "ResultsFile":
        """A new file, which appears with its first line whole.

        Raises OutputError where one is there already, or the place cannot be written.
        """
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists():
                raise OutputError(f"cannot write {path}: another run has left its results there; choose another place")
            file = cls(path, _locked(part, os.O_CREAT | os.O_TRUNC), plan)
            try:
                file._write(_lines.sealed(head(run, plan)))
                os.rename(part, path)
            except BaseException:
                part.unlink(missing_ok=True)
                with suppress(OSError):  # other files are there
                    path.parent.rmdir()
                file.close()
                raise
        except OSError as error:
            raise unwritable(path, error, remedy=REMEDY) from error
        sync_folder(path.parent)
        return file

    @classmethod
    def resume(cls, path: Path, run: Run, plan: Sequence[Planned]) -> "ResultsFile":
        """Go on with a file: a torn last line is cut off, and ``run`` and ``plan`` hold from now on.

        Raises OutputError where another process is writing it, or it cannot be read or written.
        """
        try:
            descriptor = _locked(path, 0)
            try:
                for part in path.parent.glob(".*.part"):  # of a process that was killed while it wrote a report
                    part.unlink(missing_ok=True)
                os.ftruncate(descriptor, read_stored(path).length)
            except BaseException:
                os.close(descriptor)
                raise
        except OSError as error:
            raise unwritable(path, error, remedy=REMEDY) from error
        file = cls(path, descriptor, plan)
        try:
            file._write(_lines.sealed(head(run, plan)))
        except BaseException:
            file.close()
            raise
        return file

    def append(self, result: Result, *, elapsed_s: float | None = None) -> None:
        """Write one finished case, ``elapsed_s`` after the beginning of the run; of a case that is written twice, the
        last line counts."""
        fingerprint = self._fingerprints.get(result.case.id, "")
        self._write(_lines.sealed(result_line(result, fingerprint, elapsed_s=elapsed_s)))

    def end(self, run: Run) -> None:
        """Write how long the run took, and whether it is complete."""
        self._write(_lines.sealed(end_line(run)))

    def close(self) -> None:
        """Make sure that the disk has everything, and close. Closing twice is harmless."""
        if self._descriptor < 0:
            return
        try:
            self._syncing.close()
        except OSError as error:
            raise unwritable(self.path, error, remedy=REMEDY) from error
        finally:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write(self, line: bytes) -> None:
        try:
            rest = memoryview(line)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
            self._syncing.written()
        except OSError as error:
            self._take_back()
            raise unwritable(self.path, error, remedy=REMEDY) from error
        except BaseException:  # Ctrl-C in the middle of a line
            self._take_back()
            raise
        self._length += len(line)

    def _take_back(self) -> None:
        with suppress(OSError):
            os.ftruncate(self._descriptor, self._length)


def is_being_written(path: Path) -> bool:
    """Whether a run is writing this results file now; False where nobody can know."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False


def _locked(path: Path, flags: int) -> int:
    """A descriptor for appending to ``path`` that no second process can have. Raises OutputError or OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | flags, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise OutputError(f"cannot write {path}: another run is writing it; wait for its end, or stop it") from None
    except OSError:  # a network file system without locks: nothing is known, and nothing is refused
        pass
    return descriptor
