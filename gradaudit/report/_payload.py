"""Evidence as the page carries it: compressed JSON in base64, in parts that are unpacked when a case is opened.

Nothing in base64 can end an element or start one, so no text of a user's can break out of the page; and every text in
it is printable. A part holds the evidence of `PER_PART` cases. It stands in the page or, where the page would grow too
large, in a script beside it: a browser loads scripts from disk, and fetches nothing else from there.
"""

import json
import zlib
from base64 import b64encode
from collections.abc import Iterable
from itertools import islice
from typing import Any

from gradaudit.report import _printable

#: Cases whose evidence is unpacked together: few enough to open at once, many enough to compress well.
PER_PART = 100
#: What JSON makes of control characters, the last one as it is: an ASCII text without any of these is printable.
_SUSPECT = ("\\u00", "\\r", "\\b", "\\f", "\x7f")


def packed(value: object) -> str:
    """Raw deflate in base64, as `DecompressionStream("deflate-raw")` reads it. Equal values give equal text."""
    return _compressed(_text(value))


def parts(details: Iterable[dict[str, Any]]) -> list[str]:
    """The evidence of all cases, in parts; that of one part is held at a time."""
    texts = map(_text, details)
    return [_compressed(f"[{','.join(some)}]") for some in iter(lambda: list(islice(texts, PER_PART)), [])]


def as_script(number: int, part: str) -> str:
    """A part as a file of its own: its name and its text, handed to the page."""
    return f'gradauditPart({number},"{part}");\n'


def _compressed(text: str) -> str:
    deflate = zlib.compressobj(wbits=-15)
    return b64encode(deflate.compress(text.encode("utf-8")) + deflate.flush()).decode("ascii")


def _text(value: object) -> str:
    """`value` as JSON whose texts are printable; most are, and are looked at as a whole."""
    text = _json(value)
    # a mark may be a backslash of the user's: then this was for nothing
    suspect = any(mark in text for mark in _SUSPECT) or not (text.isascii() or _printable.is_safe(text))
    return _json(_safe(value)) if suspect else text


def _json(value: object) -> str:
    return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))


def _safe(value: Any) -> Any:
    if isinstance(value, str):
        return _printable.lines(value)
    if isinstance(value, list):
        return [_safe(item) for item in value]
    if isinstance(value, dict):
        return {key: _safe(item) for key, item in value.items()}
    return value
