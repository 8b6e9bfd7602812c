"""Frames on a pipe: a header (request number, length), then that many bytes.

The number is drawn at random for every request, so that bytes which did not come from the worker's own answer (a user's
function that writes to every open file, or a copy of it made by ``os.fork``) are recognised and never taken for one.
"""

import os
import struct

HEADER = struct.Struct("<QQ")
READY = 0  #: number of the frame that says: started, and the audit is imported
LARGEST = 1 << 30  #: bytes; a longer frame is taken for damage


class DamagedFrame(Exception):
    """What arrived is not a frame."""


def write(descriptor: int, number: int, payload: bytes) -> None:
    """Send one frame. Raises BrokenPipeError where the other side is gone."""
    remaining = memoryview(HEADER.pack(number, len(payload)) + payload)
    while remaining:
        remaining = remaining[os.write(descriptor, remaining) :]


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
        piece = os.read(descriptor, min(length - len(parts), 1 << 20))
        if not piece:
            return None
        parts += piece
    return bytes(parts)


class Arriving:
    """The answer to one request, fed piece by piece as it arrives."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._received = bytearray()

    def feed(self, piece: bytes) -> bytes | None:
        """The payload once it is whole, None before.

        Raises DamagedFrame where the bytes are not the answer to this request, or there are none: the pipe was closed.
        """
        if not piece:
            raise DamagedFrame
        self._received += piece
        if len(self._received) < HEADER.size:
            return None
        number, length = HEADER.unpack_from(self._received)
        if number != self._number or length > LARGEST:
            raise DamagedFrame
        if len(self._received) < HEADER.size + length:
            return None
        return bytes(self._received[HEADER.size : HEADER.size + length])
