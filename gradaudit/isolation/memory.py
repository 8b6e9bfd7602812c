"""How much memory a process holds, with all that it started: what is resident, not what is reserved.

Libraries reserve far more than they use (a thread's stack, an allocator's arena, a device's address space), so a limit
on address space refuses healthy cases. What is resident is what the machine runs out of.
"""

import contextlib
import os
import re
import resource
from pathlib import Path

from gradaudit.isolation.processes import children_of

PAGE = os.sysconf("SC_PAGE_SIZE")  #: bytes

_SIZE = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*([kMGT]?)(i?)B?", re.IGNORECASE)
_LEAST = 10**6  #: bytes: no process of a case holds less, so that a forgotten unit is not killed case by case
_POWER = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


def size(text: str) -> int:
    """Bytes in ``500MB``, ``2GB``, ``1.5 GiB`` or a number of bytes. Raises ValueError for anything else, and for less
    than any process holds."""
    written = _SIZE.fullmatch(text.strip())
    count = float(written[1]) * (1024 if written[3] else 1000) ** _POWER[written[2].lower()] if written else 0
    if not 1 <= count < 2**63:
        raise ValueError(f"{text!r} is not a size; allowed: 500MB, 2GB, 1.5GiB, or a number of bytes")
    if count < _LEAST:
        raise ValueError(f"{text!r} is {count:,.0f} bytes, less than any process holds; write a unit, such as 2GB")
    return int(count)


def peak() -> int:
    """The most bytes that this process, or one that it has started and buried, ever held at once.

    Of a process that was forked since it last called ``exec``: the system counts what was there before for it too.
    """
    return 1024 * max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def resident(process: int) -> int:
    """Bytes that ``process`` and its descendants hold; 0 where it is gone, or the system does not say.

    Pages that a fork shares with its parent count for both.
    """
    return _own(process) + sum(map(resident, children_of(process)))


def _own(process: int) -> int:
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * PAGE
    return 0
