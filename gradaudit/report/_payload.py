"""Evidence as the page carries it: compressed JSON in base64, in parts that are unpacked when a case is opened.

Nothing in base64 can end an element or start one, so no text of a user's can break out of the page. A part holds the
evidence of `PER_PART` cases. It stands in the page or, where the page would grow too large, in a script beside it: a
browser loads scripts from disk, and fetches nothing else from there.
"""

import json
import zlib
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

#: Cases whose evidence is unpacked together: few enough to open at once, many enough to compress well.
PER_PART = 100


def packed(value: object) -> str:
    """Raw deflate in base64, as `DecompressionStream("deflate-raw")` reads it. Equal values give equal text."""
    text = json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    deflate = zlib.compressobj(level=9, wbits=-15)
    return b64encode(deflate.compress(text.encode("utf-8")) + deflate.flush()).decode("ascii")


def parts(details: Sequence[dict[str, Any]]) -> list[str]:
    """The evidence of all cases, in parts."""
    return [packed(details[start : start + PER_PART]) for start in range(0, len(details), PER_PART)]


def as_script(number: int, part: str) -> str:
    """A part as a file of its own: its name and its text, handed to the page."""
    return f'gradauditPart({number},"{part}");\n'
