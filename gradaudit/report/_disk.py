"""Has the disk take what was written, at most a second late, while nobody waits for the disk."""

import contextlib
import os
import threading
from pathlib import Path

EVERY = 1.0  #: s: what a power failure may cost. Once a line would cost a busy disk 10 ms a case


class Syncing:
    """Calls ``fsync`` on an open file from a thread of its own, at most once in ``EVERY`` seconds."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._written = threading.Event()
        self._ending = threading.Event()
        self._problem: OSError | None = None
        self._thread = threading.Thread(target=self._serve, name="gradaudit fsync", daemon=True)
        self._thread.start()

    def written(self) -> None:
        """Something is to reach the disk. Raises the OSError of an earlier attempt that failed."""
        if self._problem is not None:
            raise self._problem
        self._written.set()

    def close(self) -> None:
        """Wait until the disk has everything. Raises OSError where it has not."""
        self._ending.set()
        self._written.set()
        self._thread.join()
        if self._problem is not None:
            raise self._problem
        os.fsync(self._descriptor)

    def _serve(self) -> None:
        while not self._ending.is_set():
            self._written.wait()
            self._ending.wait(EVERY)
            self._written.clear()
            try:
                os.fsync(self._descriptor)
            except OSError as problem:  # told to whoever writes next
                self._problem = problem
                return


def sync_folder(folder: Path) -> None:
    """Make a new name in ``folder`` outlive a power failure, on systems where folders can be synced."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
