"""The stand-in, on a system where a process cannot be forked safely."""

from stand_in import audit

from gradaudit import nursery

nursery.FORKS = False

__all__ = ["audit"]
