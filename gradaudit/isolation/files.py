"""How many files this process may have open: the pipes to a hundred workers are more than systems allow by default."""

import contextlib
import errno
import os
import resource
import sys

SPARE = 64  #: for everything else that this process opens

_before: list[int] = []  #: what was allowed before it was raised here


def make_room(count: int) -> None:
    """See to it that ``count`` more files can be opened, where that is allowed at all."""
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed != resource.RLIM_INFINITY and next_descriptor() + count + SPARE > allowed:
        with contextlib.suppress(OSError, ValueError):  # whoever needs more than there is will be told
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
            _before[:] = [allowed]


def of_workers() -> int:
    """How many a worker may have open: as if nothing had been raised here."""
    return _before[0] if _before else resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def next_descriptor() -> int:
    """The lowest free one: not much less than how many are open, at the price of one call."""
    try:
        descriptor = os.dup(2)
    except OSError as error:  # none is free, or 2 itself was closed: then there is room
        return sys.maxsize if error.errno == errno.EMFILE else 0
    os.close(descriptor)
    return descriptor
