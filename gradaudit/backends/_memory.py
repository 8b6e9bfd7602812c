"""How much memory a process holds, with all that it started: what is resident, not what is reserved.

Libraries reserve far more than they use (a thread's stack, an allocator's arena, a device's address space), so a limit
on address space refuses healthy cases. What is resident is what the machine runs out of.
"""

import contextlib
import os
from pathlib import Path

from gradaudit.backends._nursery import children_of

PAGE = os.sysconf("SC_PAGE_SIZE")  #: bytes


def resident(process: int) -> int:
    """Bytes that ``process`` and its descendants hold; 0 where it is gone, or the system does not say.

    Pages that a fork shares with its parent count for both.
    """
    return _own(process) + sum(map(resident, children_of(process)))


def _own(process: int) -> int:
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * PAGE
    return 0
