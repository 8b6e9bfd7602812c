"""Lines that know whether they are whole: each is one JSON object whose last member is a checksum of what precedes it.

``{"case":…,"verdict":…,"crc":"89abcdef"}``: eight hexadecimal digits, the CRC-32 (ISO 3309, as in zlib and PNG) of all
bytes of the line before ``,"crc"``. Any JSON reader reads the line as it is.
"""

import json
import re
import zlib
from collections.abc import Mapping
from typing import Any

from gradaudit.report import _codec

_SEALED = re.compile(rb'(\{.*),"crc":"([0-9a-f]{8})"\}', re.DOTALL)


class Damaged(ValueError):
    """The line is not what was written."""


def sealed(members: Mapping[str, object]) -> bytes:
    """The line of an object with at least one member, its end included."""
    body = _codec.dumps(members)[:-1].encode("ascii")
    return body + b',"crc":"%08x"}\n' % zlib.crc32(body)


def opened(line: bytes) -> dict[str, Any]:
    """The object in ``line``, its checksum left out, for ``_codec.from_plain``. Raises Damaged."""
    found = _SEALED.fullmatch(line)
    if found is None:
        raise Damaged("it has no checksum")
    if zlib.crc32(found[1]) != int(found[2], 16):
        raise Damaged(f"its checksum is {zlib.crc32(found[1]):08x}, and {found[2].decode()} was written")
    return plain(found[1] + b"}")


def plain(line: bytes) -> dict[str, Any]:
    """The object in a line without a checksum. Raises Damaged."""
    try:
        data = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise Damaged(f"it is no JSON: {error}") from error
    if not isinstance(data, dict):
        raise Damaged("it is no object")
    return data
