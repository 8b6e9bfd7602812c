"""What tests of processes share: starting ones that import what this one does, and waiting until they are gone."""

import os
import sys
import time
from collections.abc import Callable
from typing import TypeVar

from gradaudit.isolation.processes import children_of, is_gone

Found = TypeVar("Found")


def environment(**more: str) -> dict[str, str]:
    """Of a process that imports what this one does."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **more}


def wait_until(true: Callable[[], Found], *, limit: float = 20.0) -> Found:
    """What ``true`` gives once that is true; after ``limit`` seconds, what it gave last."""
    deadline = time.monotonic() + limit
    while not (found := true()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


def family(process: int) -> list[int]:
    """Descendants of ``process`` that live."""
    return [one for child in children_of(process) for one in (child, *family(child)) if not is_gone(one)]
