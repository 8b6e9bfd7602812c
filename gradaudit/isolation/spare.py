"""A nursery that is started before it is known what for: it imports the audit while this process reads the suite."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from gradaudit.isolation.nursery import Nursery, setting_of

_spares: list[Nursery] = []  #: that nobody has claimed; one at most, but for a run inside a run


@contextmanager
def started(audit: str) -> Iterator[None]:
    """Inside, the first keeper whose cases ask for nothing special finds its nursery ready."""
    _spares.append(spare := Nursery(audit, {}))
    try:
        yield
    finally:
        with suppress(ValueError):  # claimed
            _spares.remove(spare)
            spare.kill()  # it has no worker, and need not be waited for until it has imported everything
            spare.close()


def claimed(audit: str, env: Mapping[str, str], *, folder: str | None) -> Nursery | None:
    """The nursery that was started, where it is what ``Nursery`` would make of the same arguments."""
    with suppress(IndexError):  # two threads may ask at once
        if _spares and _spares[-1].setting == setting_of(audit, env, folder=folder):
            return _spares.pop()
    return None
