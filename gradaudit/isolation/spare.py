"""A nursery that is started before it is known what for: it imports the audit while this process reads the suite."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from gradaudit.isolation import environment
from gradaudit.isolation.nursery import Nursery


@dataclass(frozen=True)
class _Spare:
    """A nursery that nobody has claimed, and all that it was started with."""

    nursery: Nursery
    setting: tuple[object, ...]


_spares: list[_Spare] = []  #: one at most, but for a run inside a run


@contextmanager
def started(audit: str) -> Iterator[None]:
    """Inside, the first keeper whose cases ask for nothing special finds its nursery ready."""
    _spares.append(spare := _Spare(Nursery(audit, {}), _setting(audit, {}, None)))
    try:
        yield
    finally:
        with suppress(ValueError):  # claimed
            _spares.remove(spare)
            spare.nursery.kill()  # it has no worker, and need not be waited for until it has imported everything
            spare.nursery.close()


def claimed(audit: str, env: Mapping[str, str], *, folder: str | None) -> Nursery | None:
    """The nursery that was started, where it is what ``Nursery`` would make of the same arguments."""
    with suppress(IndexError):  # two threads may ask at once
        if _spares and _spares[-1].setting == _setting(audit, env, folder):
            return _spares.pop().nursery
    return None


def _setting(audit: str, env: Mapping[str, str], folder: str | None) -> tuple[object, ...]:
    return audit, dict(environment.of_nursery(env)), folder or os.getcwd(), tuple(sys.path)
