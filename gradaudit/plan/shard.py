"""One machine's part of a run: cases are dealt out by a hash of their ids, so that no machine has to ask another.

A case belongs to shard ``1 + h % n`` of ``n``, where ``h`` is the BLAKE2b digest of its id in UTF-8, 8 bytes long, read
as a big-endian integer (RFC 7693). Adding a case to the suite moves no other case to another machine.
"""

import re
from dataclasses import dataclass
from hashlib import blake2b

LARGEST = 10_000  #: shards of one run

_WRITTEN = re.compile(r"(\d{1,5})/(\d{1,5})", re.ASCII)


class ShardError(ValueError):
    """No such shard: the message says what is allowed."""


@dataclass(frozen=True)
class Shard:
    """Shard ``index`` of ``count``, from 1. Raises ShardError for one that cannot be."""

    index: int
    count: int

    def __post_init__(self) -> None:
        if not 1 <= self.index <= self.count <= LARGEST:
            raise ShardError(f"there is no shard {self}; allowed: 1/n to n/n, n at most {LARGEST}")

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    def holds(self, case_id: str) -> bool:
        """Whether the case with this id runs here."""
        digest = blake2b(case_id.encode("utf-8", errors="surrogatepass"), digest_size=8).digest()
        return int.from_bytes(digest, "big") % self.count == self.index - 1


def parse_shard(text: str) -> Shard:
    """``2/5``. Raises ShardError."""
    found = _WRITTEN.fullmatch(text.strip())
    if found is None:
        raise ShardError(f"{text!r} is not a shard; write i/n, such as 2/5 for the second of five machines")
    return Shard(int(found[1]), int(found[2]))
