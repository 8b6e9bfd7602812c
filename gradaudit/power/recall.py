"""Evaluations that were made before: the faults of a self-test are audited at mostly the same points, time and again.

Only what is deterministic may be remembered; that f is was tested before any claim could pass.
"""

from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import Generic, TypeVar

from gradaudit.perturb.noise import Function
from gradaudit.perturb.samples import Array
from gradaudit.perturb.sampling import Kernel

#: Numbers kept at once, of one claim: 32 MB.
ROOM = 4_000_000

Answer = TypeVar("Answer")


class Memory(Generic[Answer]):
    """Answers by what was asked. At most ``room`` numbers are kept; what comes later is asked anew every time."""

    def __init__(self, size: Callable[[Answer], int], *, room: int) -> None:
        self._known: dict[bytes, Answer] = {}
        self._size = size
        self._room = room

    def answer(self, asked: Iterable[object], ask: Callable[[], Answer]) -> Answer:
        """What ``ask`` gives, or gave when the same was ``asked``: numbers, arrays and None."""
        key = _key(asked)
        if key in self._known:
            return self._known[key]
        found = ask()
        self._room -= self._size(found)
        if self._room >= 0:
            self._known[key] = found
        return found


def remembered(function: Function, *, room: int = ROOM) -> Function:
    """``function``, which evaluates no point twice."""
    memory: Memory[Array | None] = Memory(lambda value: 1 if value is None else value.size, room=room)
    return lambda x: memory.answer([x], lambda: function(x))


def remembered_kernel(kernel: Kernel, *, room: int = ROOM) -> Kernel:
    """``kernel``, which takes no differences twice."""
    memory: Memory[tuple[Array, Array, Array]] = Memory(lambda arrays: sum(a.size for a in arrays), room=room)

    def recall(x: Array, **given: object) -> tuple[Array, Array, Array]:
        return memory.answer([x, *given.values()], lambda: kernel(x, **given))

    return recall


def _key(asked: Iterable[object]) -> bytes:
    digest = blake2b(digest_size=16)
    for one in asked:
        digest.update(repr(getattr(one, "shape", one)).encode())
        if hasattr(one, "tobytes"):
            digest.update(one.tobytes())
    return digest.digest()
