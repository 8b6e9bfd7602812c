"""The stand-in, on a system where a process cannot be forked safely."""

from stand_in import audit

from gradaudit.isolation import fork_server

fork_server.FORKS = False

__all__ = ["audit"]
