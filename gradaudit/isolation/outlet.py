"""What comes out of a child as text, from a pipe that it may flood."""

import contextlib
import os
from collections import deque
from dataclasses import dataclass, field

from gradaudit.isolation.wire import PIECE


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


class Outlet:
    """The reading end of such a pipe, which does not block, and what has come out of it.

    Several texts may come one after the other: each ends with a mark that was told before (``expect``).
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.printed = Printed()  #: since the last mark
        self._ended: deque[Printed] = deque()  #: texts whose marks have come
        self._marks: deque[bytes] = deque()  #: those that have not
        self._held = b""  #: may be the beginning of one

    def expect(self, mark: bytes) -> None:
        """The text after those that were told before ends with ``mark``."""
        self._marks.append(mark)

    def take(self) -> bool:
        """Read once; False at the end of the stream: the user's code closed it.

        Raises BlockingIOError where there is nothing to read.
        """
        piece = os.read(self.descriptor, PIECE)
        text = self._held + piece
        while self._marks and (end := text.find(self._marks[0])) >= 0:
            self.printed.add(text[:end])
            text = text[end + len(self._marks.popleft()) :]
            self._next_text()
        split = len(text) - (len(self._marks[0]) - 1 if self._marks else 0)
        self.printed.add(text[: max(split, 0)])
        self._held = text[max(split, 0) :]
        return bool(piece)

    def next(self) -> str:
        """The text that ends with the next mark; all that there is, where no mark comes."""
        if not self._ended:
            self._read_all()
        if not self._ended:  # the user's code closed what it is written to
            self._marks.popleft()
            self._release()
            self._next_text()
        return self._ended.popleft().text()

    def drain(self) -> str:
        """Read what is there; the text at hand, as far as it has come."""
        self._read_all()
        if not self._ended:
            self._release()
        return (self._ended[0] if self._ended else self.printed).text()

    def clear(self) -> None:
        """Forget what was printed, also what was not read yet."""
        self._read_all()
        self.printed, self._held = Printed(), b""
        self._ended.clear()
        self._marks.clear()

    def _read_all(self) -> None:
        with contextlib.suppress(BlockingIOError):
            for _ in range(64):  # at most what a pipe holds; another process may be writing on and on
                if not self.take():
                    break

    def _release(self) -> None:
        self.printed.add(self._held)
        self._held = b""

    def _next_text(self) -> None:
        self._ended.append(self.printed)
        self.printed = Printed()
