"""Frames on a pipe: a header (request number, length), then that many bytes.

The number is drawn at random for every request, so that bytes which did not come from the worker's own answer (a user's
function that writes to every open file, or a copy of it made by ``os.fork``) are recognised and never taken for one.
"""

import os
import select
import struct

HEADER = struct.Struct("<QQ")
READY = 0  #: number of the frame that says: started, and the audit is imported
LARGEST = 1 << 30  #: bytes; a longer frame is taken for damage
PIECE = 1 << 16  #: bytes to read at once: what a pipe holds; for more, the allocator would ask the system each time


def mark(number: int) -> bytes:
    """What a worker prints after the case of the request ``number``, so that its keeper knows where it ends."""
    return struct.pack("<Q", number)


class DamagedFrame(Exception):
    """What arrived is not a frame."""


def write(descriptor: int, number: int, payload: bytes) -> None:
    """Send one frame. Raises BrokenPipeError where the other side is gone."""
    remaining = memoryview(HEADER.pack(number, len(payload)) + payload)
    while remaining:
        remaining = remaining[os.write(descriptor, remaining) :]


def has_room(descriptor: int, payload: bytes) -> bool:
    """Whether ``write`` would send it at once, though nobody reads on the other side."""
    # a pipe that is ready takes this much in one piece, by POSIX
    small = HEADER.size + len(payload) <= select.PIPE_BUF
    return small and _ready(descriptor, select.POLLOUT, 0.0)


def has_news(descriptor: int, *, seconds: float = 0.0) -> bool:
    """Wait until there is something to read, or the other side is gone, ``seconds`` at most. Whether that came."""
    return _ready(descriptor, select.POLLIN, seconds)


def _ready(descriptor: int, event: int, seconds: float) -> bool:
    # not select.select: it refuses descriptors from 1024 on, and a hundred keepers in one process have more
    look = select.poll()
    look.register(descriptor, event)
    return bool(look.poll(seconds * 1000))


def read(descriptor: int) -> tuple[int, bytes] | None:
    """Wait for one frame; None where the other side closed the pipe."""
    header = _exactly(descriptor, HEADER.size)
    if header is None:
        return None
    number, length = HEADER.unpack(header)
    payload = _exactly(descriptor, length)
    return None if payload is None else (number, payload)


def _exactly(descriptor: int, length: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < length:
        piece = os.read(descriptor, min(length - len(parts), PIECE))
        if not piece:
            return None
        parts += piece
    return bytes(parts)


class Arriving:
    """Answers as they arrive, piece by piece and one after the other."""

    def __init__(self) -> None:
        self._received = bytearray()

    def feed(self, piece: bytes) -> None:
        """Add what was read. Raises DamagedFrame where that is nothing: the pipe was closed."""
        if not piece:
            raise DamagedFrame
        self._received += piece

    def take(self, number: int) -> bytes | None:
        """The answer to the request ``number`` once it is whole, None before.

        Raises DamagedFrame where what comes next is not the answer to this request.
        """
        if len(self._received) < HEADER.size:
            return None
        found, length = HEADER.unpack_from(self._received)
        if found != number or length > LARGEST:
            raise DamagedFrame
        end = HEADER.size + length
        if len(self._received) < end:
            return None
        answer = bytes(self._received[HEADER.size : end])
        del self._received[:end]
        return answer
