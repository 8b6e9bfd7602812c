"""What comes out of a child as text, from a pipe that it may flood."""

import contextlib
import os
from dataclasses import dataclass, field

from gradaudit.backends._wire import PIECE


@dataclass
class Printed:
    """What was printed: the first and the last of it; a flood costs no memory and no disk."""

    head: bytearray = field(default_factory=bytearray)
    tail: bytearray = field(default_factory=bytearray)
    left_out: int = 0

    HEAD, TAIL = 16_384, 4_096  # bytes

    def add(self, piece: bytes) -> None:
        room = self.HEAD - len(self.head)
        self.head += piece[:room]
        self.tail += piece[room:]
        excess = len(self.tail) - self.TAIL
        if excess > 0:
            self.left_out += excess
            del self.tail[:excess]

    def text(self) -> str:
        gap = f"\n[… {self.left_out} bytes left out …]\n".encode() if self.left_out else b""
        return bytes(self.head + gap + self.tail).decode("utf-8", errors="replace")


@dataclass
class Outlet:
    """The reading end of such a pipe, which does not block, and what has come out of it."""

    descriptor: int
    printed: Printed = field(default_factory=Printed)

    def take(self) -> bool:
        """Read once; False at the end of the stream: the user's code closed it.

        Raises BlockingIOError where there is nothing to read.
        """
        piece = os.read(self.descriptor, PIECE)
        self.printed.add(piece)
        return bool(piece)

    def drain(self) -> str:
        """Read what is there; all that was printed."""
        with contextlib.suppress(BlockingIOError):
            for _ in range(64):  # at most what a pipe holds; another process may be writing on and on
                if not self.take():
                    break
        return self.printed.text()

    def clear(self) -> None:
        """Forget what was printed, also what was not read yet."""
        self.drain()
        self.printed = Printed()
