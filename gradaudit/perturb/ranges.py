"""Ranges of coordinates for threads: as long as Ctrl-C may wait, as short as a fair end needs."""

from threading import Lock

LONG, SHORT = 2e-2, 2e-4  #: seconds of a range: not above LONG for Ctrl-C, not below SHORT for the cost of a call


class Ranges:
    """Hands out ranges of coordinates to threads: long while much is left, short towards the end, in order."""

    def __init__(self, count: int, threads: int) -> None:
        self._next, self._count, self._threads, self._lock = 0, count, threads, Lock()
        self._rate = 0.0  #: coordinates a second and thread

    @property
    def left(self) -> float:
        """Seconds of work for one thread that nobody has taken yet, by the last range."""
        return (self._count - self._next) / self._rate if self._rate else 0.0

    def take(self) -> tuple[int, int]:
        """The next range; empty at the end."""
        with self._lock:
            start = self._next
            fair = (self._count - start) // (2 * self._threads)
            size = max(1, int(self._rate * SHORT), min(fair, int(self._rate * LONG)))
            self._next = min(start + size, self._count)
            return start, self._next

    def learn(self, done: int, seconds: float) -> None:
        """A range of ``done`` coordinates took this long."""
        with self._lock:
            self._rate = done / max(seconds, 1e-9)

    def close(self) -> None:
        """No more ranges: the other threads end after the one they are in."""
        with self._lock:
            self._next = self._count
