"""A folder for the temporary files of workers, which goes with everything that is in it."""

import contextlib
import os
import shutil
import tempfile

PREFIX = "gradaudit-"  #: begins its name


def make(within: str | None = None) -> str:
    """A new folder ``within`` another; None: among the temporary files of the system."""
    return tempfile.mkdtemp(prefix=PREFIX, dir=within)


def remove(folder: str) -> None:
    """Remove it, also where what is in it may be neither read nor entered."""
    for parent, folders, _ in os.walk(folder):
        for name in folders:
            with contextlib.suppress(OSError):
                os.chmod(os.path.join(parent, name), 0o700, follow_symlinks=False)
    shutil.rmtree(folder, ignore_errors=True)
